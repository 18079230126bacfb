# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest

from unrender.metrics.visual_hull import hull_gap, view_directions, visual_hull


def _tub(wall: int = 2) -> np.ndarray:
    grid = np.zeros((20, 20, 20), dtype=bool)
    grid[3:17, 5:15, 4:13] = True
    grid[3 + wall : 17 - wall, 5 + wall : 15 - wall, 4 + wall : 13] = False
    return grid


def test_a_box_has_no_gap() -> None:
    grid = np.zeros((16, 16, 16), dtype=bool)
    grid[2:13, 4:9, 5:14] = True
    assert hull_gap(grid) == 0.0


def test_the_gap_of_a_tub_is_its_hollow_exactly() -> None:
    grid = _tub()
    hollow = 10 * 6 * 7
    assert hull_gap(grid) == hollow / grid.sum()
    filled = grid.copy()
    filled[3:17, 5:15, 4:13] = True
    assert np.array_equal(visual_hull(grid), filled)


def test_a_dent_that_silhouettes_show_is_carved() -> None:
    grid = np.zeros((20, 20, 20), dtype=bool)
    grid[3:17, 5:15, 4:13] = True
    grid[8:12, :, 8:13] = False  # a groove right through
    assert hull_gap(grid) == 0.0


def test_a_ball_has_nearly_none() -> None:
    c = (np.arange(24) + 0.5) / 24 - 0.5
    ball = c[:, None, None] ** 2 + c[None, :, None] ** 2 + c[None, None] ** 2 < 0.4**2
    assert 0.0 <= hull_gap(ball) < 0.08


def test_more_silhouettes_carve_more_and_the_hull_holds_the_shape() -> None:
    grid = np.random.default_rng(0).random((10, 10, 10)) < 0.03
    few, many = visual_hull(grid, 8), visual_hull(grid, 64)
    assert (grid <= many).all()
    assert many.sum() <= few.sum()


def test_directions_are_unit_vectors_of_a_half_sphere() -> None:
    directions = view_directions()
    assert directions.shape == (64, 3)
    assert np.allclose(np.linalg.norm(directions, axis=1), 1.0)
    assert (directions[:, 2] >= 0.0).all()


def test_an_empty_grid_has_no_gap_to_speak_of() -> None:
    assert math.isnan(hull_gap(np.zeros((4, 4, 4), dtype=bool)))


def test_rays_meet_what_a_dense_sampling_of_them_meets() -> None:
    rng = np.random.default_rng(1)
    grid = rng.random((8, 8, 8)) < 0.15
    directions = view_directions(8)
    steps = np.linspace(-14.0, 14.0, 20_001)
    for x, y, z in np.argwhere(~grid)[::17]:
        hit_by_all = True
        for direction in directions:
            points = np.floor(np.array([x, y, z]) + 0.5 + steps[:, None] * direction).astype(int)
            points = points[((points >= 0) & (points < 8)).all(1)]
            hit_by_all &= bool(grid[tuple(points.T)].any())
        assert visual_hull(grid, 8)[x, y, z] == hit_by_all


@pytest.mark.parametrize("name", ["bathtub", "bottle"])
def test_real_tubs_are_hollow_and_bottles_are_not(name: str) -> None:
    from unrender.data.procedural import make_shape

    gap = np.mean([hull_gap(make_shape(name, seed, 24)) for seed in range(4)])
    assert gap > 0.25 if name == "bathtub" else gap < 0.1
