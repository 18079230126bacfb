# SPDX-License-Identifier: Apache-2.0
"""The parts of `scene` that are plain numpy: where objects stand, and their previews."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.scene.arrangement import grid_place, grid_spacing, standing_location
from blender_addon.scene.preview_shading import shade_preview
from tests.blender_addon.fake_server import cube


def test_nine_places_are_three_rows_of_three_around_the_middle() -> None:
    places = [grid_place(index, 9, 2.0) for index in range(9)]
    assert places[0] == (-2.0, 2.0)
    assert places[4] == (0.0, 0.0)
    assert places[8] == (2.0, -2.0)
    assert len(set(places)) == 9


@pytest.mark.parametrize(("count", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (4, 2, 2), (5, 3, 2), (64, 8, 8)])
def test_other_counts_fill_a_square_row_by_row(count: int, columns: int, rows: int) -> None:
    places = [grid_place(index, count, 1.0) for index in range(count)]
    assert len({x for x, _ in places}) == columns
    assert len({y for _, y in places}) == rows
    assert len(set(places)) == count


def test_neighbours_do_not_touch() -> None:
    assert grid_spacing([(0.5, 0.9), (0.4, 0.4)]) > 0.9


def test_an_object_stands_with_its_lowest_point_on_the_ground_and_its_middle_over_its_place() -> None:
    vertices, _ = cube(0.4, 0.8)
    shifted = vertices + np.float32([1.0, 2.0, 3.0])
    location = standing_location(shifted, (0.5, -0.5), (10.0, 20.0, 30.0))
    placed = shifted + location
    assert placed[:, 2].min() == pytest.approx(30.0)
    assert (placed.min(axis=0) + placed.max(axis=0))[:2] / 2 == pytest.approx([10.5, 19.5])


def test_a_preview_shows_three_lit_sides_of_a_box_on_a_transparent_ground() -> None:
    picture = shade_preview(*cube(1.0, 1.0), size=64)
    assert picture.shape == (64, 64, 4)
    assert picture.dtype == np.float32
    assert picture[0, 0, 3] == 0.0
    assert picture[32, 32, 3] == 1.0
    covered = picture[..., 3] > 0.5
    assert 0.45 < covered.mean() < 0.85
    # Seen from the right and above: top brightest, front next, right side darkest.
    top, front, side = picture[14, 32, 0], picture[40, 18, 0], picture[38, 56, 0]
    assert top > front > side > 0.1


def test_a_preview_hides_what_lies_behind() -> None:
    near, faces = cube(1.0, 1.0)
    far = near * 0.5 + np.float32([-0.7, 4.0, -1.2])  # behind, seen through the first one if nothing hid it
    both = shade_preview(np.concatenate([near, far]), np.concatenate([faces, faces + len(near)]), size=64)
    turned = shade_preview(np.concatenate([far, near]), np.concatenate([faces, faces + len(far)]), size=64)
    np.testing.assert_array_equal(both, turned)


def test_a_preview_of_nothing_is_empty() -> None:
    vertices, faces = cube(1.0, 1.0)
    assert shade_preview(vertices, faces[:0], size=32).max() == 0.0
