# SPDX-License-Identifier: Apache-2.0
"""On a CUDA device: the compiled kernels against the CPU's, on meshes that are larger than an interpreter can take."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import shapes
from unrender.renderers.differentiable.rasterizer import Fragments, interpolate, rasterize
from unrender.renderers.differentiable.rasterizer.texture import texture

pytestmark = pytest.mark.gpu


def assert_close(found: Tensor, expected: Tensor, tolerance: float) -> None:
    expected = expected.to(found.device)
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance * float(expected.abs().max()))


def assert_same_faces(found: Fragments, expected: Fragments) -> None:
    """Equal face ids, but for the one in ten thousand pixels that a rounding may give to a neighbour."""
    assert (found.face.cpu() != expected.face).float().mean() < 1e-4


@pytest.mark.parametrize(
    ("mesh", "perspective"),
    [
        (shapes.icosphere((257, 301), subdivisions=5, batch=2), True),
        (shapes.torus((512, 512), rings=120, sides=60), False),
        (shapes.cube((1024, 1000), batch=2), True),
        (shapes.soup((130, 111), count=500, batch=3), True),
    ],
    ids=["sphere", "torus", "cube", "soup"],
)
def test_fragments_and_images_are_those_of_the_cpu(mesh: shapes.ScreenMesh, perspective: bool) -> None:
    screen, faces = mesh.screen, mesh.faces
    expected = rasterize(screen, faces, mesh.size, perspective=perspective)
    found = rasterize(screen.cuda(), faces.cuda(), mesh.size, perspective=perspective)
    assert_same_faces(found, expected)
    same = (found.face.cpu() == expected.face).unsqueeze(1)
    attributes = torch.rand(*screen.shape[:2], 5, generator=torch.Generator().manual_seed(0))
    image = interpolate(attributes.cuda(), found, faces.cuda()).cpu()
    assert_close(image * same, interpolate(attributes, expected, faces) * same, 1e-5)
    assert_close(found.barycentrics.cpu() * same, expected.barycentrics * same, 1e-5)
    assert_close(found.depth.cpu() * same, expected.depth * same, 1e-5)


@pytest.mark.parametrize(
    "mesh", [shapes.icosphere((257, 301), 5, batch=2), shapes.cube((1024, 1000))], ids=["sphere", "cube"]
)
def test_gradients_are_those_of_the_cpu_and_the_same_twice(mesh: shapes.ScreenMesh) -> None:
    draw = torch.Generator().manual_seed(0)
    attributes = torch.rand(*mesh.screen.shape[:2], 3, generator=draw)
    one, other = (
        rasterize(mesh.screen.to(name), mesh.faces.to(name), mesh.size).face.cpu() for name in ("cuda", "cpu")
    )
    # Pixels that another face may have got by a rounding do not count.
    weights = torch.rand(len(one), 1, *mesh.size, generator=draw) * (one == other).unsqueeze(1)

    def gradients(device: str) -> list[Tensor]:
        screen = mesh.screen.to(device).requires_grad_(True)
        given, faces = attributes.to(device).requires_grad_(True), mesh.faces.to(device)
        fragments = rasterize(screen, faces, mesh.size)
        image = interpolate(given, fragments, faces)
        return list(torch.autograd.grad(((image + fragments.depth) * weights.to(device)).sum(), (screen, given)))

    found = gradients("cuda")
    for one, again, other in zip(found, gradients("cuda"), gradients("cpu"), strict=True):
        assert torch.equal(one, again)
        assert_close(one, other, 1e-4)


@pytest.mark.parametrize("mipmap", [False, True])
def test_textures_are_those_of_the_cpu_and_the_same_twice(mipmap: bool) -> None:
    draw = torch.Generator().manual_seed(0)
    uv, image = torch.rand(2, 2, 200, 190, generator=draw) * 2.0 - 0.5, torch.rand(1, 3, 129, 256, generator=draw)
    steps = torch.rand(2, 4, 200, 190, generator=draw) * 0.1 if mipmap else None
    upstream = torch.rand(2, 3, 200, 190, generator=draw)

    def results(device: str) -> list[Tensor]:
        place, texels = (tensor.to(device).requires_grad_(True) for tensor in (uv, image))
        footprint = None if steps is None else steps.to(device)
        name = "bilinear" if steps is None else "mipmap"
        sampled = texture(place, texels, footprint=footprint, filter=name, wrap="repeat")
        return [sampled, *torch.autograd.grad(sampled, (place, texels), upstream.to(device))]

    for one, again, other in zip(results("cuda"), results("cuda"), results("cpu"), strict=True):
        assert torch.equal(one, again)
        assert_close(one, other, 1e-4)
