# SPDX-License-Identifier: Apache-2.0
"""Faces cut at the near plane, against rays met with the whole faces in space."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.renderers.differentiable.rasterizer import (
    Fragments,
    clip_near,
    crosses_near,
    interpolate,
    rasterize,
    to_screen,
)
from unrender.renderers.differentiable.rasterizer.backends import Backend

DOUBLE = torch.float64
CUBE = torch.tensor([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)], dtype=DOUBLE)
QUADS = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
FACES = torch.tensor([face for a, b, c, d in QUADS for face in ((a, b, c), (a, c, d))])


def cameras(count: int, field_of_view: float | None = 1.2) -> Cameras:
    return Cameras(torch.zeros(count), torch.zeros(count), 1.0, field_of_view)


def seen(points: Tensor, faces: Tensor, size: tuple[int, int], near: float, backend: Backend) -> Fragments:
    clipped = clip_near(points, faces, near)
    screen = to_screen(clipped.points, cameras(len(points)), size)
    return clipped.restore(rasterize(screen, clipped.faces, size, near=near, backend=backend), backend=backend)


def cast(points: Tensor, faces: Tensor, size: tuple[int, int], near: float) -> tuple[Tensor, Tensor, Tensor]:
    """Nearest face [H, W] and depth on the ray of each pixel, and which pixels are beyond dispute."""
    row, column = torch.meshgrid(*(torch.arange(n, dtype=DOUBLE) + 0.5 for n in size), indexing="ij")
    camera = cameras(1)
    scale = camera.width / max(size) / camera.distance
    ray = torch.stack([(column - size[1] / 2) * scale, (size[0] / 2 - row) * scale, torch.ones_like(row)], dim=-1)
    face, depth = torch.full(size, -1), torch.full(size, math.inf, dtype=DOUBLE)
    sure = torch.ones(size, dtype=torch.bool)
    for index, names in enumerate(faces.tolist()):
        # point = ray * depth = sum of weights times corners, with weights that add up to 1
        system = torch.cat([points[names].T, torch.ones(1, 3, dtype=DOUBLE)])
        system = torch.cat([system.expand(*size, 4, 3), torch.cat([-ray, 0 * row[..., None]], -1)[..., None]], dim=-1)
        answer = torch.linalg.solve(system, torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=DOUBLE))
        weights, here = answer[..., :3], answer[..., 3]
        in_front = here > near
        inside = (weights > 0.0).all(-1) & in_front
        sure &= ((weights.abs() > 1e-5).all(-1) | ~in_front) & ((here - near).abs() > 1e-4)
        sure &= ~(inside & ((here - depth).abs() < 1e-5))
        nearer = inside & (here < depth)
        face, depth = torch.where(nearer, index, face), torch.where(nearer, here, depth)
    return face, depth, sure


def turned(seed: int) -> Tensor:
    """A cube's corners about the camera, so that its faces cross the near plane in every way."""
    draw = torch.Generator().manual_seed(seed)
    rotation = torch.linalg.qr(torch.randn(3, 3, generator=draw, dtype=DOUBLE)).Q
    return CUBE @ rotation + torch.tensor([0.1, -0.2, 0.4 * (seed - 1)], dtype=DOUBLE)


@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_the_picture_is_that_of_the_whole_faces(dtype: torch.dtype, backend: Backend) -> None:
    size, near = (14, 17), 0.25
    points = torch.stack([turned(seed) for seed in range(3)])
    assert crosses_near(points, near)
    ours = seen(points.to(dtype), FACES, size, near, backend)
    where = interpolate(points.to(dtype), ours, FACES, backend=backend)
    for image in range(3):
        face, depth, sure = cast(points[image], FACES, size, near)
        assert sure.float().mean() > 0.9
        assert (face >= 0).float().mean() > 0.3
        assert torch.equal(ours.face[image].long()[sure], face[sure])
        hit = sure & (face >= 0)
        torch.testing.assert_close(ours.depth[image, 0][hit].to(DOUBLE), depth[hit], rtol=1e-4, atol=1e-5)
        # The corners weighted by what was mapped back are the point that is seen.
        torch.testing.assert_close(where[image, 2][hit].to(DOUBLE), depth[hit], rtol=1e-4, atol=1e-4)


def test_from_within_a_closed_mesh_there_is_no_gap(backend: Backend) -> None:
    points = (0.5 * turned(1)).float().unsqueeze(0)
    assert seen(points, FACES, (15, 15), 1e-3, backend).covered.all()


def test_what_lies_in_front_is_left_as_it_is(backend: Backend) -> None:
    points = (0.3 * CUBE + torch.tensor([0.0, 0.0, 2.0], dtype=DOUBLE)).unsqueeze(0)
    faces = torch.cat([FACES, torch.full((2, 3), -1)])
    clipped = clip_near(points, faces, 0.1)
    assert not crosses_near(points, 0.1)
    assert torch.equal(clipped.points, points)
    assert torch.equal(clipped.faces[0], faces)
    plain = rasterize(to_screen(points, cameras(1), (9, 9)), faces, (9, 9), backend=backend)
    ours = seen(points, faces, (9, 9), 0.1, backend)
    assert torch.equal(ours.face, plain.face)
    torch.testing.assert_close(ours.barycentrics, plain.barycentrics)


def test_gradients_reach_the_points_through_the_cut(backend: Backend) -> None:
    points = torch.tensor(
        [
            [[-0.9, -0.7, 1.7], [0.1, 1.3, 1.9], [0.6, -0.5, -0.4]],
            [[-0.8, -0.9, 1.1], [0.3, 0.9, -0.3], [0.7, 0.1, -0.6]],
        ],
        dtype=DOUBLE,
    )

    def picture(points: Tensor) -> tuple[Tensor, Tensor]:
        ours = seen(points, torch.tensor([[0, 1, 2]]), (4, 5), 0.3, backend)
        assert (ours.face >= 0).sum() > 6
        return ours.barycentrics, ours.depth

    assert torch.autograd.gradcheck(picture, (points.requires_grad_(True),), fast_mode=backend == "cuda")


def test_both_faces_of_an_edge_are_cut_at_the_same_point() -> None:
    points = torch.stack([turned(seed) for seed in range(3)]).float()
    clipped = clip_near(points, FACES, 0.25)
    for image in range(3):
        made = clipped.points[image, clipped.faces[image][clipped.faces[image] >= points.shape[1]].unique()]
        assert len(made) > 0
        assert (made[:, 2] == torch.tensor(0.25)).all()
        assert len(made.unique(dim=0)) == len(made) // 2


def test_bad_points_and_empty_meshes(backend: Backend) -> None:
    points = torch.tensor([[[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, -1.0], [math.nan, 0.0, -1.0]]])
    leaf = points.requires_grad_(True)
    faces = torch.tensor([[[0, 1, 2], [0, 1, 3], [-1, -1, -1]]])
    ours = seen(leaf, faces, (8, 8), 0.1, backend)
    assert set(ours.face.unique().tolist()) == {-1, 0}
    (ours.depth.sum() + ours.barycentrics.square().sum()).backward()
    assert leaf.grad.isfinite().all()
    for vertices, count in ((0, 0), (3, 0), (0, 2)):
        nothing = seen(torch.rand(2, vertices, 3), torch.full((count, 3), -1), (3, 4), 0.1, backend)
        assert (nothing.face == -1).all()
    all_behind = seen(torch.rand(1, 3, 3) - 2.0, torch.tensor([[0, 1, 2]]), (3, 4), 0.1, backend)
    assert (all_behind.face == -1).all()


def test_gradients_are_equal_to_the_last_bit_each_time() -> None:
    random = torch.Generator().manual_seed(0)
    points = torch.randn(1, 500, 3, generator=random)
    faces = torch.randint(0, 500, (60_000, 3), generator=random)  # so many that PyTorch's indexing would use threads

    def gradient() -> Tensor:
        leaf = points.clone().requires_grad_(True)
        clipped = clip_near(leaf, faces, 0.1)
        (clipped.points.sin().sum() + clipped.corners.cos().sum()).backward()
        assert leaf.grad is not None
        return leaf.grad

    assert torch.equal(gradient(), gradient())
