# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from torch import Tensor

from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.networks.octahedral_surface import OctahedralSurface


def offsets_of_direction(side: int) -> Tensor:
    """[1, 3, side, side]: x, y, z of the octahedron |x| + |y| + |z| = 1 at pixel centres, which is linear between the
    folds."""
    points = octahedral_sphere(side)  # a grid twice as fine, of which every other point is a pixel's centre
    places = torch.from_numpy(points.uv)
    grid = torch.zeros(len(places), 3)
    grid[torch.from_numpy(points.uv_faces).flatten().long()] = torch.from_numpy(points.vertices)[
        torch.from_numpy(points.faces).flatten().long()
    ]
    grid = grid / grid.abs().sum(dim=1, keepdim=True)
    return grid.view(2 * side + 1, 2 * side + 1, 3)[1::2, 1::2].permute(2, 0, 1)[None].contiguous()


def test_no_offsets_are_a_sphere() -> None:
    for constraint in (True, False):
        surface = OctahedralSurface(8, 0.3, size_constraint=constraint)
        vertices = surface(torch.zeros(2, 3, 4, 4))
        wanted = 0.3 * torch.from_numpy(octahedral_sphere(4).vertices)
        torch.testing.assert_close(vertices, wanted.expand(2, -1, -1))


@pytest.mark.parametrize(("side", "cells"), [(8, 8), (16, 8), (8, 12)])
def test_vertices_move_by_the_offsets_of_their_own_direction(side: int, cells: int) -> None:
    surface = OctahedralSurface(cells, 0.2, size_constraint=False)
    moved = surface(0.1 * offsets_of_direction(side))[0] / 0.5 - surface(torch.zeros(1, 3, 4, 4))[0] / 0.5
    directions = torch.from_numpy(octahedral_sphere(cells // 2).vertices)
    wanted = 0.1 * directions / directions.abs().sum(dim=1, keepdim=True)
    # Bilinear samples cut the folds off, by half a pixel along each axis of the square.
    assert (moved - wanted).abs().max() < 0.1 * 2.01 / side


def test_the_seam_is_closed_whatever_the_offsets() -> None:
    """Every vertex is there once: a closed surface of the sphere's topology."""
    surface = OctahedralSurface(8, 0.3)
    faces = surface.template.faces
    edges = {tuple(sorted((int(face[i]), int(face[(i + 1) % 3])))) for face in faces for i in range(3)}
    assert len(surface(torch.randn(1, 3, 8, 8))[0]) - len(edges) + len(faces) == 2


def test_offsets_are_continued_across_the_seam() -> None:
    surface = OctahedralSurface(8, 0.3, size_constraint=False)
    offsets = torch.zeros(1, 3, 8, 8, requires_grad=True)
    back = int(surface.sphere[:, 1].argmax())
    (gradient,) = torch.autograd.grad(surface(offsets)[0, back, 0], offsets)
    corners = gradient[0, 0][[0, 0, -1, -1], [0, -1, 0, -1]]
    torch.testing.assert_close(corners, torch.full((4,), 0.125))  # a quarter of 0.5, the ball's radius
    assert gradient.count_nonzero() == 4


def test_the_size_constraint_keeps_everything_in_the_ball() -> None:
    generator = torch.Generator().manual_seed(0)
    for size in (0.1, 1.0, 30.0, 1e4):
        offsets = size * torch.randn(4, 3, 8, 8, generator=generator)
        vertices = OctahedralSurface(8, 0.3)(offsets)
        assert vertices.isfinite().all()
        assert vertices.norm(dim=-1).max() <= 0.5 * (1.0 + 1e-6)
    plain = OctahedralSurface(8, 0.3, size_constraint=False)(offsets)
    assert plain.norm(dim=-1).max() > 100.0


def test_the_size_constraint_is_smooth_and_leaves_what_is_well_inside() -> None:
    surface, plain = OctahedralSurface(4, 0.25).double(), OctahedralSurface(4, 0.25, size_constraint=False).double()
    offsets = 0.1 * torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(1)).double()
    torch.testing.assert_close(surface(offsets), plain(offsets), atol=2e-3, rtol=0.0)
    assert torch.autograd.gradcheck(surface, (10.0 * offsets).requires_grad_())


def test_smoothing_takes_the_finest_away() -> None:
    offsets = torch.ones(1, 3, 8, 8)
    offsets[..., ::2, 1::2] = offsets[..., 1::2, ::2] = -1.0
    rough, smooth = (OctahedralSurface(8, 0.3, sigma)(0.1 * offsets) for sigma in (0.0, 1.0))
    ball = OctahedralSurface(8, 0.3)(0.0 * offsets)
    assert (smooth - ball).abs().max() < 0.2 * (rough - ball).abs().max() + 1e-3


@pytest.mark.parametrize(("cells", "radius", "words"), [(7, 0.3, "even"), (8, 0.5, "less than 0.5"), (8, 0.0, "more")])
def test_what_makes_no_sense_is_refused(cells: int, radius: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        OctahedralSurface(cells, radius)
