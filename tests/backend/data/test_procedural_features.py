# SPDX-License-Identifier: Apache-2.0
"""What makes a chair a chair: features that every shape of a class must have, read off its voxels."""

import numpy as np
import pytest
from scipy import ndimage

from unrender.data.procedural import make_shape

N = 64
SEEDS = range(50)


def extent(grid, axis):
    filled = np.flatnonzero(grid.any(tuple(a for a in range(3) if a != axis)))
    return int(filled[0]), int(filled[-1])


def widest_level(grid, low, high):
    """Height of the level with most voxels, among those between two shares of the height."""
    bottom, top = extent(grid, 2)
    first, last = bottom + int(low * (top - bottom)), bottom + int(high * (top - bottom))
    areas = grid.sum((0, 1))[first : last + 1]
    # A slab has many: its uppermost.
    return first + int(np.flatnonzero(areas >= 0.97 * areas.max())[-1]), (bottom, top)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_chair_has_a_seat_at_sitting_height_feet_on_the_floor_and_a_back_at_plus_y(seed):
    grid = make_shape("chair", seed, N)
    seat, (bottom, top) = widest_level(grid, 0.2, 0.75)
    front, rear = extent(grid, 1)
    width = np.subtract(*extent(grid, 0)[::-1]) + 1
    assert 0.22 <= (seat - bottom) / (top - bottom) <= 0.75
    # The seat covers most of the plan, what stands on the floor carries its middle.
    assert grid[:, :, seat].sum() > 0.45 * width * (rear - front + 1)
    feet = np.argwhere(grid[:, :, bottom])
    assert len(feet) > 0
    ys = np.argwhere(grid[:, :, seat])[:, 1]
    assert feet[:, 1].min() < np.median(ys) < feet[:, 1].max()
    # Above the arm rests there is only the back, and it stands behind the middle.
    upper = np.argwhere(grid[:, :, seat + int(0.85 * (top - seat)) :])
    assert np.percentile(upper[:, 1], 10) > 0.5 * (front + rear)
    assert upper[:, 0].max() - upper[:, 0].min() > 0.4 * width


def test_chairs_come_with_four_legs_with_one_and_with_arm_rests():
    standing, armed = [], 0
    for seed in SEEDS:
        grid = make_shape("chair", seed, N)
        bottom = extent(grid, 2)[0]
        standing.append(ndimage.label(grid[:, :, bottom + 1])[1])
        seat, (_, top) = widest_level(grid, 0.2, 0.75)
        front, rear = extent(grid, 1)
        middle = seat + int(0.3 * (top - seat))
        armed += grid[:, front : (front + rear) // 2, middle:].any()
    assert standing.count(4) > 15
    assert standing.count(1) > 3
    assert 10 < armed < 38


def cavity(grid):
    """Share of the bounding box that is empty, walled in on four sides, over solid and open above."""
    solid_before = [np.maximum.accumulate(grid, axis) for axis in range(3)]
    solid_after = [np.flip(np.maximum.accumulate(np.flip(grid, axis), axis), axis) for axis in range(3)]
    inside = (
        ~grid & solid_before[0] & solid_after[0] & solid_before[1] & solid_after[1] & solid_before[2] & ~solid_after[2]
    )
    box = np.prod([np.subtract(*extent(grid, axis)[::-1]) + 1 for axis in range(3)])
    return inside.sum() / box


def test_bathtubs_are_hollow_with_floor_and_rim():
    cavities = []
    for seed in SEEDS:
        grid = make_shape("bathtub", seed, N)
        cavities.append(cavity(grid))
        assert cavities[-1] > 0.07, seed
        middle = grid[N // 2, N // 2]
        bottom, top = extent(grid, 2)
        solid = np.flatnonzero(middle)
        assert len(solid) >= 0.06 * N, seed  # a floor, thick enough for a grid of 32
        assert solid[-1] < bottom + 0.75 * (top - bottom), seed  # and nothing above it
        length, width = (np.subtract(*extent(grid, axis)[::-1]) for axis in (0, 1))
        assert length > width, seed
    assert np.mean(cavities) > 0.2


def test_a_solid_block_has_no_cavity():
    assert cavity(np.pad(np.ones((8, 8, 8), dtype=bool), 4)) == 0.0


@pytest.mark.parametrize("seed", SEEDS)
def test_a_table_has_its_top_on_top(seed):
    grid = make_shape("table", seed, N)
    areas = grid.sum((0, 1))
    bottom, top = extent(grid, 2)
    assert areas[top - 2] >= 0.85 * areas.max()
    assert 0 < areas[bottom] <= areas[top - 2]
    below = grid[:, :, bottom : top - int(0.3 * (top - bottom))]
    assert below.mean((0, 1)).max() < areas.max() / N**2 + 1e-9


def test_couches_are_wider_than_deep_mostly_and_have_backs_at_plus_y():
    wide = backs = 0
    for seed in SEEDS:
        grid = make_shape("couch", seed, N)
        (left, right), (front, rear), (_, top) = (extent(grid, axis) for axis in range(3))
        wide += (right - left) > (rear - front)
        assert grid[:, (front + rear) // 2 :, top - 1].sum() > 0
        crest = np.argwhere(grid[:, :, top - 1])[:, 1]
        backs += bool(np.median(crest) > 0.5 * (front + rear))
    assert wide > 0.6 * len(SEEDS)
    assert backs > 0.8 * len(SEEDS)  # round a corner, the longer back may be the one along the side


def test_mushrooms_are_wider_above_than_below_and_some_are_hollow():
    hollow = wider = 0
    for seed in SEEDS:
        grid = make_shape("mushroom", seed, N)
        bottom, top = extent(grid, 2)
        areas = grid.sum((0, 1))
        middle = (bottom + top) // 2
        wider += areas[middle:].max() > 1.5 * areas[bottom + 2]
        # Hollow below: empty voxels with cap above and around, and stem inside.
        around = [np.maximum.accumulate(grid, 0), np.flip(np.maximum.accumulate(np.flip(grid, 0), 0), 0)]
        above = np.flip(np.maximum.accumulate(np.flip(grid, 2), 2), 2)
        chamber = ~grid & around[0] & around[1] & above
        hollow += chamber.sum() > 0.1 * grid.sum()
    assert 5 < hollow < 40
    assert wider > 0.9 * len(SEEDS)  # a button on a bulb may not be


def test_mugs_are_hollow_and_have_a_handle_that_one_can_see_through():
    through = 0
    for seed in SEEDS:
        grid = make_shape("mug", seed, N)
        assert cavity(grid) > 0.04, seed
        outline = grid.any(1)  # seen from the front: the hole of the handle is a hole of the outline
        through += ndimage.binary_fill_holes(outline).sum() > outline.sum()
    assert through == len(SEEDS)


def test_bottles_are_narrower_above_than_below():
    for seed in SEEDS:
        bottle = make_shape("bottle", seed, N)
        bottom, top = extent(bottle, 2)
        areas = bottle.sum((0, 1))[bottom : top + 1]
        assert areas[int(0.75 * len(areas)) :].min() < 0.6 * areas.max(), seed
        assert areas.argmax() < 0.7 * len(areas), seed


def test_beds_are_low_where_one_lies_and_high_at_plus_y():
    for seed in SEEDS:
        grid = make_shape("bed", seed, N)
        front, rear = extent(grid, 1)
        assert rear - front >= np.subtract(*extent(grid, 0)[::-1]) - 2, seed  # longer than wide
    heads = 0
    for seed in SEEDS:
        grid = make_shape("bed", seed, N)
        top = extent(grid, 2)[1]
        crest = np.argwhere(grid[:, :, top - 1])[:, 1]
        heads += crest.max() > 0.5 * sum(extent(grid, 1))
    assert heads == len(SEEDS)


def test_shelves_have_several_boards_one_above_the_other():
    for seed in SEEDS:
        grid = make_shape("shelf", seed, N)
        middle = sum(extent(grid, 1)) // 2
        # Along some upright line through the middle there are several boards with space between them.
        boards = max(ndimage.label(column)[1] for column in grid[:, middle])
        assert boards >= 2, seed


def test_airplanes_are_flat_and_alike_on_both_sides():
    for seed in SEEDS:
        grid = make_shape("airplane", seed, N)
        sizes = [np.subtract(*extent(grid, axis)[::-1]) + 1 for axis in range(3)]
        assert sizes[2] < min(sizes[:2]), seed
        assert (grid & grid[::-1]).sum() / (grid | grid[::-1]).sum() > 0.98, seed


def test_cars_stand_on_four_wheels_that_are_apart_and_are_longer_than_wide():
    for seed in SEEDS:
        grid = make_shape("car", seed, N)
        low, high = extent(grid, 2)
        feet = grid[:, :, low]
        assert ndimage.label(feet)[1] == 4, seed
        sizes = [np.subtract(*extent(grid, axis)[::-1]) + 1 for axis in range(3)]
        assert sizes[1] == max(sizes), seed
        assert high - low + 1 < sizes[1], seed
        assert (grid & grid[::-1]).sum() / (grid | grid[::-1]).sum() > 0.98, seed


def test_some_cars_have_a_load_bed_and_some_are_as_high_behind_as_in_the_middle():
    beds = vans = 0
    for seed in range(40):
        grid = make_shape("car", seed, N)
        top = np.where(grid.any(axis=2), N - 1 - grid[:, :, ::-1].argmax(axis=2), -1)  # [X, Y]
        rear, middle = extent(grid, 1)[1], top[N // 2]
        last = top[:, rear - N // 8]
        beds += last[N // 2] < last.max() - 1  # hollow between its sides
        vans += middle[rear - N // 16] >= middle.max() - 2
    assert beds >= 3
    assert vans >= 3
