# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from unrender.metrics.shape_distances import chamfer_distances, compare_sets, overlap_distances


def _random(count: int, seed: int, size: int = 6) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((count, size, size, size)) < 0.2)


def _quarter_turns(grid: np.ndarray) -> list[np.ndarray]:
    return [np.rot90(grid, turns, (0, 1)) for turns in range(4)]


def test_overlap_is_one_minus_intersection_over_union_at_the_best_turn() -> None:
    a, b = _random(3, 0), _random(4, 1)
    for i, first in enumerate(a.numpy()):
        for j, second in enumerate(b.numpy()):
            best = min(1 - (first & turned).sum() / (first | turned).sum() for turned in _quarter_turns(second))
            assert overlap_distances(a, b, turns=4)[i, j] == pytest.approx(best, abs=1e-6)


def test_chamfer_is_what_a_search_tree_finds_between_boundary_voxels() -> None:
    # So sparse that every full voxel is on the boundary.
    a, b = _random(2, 2), _random(3, 3)
    distances = chamfer_distances(a, b, turns=4)
    for i, first in enumerate(a.numpy()):
        for j, second in enumerate(b.numpy()):
            best = np.inf
            for turned in _quarter_turns(second):
                p, q = (np.argwhere(grid) / 6.0 for grid in (first, turned))
                there, back = cKDTree(q).query(p)[0], cKDTree(p).query(q)[0]
                best = min(best, (there**2).mean() + (back**2).mean())
            assert distances[i, j] == pytest.approx(best, rel=1e-4)


def test_inside_voxels_do_not_count() -> None:
    solid = torch.zeros(1, 8, 8, 8, dtype=torch.bool)
    solid[:, 2:6, 2:6, 2:6] = True
    hollow = solid.clone()
    hollow[:, 3:5, 3:5, 3:5] = False
    assert chamfer_distances(solid, hollow).item() == 0.0


def test_a_shape_that_faces_another_way_is_the_same_shape() -> None:
    shape = _random(1, 4)
    turned = torch.rot90(shape, 1, (1, 2))
    assert overlap_distances(shape, turned).item() == pytest.approx(0.0, abs=1e-6)
    assert chamfer_distances(shape, turned).item() == pytest.approx(0.0, abs=1e-9)


def test_a_shape_at_an_odd_angle_is_nearly_the_same_shape() -> None:
    c = (torch.arange(32) + 0.5) / 32 - 0.5
    x, y, z = torch.meshgrid(c, c, c, indexing="ij")

    def bar(angle: float) -> torch.Tensor:
        along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        return ((along.abs() < 0.4) & (across.abs() < 0.1) & (z.abs() < 0.15) & (along < 0.3 + z))[None]

    straight, turned = bar(0.0), bar(np.radians(45.0))
    assert overlap_distances(straight, turned, turns=4).item() > 0.5
    assert overlap_distances(straight, turned).item() < 0.15
    assert chamfer_distances(straight, turned).item() < 0.1 * chamfer_distances(straight, turned, turns=4).item()


def test_figures_of_two_sets_on_a_line() -> None:
    fake, real = torch.tensor([0.0, 0.1, 5.0]), torch.tensor([0.25, 4.0, 9.0])
    across, within_fake, within_real = ((a[:, None] - b).abs() for a, b in ((fake, real), (fake, fake), (real, real)))
    figures = compare_sets(across, within_fake, within_real)
    assert figures.coverage == pytest.approx(2 / 3)  # nobody is nearest to 9
    assert figures.minimum_matching_distance == pytest.approx((0.15 + 1.0 + 4.0) / 3)
    # Nearest of all others: 0 and .1 each other; 5 the real 4; .25 the fake .1; 4 the fake 5; 9 the fake 5.
    assert figures.nearest_neighbour_accuracy == pytest.approx(2 / 6)


def test_sets_that_lie_apart_are_told_apart_always() -> None:
    near, far = torch.zeros(5) + torch.arange(5) * 0.01, 100.0 + torch.arange(5) * 0.01
    across, within = (near[:, None] - far).abs(), (near[:, None] - near).abs()
    assert compare_sets(across, within, within).nearest_neighbour_accuracy == 1.0


def test_an_empty_shape_has_no_boundary() -> None:
    with pytest.raises(ValueError, match="no full voxel"):
        chamfer_distances(torch.zeros(1, 4, 4, 4, dtype=torch.bool), _random(1, 0, 4))
