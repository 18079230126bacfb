# SPDX-License-Identifier: Apache-2.0
"""Bad input: the right picture or one clear error, on every implementation."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import shapes
from unrender.renderers.differentiable.rasterizer import Fragments, interpolate, rasterize
from unrender.renderers.differentiable.rasterizer.backends import Backend

GOOD = [[1.2, 6.8, 2.0], [6.9, 6.1, 2.0], [3.8, 1.3, 2.0]]


def colours(screen: Tensor, faces: Tensor, size: tuple[int, int], backend: Backend) -> tuple[Fragments, Tensor]:
    """The fragments, and the gradient of a loss over all of them and over an interpolated attribute."""
    leaf = screen.clone().requires_grad_(True)
    seen = rasterize(leaf, faces, size, backend=backend)
    image = interpolate(leaf.detach().nan_to_num(0.0, 0.0, 0.0), seen, faces, backend=backend)
    (image.sum() + seen.depth.sum() + seen.barycentrics.square().sum()).backward()
    return seen, torch.zeros_like(screen) if leaf.grad is None else leaf.grad


@pytest.mark.parametrize(
    "bad",
    [
        [[2.0, 2.0, 1.0], [2.0, 2.0, 1.0], [7.0, 3.0, 1.0]],
        [[2.0, 2.0, 1.0], [2.0, 2.0, 1.0], [2.0, 2.0, 1.0]],
        [[1.0, 1.0, 1.0], [4.0, 4.0, 1.0], [7.0, 7.0, 1.0]],
        [[math.nan, 1.0, 1.0], [7.0, 1.0, 1.0], [4.0, 7.0, 1.0]],
        [[1.0, math.inf, 1.0], [7.0, 1.0, 1.0], [4.0, 7.0, 1.0]],
        [[1.0, 1.0, 1.0], [7.0, -math.inf, 1.0], [4.0, 7.0, 1.0]],
        [[1.0, 1.0, math.nan], [7.0, 1.0, 1.0], [4.0, 7.0, 1.0]],
        [[1.0, 1.0, math.inf], [7.0, 1.0, 1.0], [4.0, 7.0, 1.0]],
        [[1.0, 1.0, -1.0], [7.0, 1.0, -2.0], [4.0, 7.0, -1.0]],
        [[1.0, 1.0, 0.0], [7.0, 1.0, 1.0], [4.0, 7.0, 1.0]],
        [[1.0, 1.0, -1.0], [7.0, 1.0, 1.0], [4.0, 7.0, 1.0]],
        [[-9.0, 1.0, 1.0], [-2.0, 1.0, 1.0], [-4.0, 7.0, 1.0]],
        [[1.0, 90.0, 1.0], [7.0, 99.0, 1.0], [4.0, 95.0, 1.0]],
        [[3.6, 3.6, 1.0], [4.4, 3.6, 1.0], [4.0, 4.4, 1.0]],
    ],
    ids=[
        "two corners alike", "all corners alike", "on a line", "NaN", "inf", "-inf", "NaN depth", "infinite depth",
        "behind", "in the camera's plane", "across the camera's plane", "left of the image", "below it",
        "between centres",
    ],
)  # fmt: skip
def test_faces_that_cannot_be_seen_change_nothing(bad: list[list[float]], backend: Backend) -> None:
    alone, gradient_alone = colours(torch.tensor([GOOD]), torch.tensor([[0, 1, 2]]), (8, 8), backend)
    faces = torch.tensor([[3, 4, 5], [0, 1, 2], [5, 4, 3]])
    seen, gradient = colours(torch.tensor([GOOD + bad]), faces, (8, 8), backend)
    assert alone.covered.sum() > 8
    assert torch.equal(torch.where(seen.face == 1, 0, seen.face), alone.face)
    torch.testing.assert_close(seen.depth, alone.depth)
    torch.testing.assert_close(gradient[:, :3], gradient_alone)
    assert (gradient[:, 3:] == 0.0).all()


@pytest.mark.parametrize("far", [1e4, 1e8, 1e15, 1e30])
def test_faces_far_larger_than_the_image(far: float, backend: Backend) -> None:
    screen = torch.tensor([[[-far, -far, 1.0], [-far, far, 1.0], [2.0 * far, 0.25, 1.0]]])
    seen, gradient = colours(screen, torch.tensor([[0, 1, 2]]), (5, 6), backend)
    assert seen.covered.all()
    assert gradient.isfinite().all()
    torch.testing.assert_close(seen.depth, torch.ones(1, 1, 5, 6))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (3, 17), (17, 16), (33, 31)])
def test_images_of_any_size(size: tuple[int, int], backend: Backend) -> None:
    height, width = size
    corners = [[-1.0, height + 1.0, 1.0], [2.0 * width + 2.0, height + 1.0, 1.0], [-1.0, -height - 2.0, 1.0]]
    seen, gradient = colours(torch.tensor([corners]), torch.tensor([[0, 1, 2]]), size, backend)
    assert seen.size == size
    assert seen.covered.all()
    assert gradient.isfinite().all()


def test_meshes_without_faces_or_vertices(backend: Backend) -> None:
    for vertices, faces in (
        (3, torch.zeros(0, 3, dtype=torch.long)),
        (0, torch.zeros(0, 3, dtype=torch.long)),
        (0, torch.full((4, 3), -1)),
        (3, torch.full((4, 3), -1)),
        (3, torch.tensor([[0, 1, -1]])),
    ):
        seen, gradient = colours(torch.rand(2, vertices, 3) + 1.0, faces, (4, 5), backend)
        assert (seen.face == -1).all()
        assert (seen.depth == 0.0).all()
        assert (seen.barycentrics == 0.0).all()
        assert (gradient == 0.0).all()


def test_an_empty_mesh_in_a_batch(backend: Backend) -> None:
    screen = torch.tensor([GOOD]).expand(3, -1, -1)
    face = torch.tensor([[0, 1, 2], [-1, -1, -1]])
    faces = torch.stack([face, torch.full((2, 3), -1), face.flip(0)])
    seen, gradient = colours(screen, faces, (8, 8), backend)
    assert seen.covered.sum(dim=(1, 2, 3))[1] == 0
    assert torch.equal(seen.face[0].clamp(max=0), seen.face[2].clamp(max=0))
    assert torch.equal(gradient[0], gradient[2])
    assert (gradient[1] == 0.0).all()


def test_more_than_2_to_the_24_faces() -> None:
    """Face numbers that float32 cannot tell apart: only padding, but for the last two."""
    count = 2**24 + 3
    faces = torch.full((count, 3), -1, dtype=torch.int32)
    faces[-2:] = torch.tensor([[3, 4, 5], [0, 1, 2]])
    screen = torch.tensor([[*GOOD, [1.2, 6.8, 3.0], [6.9, 6.1, 3.0], [3.8, 1.3, 3.0]]])
    seen, _ = colours(screen, faces, (8, 8), "cpu")
    assert set(seen.face.unique().tolist()) == {-1, count - 1}


@pytest.mark.parametrize("wrong", [6, 2**31 - 1, -2])
def test_an_index_out_of_range_is_named(wrong: int, backend: Backend) -> None:
    screen = torch.rand(1, 6, 3) + 1.0
    faces = torch.tensor([[0, 1, 2], [3, wrong, 5]])
    with pytest.raises(ValueError, match=f"A face names vertex {wrong}; expected 0 to 5"):
        rasterize(screen, faces, (4, 4), backend=backend)
    seen = rasterize(screen, torch.tensor([[0, 1, 2], [3, 4, 5]]), (4, 4), backend=backend)
    with pytest.raises(ValueError, match=f"A face names vertex {wrong}"):
        interpolate(screen, seen, faces, backend=backend)


def test_faces_that_changed_in_place_are_looked_at_again(backend: Backend) -> None:
    faces = torch.tensor([[0, 1, 2]])
    rasterize(torch.tensor([GOOD]), faces, (8, 8), backend=backend)
    faces[0, 0] = 7
    with pytest.raises(ValueError, match="names vertex 7"):
        rasterize(torch.tensor([GOOD]), faces, (8, 8), backend=backend)


def test_meshes_made_in_inference_mode(backend: Backend) -> None:
    with torch.inference_mode():
        screen, faces = torch.tensor([GOOD]), torch.tensor([[0, 1, 2]])
        assert rasterize(screen, faces, (8, 8), backend=backend).covered.any()
        faces[0, 0] = 7
        with pytest.raises(ValueError, match="names vertex 7"):
            rasterize(screen, faces, (8, 8), backend=backend)


def test_fragments_of_another_mesh(backend: Backend) -> None:
    mesh = shapes.cube((8, 8))
    seen = rasterize(mesh.screen, mesh.faces, mesh.size, backend=backend)
    with pytest.raises(ValueError, match=r"names face .* but 2 faces came"):
        interpolate(mesh.screen, seen, mesh.faces[:2], backend=backend)


def test_mixed_devices_and_dtypes(backend: Backend) -> None:
    mesh = shapes.triangle((8, 8))
    with pytest.raises(ValueError, match="screen is on cpu and faces on meta; move them"):
        rasterize(mesh.screen, mesh.faces.to("meta"), mesh.size, backend=backend)
    with pytest.raises(ValueError, match=r"screen came as float16 \[1, 3, 3\]; expected float32 or float64"):
        rasterize(mesh.screen.half(), mesh.faces, mesh.size, backend=backend)
    with pytest.raises(ValueError, match="faces came as int16"):
        rasterize(mesh.screen, mesh.faces.short(), mesh.size, backend=backend)
    seen = rasterize(mesh.screen, mesh.faces, mesh.size, backend=backend)
    with pytest.raises(ValueError, match="attributes is float64 and barycentrics float32; convert"):
        interpolate(mesh.screen.double(), seen, mesh.faces, backend=backend)
    with pytest.raises(ValueError, match="attributes is on meta and faces on cpu"):
        interpolate(mesh.screen.to("meta"), seen, mesh.faces, backend=backend)


def test_batches_that_do_not_match(backend: Backend) -> None:
    mesh = shapes.cube((8, 8), batch=2)
    with pytest.raises(ValueError, match="faces of 3 meshes came with a batch of 2"):
        rasterize(mesh.screen, mesh.faces.expand(3, -1, -1), mesh.size, backend=backend)
    seen = rasterize(mesh.screen, mesh.faces, mesh.size, backend=backend)
    with pytest.raises(ValueError, match=r"expected float32 or float64 \[2, N, C\] or \[1, N, C\]"):
        interpolate(torch.rand(3, 8, 2), seen, mesh.faces, backend=backend)


@pytest.mark.parametrize("size", [(0, 4), (4, -1)])
def test_sizes_below_a_pixel(size: tuple[int, int], backend: Backend) -> None:
    mesh = shapes.triangle((8, 8))
    with pytest.raises(ValueError, match=r"size came as .* expected .height, width. of at least 1 pixel"):
        rasterize(mesh.screen, mesh.faces, size, backend=backend)


@pytest.mark.parametrize("near", [0.0, -1.0, math.nan, math.inf])
def test_a_near_plane_that_is_not_in_front(near: float, backend: Backend) -> None:
    mesh = shapes.triangle((8, 8))
    with pytest.raises(ValueError, match=r"near came as .* expected a distance above 0"):
        rasterize(mesh.screen, mesh.faces, mesh.size, near=near, backend=backend)


def test_backends_that_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = shapes.triangle((8, 8))
    monkeypatch.setenv("TRITON_INTERPRET", "0")
    with pytest.raises(ValueError, match='"cuda" came with tensors on cpu; move them to a CUDA device or use "auto"'):
        rasterize(mesh.screen, mesh.faces, mesh.size, backend="cuda")
