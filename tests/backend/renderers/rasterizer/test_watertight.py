# SPDX-License-Identifier: Apache-2.0
"""Faces that share an edge leave no gap and do not overlap, wherever pixel centres lie."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from unrender.renderers.differentiable.rasterizer import rasterize
from unrender.renderers.differentiable.rasterizer.backends import Backend

SIDE = 12


def layers(screen: Tensor, faces: Tensor, backend: Backend) -> Tensor:
    """How many faces of equal depth cover each pixel, at most two: the first one is seen, and the last one if they are
    numbered the other way round."""
    first = rasterize(screen, faces, (SIDE, SIDE), backend=backend).face[0]
    last = rasterize(screen, faces.flip(0), (SIDE, SIDE), backend=backend).face[0]
    assert torch.equal(first >= 0, last >= 0)
    is_double = (first >= 0) & (first != len(faces) - 1 - last)
    return (first >= 0).int() + is_double.int()


def grid(points: Tensor) -> tuple[Tensor, Tensor]:
    """A square net [n, n, 2] of points as screen vertices and faces, diagonals one way and the other."""
    n = len(points)
    index = torch.arange(n * n).reshape(n, n)
    a, b, c, d = (part.flatten() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    even = ((a // n + a % n) % 2 == 0).unsqueeze(1)
    first = torch.where(even, torch.stack([a, d, c], 1), torch.stack([a, d, b], 1))
    second = torch.where(even, torch.stack([a, c, b], 1), torch.stack([d, c, b], 1))
    depth = torch.ones(n * n, 1, dtype=points.dtype)
    return torch.cat([points.reshape(-1, 2), depth], dim=1).unsqueeze(0), torch.cat([first, second])


@pytest.mark.parametrize("step", [0.5, 1.0, 1.5, 3.0])
@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_vertices_and_edges_on_pixel_centres(step: float, offset: float, backend: Backend) -> None:
    """A net over the whole image: level, upright and diagonal edges through centres, and corners on them."""
    ticks = torch.arange(-step + offset, SIDE + 2 * step, step)
    if len(ticks) > 12:
        ticks = ticks[:12]
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    screen, faces = grid(torch.stack([x, y], dim=-1))
    count = layers(screen, faces, backend)
    within = int(min(float(ticks[-1]), SIDE) - 0.5)
    assert (count[:within, :within] == 1).all()
    assert (count <= 1).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_crumpled_net_of_random_corners(seed: int, backend: Backend) -> None:
    draw = torch.Generator().manual_seed(seed)
    ticks = torch.linspace(-2.0, SIDE + 2.0, 8)
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    points = torch.stack([x, y], dim=-1) + 1.2 * torch.rand(8, 8, 2, generator=draw) - 0.6
    count = layers(*grid(points), backend)
    assert (count == 1).all()


def test_a_fan_about_a_pixel_centre(backend: Backend) -> None:
    """Many thin faces meet exactly in a centre, and in one a rounding error away from it."""
    for middle in (6.5, 6.5000005, 6.4999995):
        angles = torch.arange(17) * (2.0 * torch.pi / 17)
        rim = torch.stack([6.5 + 9.0 * angles.cos(), 6.5 + 9.0 * angles.sin(), torch.ones(17)], dim=1)
        screen = torch.cat([torch.tensor([[middle, 6.5, 1.0]]), rim]).unsqueeze(0)
        ring = torch.arange(17)
        faces = torch.stack([torch.zeros(17, dtype=torch.long), ring + 1, (ring + 1) % 17 + 1], dim=1)
        count = layers(screen, faces, backend)
        assert (count[1:-1, 1:-1] == 1).all()


def test_a_seam_with_vertices_of_its_own_on_each_side(backend: Backend) -> None:
    """Texture seams double vertices: equal coordinates count, not equal indices, and not the way the face runs."""
    a, b, c, d = [1.3, 0.2, 1.0], [9.7, 11.1, 1.0], [11.9, 0.1, 1.0], [0.1, 11.9, 1.0]
    screen = torch.tensor([[a, b, c, b, a, d]])
    count = layers(screen, torch.tensor([[0, 1, 2], [5, 4, 3]]), backend)
    diagonal = torch.arange(2, 9)
    assert (count[diagonal, diagonal] == 1).all()
    assert (count <= 1).all()
    on_centres = torch.tensor(
        [[[0.5, 0.5, 1.0], [8.5, 8.5, 1.0], [9.0, 0.5, 1.0], [8.5, 8.5, 1.0], [0.5, 0.5, 1.0], [0.5, 9.0, 1.0]]]
    )
    count = layers(on_centres, torch.tensor([[0, 1, 2], [5, 4, 3]]), backend)
    assert (count[torch.arange(0, 8), torch.arange(0, 8)] == 1).all()


def test_a_closed_mesh_is_covered_front_and_back_alike(backend: Backend) -> None:
    """Each ray that enters a tetrahedron leaves it, also through its edges and corners."""
    points = torch.tensor([[2.5, 2.5, 2.0], [9.5, 2.5, 1.0], [2.5, 9.5, 1.5], [6.5, 6.5, 3.0]]).unsqueeze(0)
    faces = torch.tensor([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])
    alone = rasterize(points.expand(4, -1, -1), faces.unsqueeze(1), (SIDE, SIDE), backend=backend)
    total = alone.covered.sum(dim=0)
    assert set(total.unique().tolist()) == {0, 2}
    assert (total == 2).sum() > 15
