# SPDX-License-Identifier: Apache-2.0
"""`dibr_mask` against values worked out by hand, finite differences, and itself in other orders."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import shapes
from unrender.renderers.differentiable.rasterizer import dibr_mask
from unrender.renderers.differentiable.rasterizer.backends import Backend

CORNERS = [[[4.0, 4.0, 1.0], [12.0, 4.0, 1.0], [4.0, 12.0, 1.0]]]
FACE = torch.tensor([[0, 2, 1]])


def slopes(screen: Tensor, faces: Tensor, size: tuple[int, int], backend: Backend, nearest: int = 30) -> Tensor:
    """Gradient of an uneven sum of the mask."""
    leaf = screen.detach().clone().requires_grad_(True)
    mask = dibr_mask(leaf, faces, size, sharpness=0.4, box=3.5, nearest=nearest, backend=backend)
    (mask * torch.linspace(-1.0, 2.0, mask.numel(), dtype=mask.dtype).view_as(mask)).sum().backward()
    assert leaf.grad is not None
    return leaf.grad


def test_one_triangle_has_the_values_and_slopes_of_the_formula(backend: Backend) -> None:
    screen = torch.tensor(CORNERS, requires_grad=True)
    mask = dibr_mask(screen, FACE, (16, 16), sharpness=0.5, box=2.0, backend=backend)
    assert mask[0, 0, 5, 5] == 1.0
    assert float(mask[0, 0, 2, 7]) == pytest.approx(math.exp(-0.5 * 1.5**2))  # before the upper edge
    assert float(mask[0, 0, 2, 2]) == pytest.approx(math.exp(-0.5 * 2 * 1.5**2))  # before the corner
    assert float(mask[0, 0, 9, 9]) == pytest.approx(math.exp(-0.5 * 3.0**2 / 2.0))  # before the long edge
    assert mask[0, 0, 1, 7] == 0.0  # out of the box
    mask[0, 0, 2, 7].backward()
    assert screen.grad is not None
    slope = -2 * 0.5 * 1.5 * math.exp(-0.5 * 1.5**2)
    share = 3.5 / 8.0  # of the corner to the right in the nearest point
    expected = torch.tensor([[[0.0, slope * (1 - share), 0.0], [0.0, slope * share, 0.0], [0.0, 0.0, 0.0]]])
    torch.testing.assert_close(screen.grad, expected)


def test_covered_pixels_carry_no_gradient(backend: Backend) -> None:
    screen = torch.tensor(CORNERS, requires_grad=True)
    dibr_mask(screen, FACE, (16, 16), backend=backend)[0, 0, 5, 5].backward()
    assert screen.grad is not None
    assert not screen.grad.any()


def test_the_nearest_faces_count_not_the_first(backend: Backend) -> None:
    far = torch.tensor([[[4.0, 4.0, 1.0], [12.0, 4.0, 1.0], [8.0, 1.0, 1.0]]])
    screen = torch.cat([far + torch.tensor([0.0, -0.5, 0.0]), torch.tensor(CORNERS) + torch.tensor([0.0, 4.0, 0.0])], 1)
    faces = torch.tensor([[0, 1, 2], [3, 5, 4]])
    one = dibr_mask(screen, faces, (16, 16), sharpness=0.2, box=6.0, nearest=1, backend=backend)
    both = dibr_mask(screen, faces, (16, 16), sharpness=0.2, box=6.0, nearest=2, backend=backend)
    near, other = math.exp(-0.2 * 1.5**2), math.exp(-0.2 * 3.0**2)
    assert float(one[0, 0, 6, 7]) == pytest.approx(near)
    assert float(both[0, 0, 6, 7]) == pytest.approx(1 - (1 - near) * (1 - other))


@pytest.mark.parametrize("nearest", [2, 30])
def test_the_order_of_the_faces_does_not_matter(nearest: int) -> None:
    mesh = shapes.torus((16, 16), rings=9, sides=6)
    order = torch.randperm(len(mesh.faces), generator=torch.Generator().manual_seed(1))
    first, second = (
        dibr_mask(mesh.screen, faces, mesh.size, nearest=nearest) for faces in (mesh.faces, mesh.faces[order])
    )
    assert torch.equal(first, second)
    torch.testing.assert_close(
        slopes(mesh.screen, mesh.faces, mesh.size, "cpu", nearest),
        slopes(mesh.screen, mesh.faces[order], mesh.size, "cpu", nearest),
    )


@pytest.mark.parametrize("nearest", [1, 4, 30])
def test_kernels_agree_with_the_reference(kernel_backend: Backend, nearest: int) -> None:
    for mesh in (shapes.torus((12, 14), rings=6, sides=5, batch=2), shapes.soup((9, 11), count=12)):
        found, expected = (
            dibr_mask(mesh.screen, mesh.faces, mesh.size, sharpness=0.4, box=3.5, nearest=nearest, backend=backend)
            for backend in (kernel_backend, "reference")
        )
        torch.testing.assert_close(found, expected, rtol=0.0, atol=1e-5)
        gradient, exact = (
            slopes(mesh.screen, mesh.faces, mesh.size, backend, nearest) for backend in (kernel_backend, "reference")
        )
        assert (gradient - exact).abs().max() <= 1e-4 * exact.abs().max()


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_gradients_are_those_of_finite_differences(backend: Backend) -> None:
    mesh = shapes.soup((6, 7), count=5, dtype=torch.float64)
    screen = mesh.screen[:, :15].clone().requires_grad_(True)
    assert torch.autograd.gradcheck(
        lambda leaf: dibr_mask(leaf, mesh.faces[:5], mesh.size, sharpness=0.3, box=9.0, backend=backend), (screen,)
    )


def test_gradients_are_equal_to_the_last_bit_from_run_to_run() -> None:
    mesh = shapes.torus((24, 24), batch=2)
    first, second = (slopes(mesh.screen, mesh.faces, mesh.size, "cpu") for _ in range(2))
    assert torch.equal(first, second)


def test_faces_that_are_not_drawn_change_nothing(backend: Backend) -> None:
    mesh = shapes.soup((7, 9), count=6)
    whole = dibr_mask(mesh.screen, mesh.faces, mesh.size, backend=backend)
    assert torch.equal(whole, dibr_mask(mesh.screen, mesh.faces[:6], mesh.size, backend=backend))
    assert slopes(mesh.screen, mesh.faces, mesh.size, backend).isfinite().all()


def test_empty_meshes_and_single_pixels(backend: Backend) -> None:
    nothing = shapes.empty((3, 5), batch=2)
    assert not dibr_mask(nothing.screen, nothing.faces, nothing.size, backend=backend).any()
    speck = shapes.triangle((1, 1))
    assert dibr_mask(speck.screen, speck.faces, speck.size, backend=backend).item() == 1.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sharpness": 0.0}, "sharpness came as 0.0"),
        ({"box": math.inf}, "box as inf"),
        ({"nearest": 0}, "nearest came as 0"),
        ({"near": -1.0}, "near came as -1.0"),
    ],
)
def test_settings_out_of_range_are_told(settings: dict[str, float], message: str) -> None:
    mesh = shapes.triangle((4, 4))
    with pytest.raises(ValueError, match=message):
        dibr_mask(mesh.screen, mesh.faces, mesh.size, **settings)  # type: ignore[arg-type]
