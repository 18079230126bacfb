# SPDX-License-Identifier: Apache-2.0
"""Gradients of `rasterize` and `interpolate` by finite differences, and the kernels against the reference."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import shapes
from unrender.renderers.differentiable.rasterizer import Fragments, interpolate, rasterize
from unrender.renderers.differentiable.rasterizer.backends import Backend

DOUBLE = torch.float64


@pytest.mark.parametrize("perspective", [True, False])
def test_gradcheck_of_barycentrics_and_depth(perspective: bool, backend: Backend) -> None:
    mesh = shapes.two_triangles((5, 4), dtype=DOUBLE)

    def seen(screen: Tensor) -> tuple[Tensor, Tensor]:
        result = rasterize(screen, mesh.faces, mesh.size, perspective=perspective, backend=backend)
        return result.barycentrics, result.depth

    assert torch.autograd.gradcheck(seen, (mesh.leaf(),), fast_mode=backend == "cuda")


@pytest.mark.parametrize("perspective", [True, False])
def test_central_differences_of_a_batch(perspective: bool, backend: Backend) -> None:
    """Along random directions, in double precision, while no pixel changes its face."""
    mesh = shapes.cube((11, 9), batch=2, dtype=DOUBLE)
    draw = torch.Generator().manual_seed(1)
    weights = torch.randn(2, 4, 11, 9, dtype=DOUBLE, generator=draw)

    def loss(screen: Tensor) -> tuple[Tensor, Tensor]:
        result = rasterize(screen, mesh.faces, mesh.size, perspective=perspective, backend=backend)
        return (torch.cat([result.barycentrics, result.depth], dim=1) * weights).sum(), result.face

    leaf = mesh.leaf()
    value, face = loss(leaf)
    value.backward()
    for _ in range(3):
        step = 1e-6 * torch.randn(mesh.screen.shape, dtype=DOUBLE, generator=draw)
        (after, face_after), (before, face_before) = loss(mesh.screen + step), loss(mesh.screen - step)
        assert torch.equal(face_after, face)
        assert torch.equal(face_before, face)
        torch.testing.assert_close((leaf.grad * step).sum(), (after - before) / 2, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("perspective", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
@pytest.mark.parametrize("parts", ["both", "barycentrics", "depth"])
def test_kernels_give_the_gradient_of_the_reference(
    perspective: bool, dtype: torch.dtype, parts: str, kernel_backend: Backend
) -> None:
    mesh = shapes.soup((12, 13), batch=2, dtype=dtype)
    draw = torch.Generator().manual_seed(2)
    to_weights, to_depth = torch.randn(2, 3, 12, 13, generator=draw), torch.randn(2, 1, 12, 13, generator=draw)
    gradients = []
    for chosen in (kernel_backend, "reference"):
        leaf = mesh.leaf()
        seen = rasterize(leaf, mesh.faces, mesh.size, perspective=perspective, backend=chosen)
        loss = torch.zeros((), dtype=dtype)
        if parts != "depth":
            loss = loss + (seen.barycentrics * to_weights).sum()
        if parts != "barycentrics":
            loss = loss + (seen.depth * to_depth).sum()
        loss.backward()
        gradients.append(leaf.grad)
    assert gradients[1].isfinite().all()
    scale = float(gradients[1].abs().max())
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-4 * scale if dtype != DOUBLE else 1e-9)


def fragments(dtype: torch.dtype, size: tuple[int, int] = (6, 7), requires_grad: bool = True) -> Fragments:
    """What is seen of a cube from two sides."""
    mesh = shapes.cube(size, batch=2, dtype=dtype)
    seen = rasterize(mesh.screen, mesh.faces, size, backend="reference")
    return Fragments(seen.face, seen.barycentrics.detach().requires_grad_(requires_grad), seen.depth)


@pytest.mark.parametrize("sets", [1, 2])
def test_gradcheck_of_interpolate(sets: int, backend: Backend) -> None:
    faces, seen = shapes.cube().faces, fragments(DOUBLE, (4, 3))
    attributes = torch.rand(sets, 8, 2, dtype=DOUBLE, requires_grad=True)

    def image(attributes: Tensor, barycentrics: Tensor) -> Tensor:
        return interpolate(attributes, Fragments(seen.face, barycentrics, seen.depth), faces, backend=backend)

    assert torch.autograd.gradcheck(image, (attributes, seen.barycentrics), fast_mode=backend == "cuda")


@pytest.mark.parametrize("channels", [1, 3, 7])
@pytest.mark.parametrize("sets", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, DOUBLE])
def test_interpolate_agrees_with_the_reference(
    channels: int, sets: int, dtype: torch.dtype, kernel_backend: Backend
) -> None:
    faces, seen = shapes.cube().faces, fragments(dtype)
    attributes = torch.randn(sets, 8, channels, generator=torch.Generator().manual_seed(0)).to(dtype)
    upstream = torch.randn(2, channels, 6, 7, generator=torch.Generator().manual_seed(1)).to(dtype)
    results = []
    for chosen in (kernel_backend, "reference"):
        leaf = attributes.clone().requires_grad_(True)
        image = interpolate(leaf, seen, faces, backend=chosen)
        results.append((image.detach(), *torch.autograd.grad(image, (leaf, seen.barycentrics), upstream)))
    for ours, reference in zip(*results, strict=True):
        torch.testing.assert_close(ours, reference, rtol=1e-4, atol=1e-5)


def test_gradients_repeat_to_the_last_bit_with_any_number_of_threads(kernel_backend: Backend) -> None:
    faces, seen = shapes.cube().faces, fragments(torch.float32, (20, 20))
    attributes = torch.randn(1, 8, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 2):
            torch.set_num_threads(threads)
            image = interpolate(attributes, seen, faces, backend=kernel_backend)
            results.append(torch.autograd.grad(image.square().sum(), (attributes, seen.barycentrics)))
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        assert torch.equal(result[0], results[0][0])
        assert torch.equal(result[1], results[0][1])


def test_interpolate_gives_linear_attributes_exactly(backend: Backend) -> None:
    """Attributes that are the corners' own columns, rows and depths, of an orthographic picture."""
    mesh = shapes.icosphere((15, 16), subdivisions=1)
    seen = rasterize(mesh.screen, mesh.faces, mesh.size, perspective=False, backend=backend)
    image = interpolate(mesh.screen, seen, mesh.faces, backend=backend)
    row, column = torch.meshgrid(torch.arange(15) + 0.5, torch.arange(16) + 0.5, indexing="ij")
    expected = torch.stack([column, row, seen.depth[0, 0]])
    torch.testing.assert_close(image[0], expected * seen.covered[0], rtol=1e-5, atol=1e-5)


def test_attributes_may_have_faces_of_their_own(backend: Backend) -> None:
    """One value per face, as texture charts have."""
    mesh = shapes.cube((13, 13))
    seen = rasterize(mesh.screen, mesh.faces, mesh.size, backend=backend)
    values = torch.arange(12.0).view(1, 12, 1)
    own = torch.arange(12).unsqueeze(1).expand(-1, 3)
    image = interpolate(values, seen, own, backend=backend)
    torch.testing.assert_close(image[0, 0], seen.face[0].clamp(min=0).float())


@pytest.mark.parametrize("primitive", ["rasterize", "interpolate"])
def test_second_derivatives_are_refused(primitive: str, kernel_backend: Backend) -> None:
    if primitive == "rasterize":
        mesh = shapes.triangle((4, 4))
        leaf = mesh.leaf()
        result = rasterize(leaf, mesh.faces, mesh.size, backend=kernel_backend).depth
    else:
        leaf = torch.rand(1, 8, 2, requires_grad=True)
        seen = fragments(torch.float32)
        result = interpolate(leaf, seen, shapes.cube().faces, backend=kernel_backend)
        leaf = seen.barycentrics
    (first,) = torch.autograd.grad(result.square().sum(), leaf, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()
