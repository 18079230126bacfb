# SPDX-License-Identifier: Apache-2.0
"""The Triton kernels of the silhouettes, in Triton's interpreter: over several tiles and images, equal to the last bit
each time, and compiled for a CUDA device without one. That they agree with the references is tested with each
primitive."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import shapes
from tests.backend.renderers.rasterizer.compile_for_cuda import compile_launches, launches
from tests.backend.renderers.rasterizer.shapes import ScreenMesh
from unrender.renderers.differentiable.rasterizer import rasterize
from unrender.renderers.differentiable.rasterizer.antialias import antialias
from unrender.renderers.differentiable.rasterizer.backends import Backend, is_interpreted
from unrender.renderers.differentiable.rasterizer.dibr_mask import dibr_mask
from unrender.renderers.differentiable.rasterizer.edge_gradients import edge_gradients
from unrender.renderers.differentiable.rasterizer.soft_rasterize import soft_rasterize
from unrender.renderers.differentiable.rasterizer.soft_skirt import soft_skirt

pytest.importorskip("triton")
pytestmark = pytest.mark.skipif(not is_interpreted(), reason="Triton's interpreter is not asked for")

PRIMITIVES = ["antialias", "edge_gradients", "dibr_mask", "soft_skirt", "soft_rasterize"]


def uniform(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(7))


def image_and_slopes(name: str, mesh: ScreenMesh, backend: Backend) -> tuple[Tensor, ...]:
    """What a primitive makes of a mesh, and the gradients of its screen and of what it was given to show."""
    screen, batch = mesh.leaf(), len(mesh.screen)
    is_of_pixels = name in ("antialias", "edge_gradients")
    shown = uniform(batch, 2, *mesh.size) if is_of_pixels else uniform(batch, screen.shape[1], 2)
    shown.requires_grad_(True)
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size, backend="reference")
    if name == "antialias":
        made = antialias(shown, screen, mesh.faces, fragments, backend=backend)
    elif name == "edge_gradients":
        made = edge_gradients(shown, screen, mesh.faces, fragments, backend=backend)
    elif name == "dibr_mask":
        made = dibr_mask(screen, mesh.faces, mesh.size, sharpness=0.5, nearest=2, backend=backend)
    elif name == "soft_skirt":
        skirt = soft_skirt(screen, mesh.faces, fragments, margin=1.5, depth_test="corrected", backend=backend)
        made = torch.cat([skirt.alpha, skirt.fragments.barycentrics, skirt.fragments.depth], dim=1)
    else:
        soft = soft_rasterize(screen, mesh.faces, shown, mesh.size, gamma=0.2, far=5.0, backend=backend)
        made = torch.cat([soft.colour, soft.alpha, soft.background_weight], dim=1)
    (made * uniform(*made.shape)).sum().backward()
    given = torch.zeros(0) if shown.grad is None else shown.grad
    assert screen.grad is not None
    return made.detach(), screen.grad, given


@pytest.mark.parametrize("name", PRIMITIVES)
def test_tiles_and_images_agree_with_the_reference_and_are_equal_each_time(name: str) -> None:
    one = shapes.two_triangles((7, 18))
    mesh = ScreenMesh(torch.cat([one.screen, one.screen.flip(1)]), one.faces, one.size)
    expected = image_and_slopes(name, mesh, "reference")
    first, again = (image_and_slopes(name, mesh, "cuda") for _ in range(2))
    for value, repeated, wanted in zip(first, again, expected, strict=True):
        assert torch.equal(value, repeated)
        torch.testing.assert_close(value, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", PRIMITIVES)
def test_bad_faces_leave_all_numbers_finite(name: str) -> None:
    made, slope, given = image_and_slopes(name, shapes.soup((9, 8), count=3), "cuda")
    assert made.isfinite().all()
    assert slope.isfinite().all()
    assert given.isfinite().all()


def test_every_kernel_compiles_for_a_cuda_device() -> None:
    with launches() as found:
        for name in PRIMITIVES:
            image_and_slopes(name, shapes.triangle((2, 3)), "cuda")
    sizes = compile_launches(found)
    assert {"_find", "_blend", "_weigh", "_keep_nearest", "_sum_gradients"} <= set(sizes)
    assert max(size["shared"] for size in sizes.values()) <= 48 << 10  # bytes that any device has
