# SPDX-License-Identifier: Apache-2.0
"""The one primitive of the procedural shapes against closed forms."""

import math

import numpy as np
import pytest

from unrender.data.procedural.solids import box, fit_to_ball, paint, pillow, post, rail, sweep, turned


def volume(solids, resolution=128):
    return paint(solids, resolution).mean()


def test_a_box_has_its_volume_and_place():
    grid = paint([box((-0.25, -0.125, 0.0), (0.25, 0.0, 0.375))], 64)
    assert grid.mean() == pytest.approx(0.5 * 0.125 * 0.375)
    filled = np.argwhere(grid)
    assert filled.min(0).tolist() == [16, 24, 32]
    assert filled.max(0).tolist() == [47, 31, 55]


def test_a_turned_half_circle_is_a_ball():
    heights = np.linspace(-0.4, 0.4, 200)
    ball = turned(heights, np.sqrt(np.maximum(0.16 - heights**2, 0.0)))
    assert volume([ball]) == pytest.approx(4 / 3 * math.pi * 0.4**3, rel=0.01)


@pytest.mark.parametrize(
    ("start", "end"), [((-0.4, 0.0, 0.0), (0.4, 0.0, 0.0)), ((0.0, 0.4, 0.0), (0.0, -0.4, 0.0))], ids=["x", "y"]
)
def test_a_round_rail_is_a_cylinder_along_its_axis(start, end):
    cylinder = rail(start, end, 0.2, exponent=2.0)
    assert volume([cylinder]) == pytest.approx(math.pi * 0.04 * 0.8, rel=0.01)


def test_a_tapered_post_is_a_frustum_that_leans_to_its_head():
    grid = paint([post((-0.2, 0.0, -0.4), (0.2, 0.0, 0.4), 0.1, 0.2)], 128)
    assert grid.mean() == pytest.approx(0.8 / 3 * (0.04 + 0.16 + math.sqrt(0.04 * 0.16)), rel=0.01)
    low, high = np.argwhere(grid[:, :, 20])[:, 0].mean(), np.argwhere(grid[:, :, 108])[:, 0].mean()
    assert (high - low) / 128 == pytest.approx(0.4 * 88 / 102.4, abs=0.02)


def test_a_pillow_is_a_box_that_lost_its_edges():
    low, high = (-0.3, -0.2, -0.1), (0.3, 0.2, 0.1)
    edges = paint([box(low, high)], 64) & ~paint([pillow(low, high, rounding=0.05)], 64)
    assert not (paint([pillow(low, high)], 64) & ~paint([box(low, high)], 64)).any()
    assert edges[:, :, 32].sum() > 0
    assert edges[:, :, 26].sum() > edges[:, :, 32].sum()


def test_a_cut_takes_away_only_from_what_came_before():
    whole, hole = box((-0.4, -0.4, -0.4), (0.4, 0.4, 0.4)), box((-0.2, -0.2, -0.5), (0.2, 0.2, 0.5)).as_cut()
    assert volume([whole, hole], 64) == pytest.approx(
        volume([whole], 64) - volume([box((-0.2, -0.2, -0.4), (0.2, 0.2, 0.4))], 64)
    )
    assert volume([hole, whole], 64) == volume([whole], 64)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_mirror_image_is_the_flipped_grid(axis):
    solid = sweep(
        axis, (-0.3, 0.1, 0.4), [(0.1, 0.0), (0.2, 0.1), (-0.1, 0.0)], [(0.1, 0.2), (0.05, 0.1), (0.2, 0.1)], 3.0
    )
    assert np.array_equal(paint([solid.mirrored()], 48), paint([solid], 48)[::-1])


def test_fitting_centres_the_box_and_reaches_the_radius():
    solids = fit_to_ball([box((1.0, 1.0, 1.0), (3.0, 2.0, 2.0)), turned((2.0, 4.0), (0.5, 0.1), [(2.0, 1.5)])], 0.45)
    points = np.concatenate([solid.outline() for solid in solids])
    assert np.linalg.norm(points, axis=1).max() == pytest.approx(0.45)
    assert points.min(0) == pytest.approx(-points.max(0))


def test_parts_outside_the_grid_paint_nothing():
    assert not paint([box((2.0, 2.0, 2.0), (3.0, 3.0, 3.0)), box((-3.0, -0.1, -0.1), (-2.0, 0.1, 0.1))], 16).any()
