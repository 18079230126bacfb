# SPDX-License-Identifier: Apache-2.0
"""`soft_rasterize` against values worked out by hand, finite differences, and itself in other orders."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import shapes
from tests.backend.renderers.rasterizer.shapes import ScreenMesh
from unrender.renderers.differentiable.rasterizer import SoftImages, soft_rasterize
from unrender.renderers.differentiable.rasterizer.backends import Backend

SIGMA, GAMMA, FAR = 0.7, 0.3, 4.0
CORNERS = [[4.0, 4.0], [12.0, 4.0], [4.0, 12.0]]


def stacked(*depths: float) -> tuple[Tensor, Tensor]:
    """The same triangle at several depths, with a colour of its own each: screen [1, N, 3] and attributes [1, N, 2]."""
    corners = torch.tensor([[*corner, depth] for depth in depths for corner in CORNERS])
    colours = torch.tensor([[1.0 + k, 2.0 - k] for k in range(len(depths)) for _ in CORNERS])
    return corners.unsqueeze(0), colours.unsqueeze(0)


def soft(screen: Tensor, faces: Tensor, attributes: Tensor, size: tuple[int, int], backend: Backend) -> SoftImages:
    return soft_rasterize(screen, faces, attributes, size, sigma=SIGMA, gamma=GAMMA, far=FAR, backend=backend)


def images_and_slopes(
    mesh: ScreenMesh, backend: Backend, perspective: bool = True
) -> tuple[list[Tensor], list[Tensor]]:
    """The three images, and the gradients of uneven sums of them by vertices and attributes."""
    screen = mesh.leaf()
    attributes = torch.sin(torch.arange(2.0 * screen.shape[1], dtype=screen.dtype)).view(1, -1, 2).requires_grad_(True)
    made = soft_rasterize(
        screen,
        mesh.faces,
        attributes,
        mesh.size,
        sigma=SIGMA,
        gamma=GAMMA,
        far=FAR,
        perspective=perspective,
        backend=backend,
    )
    images = [made.colour, made.alpha, made.background_weight]
    for image in images:
        weights = torch.linspace(-1.0, 2.0, image.numel(), dtype=image.dtype).view_as(image)
        (image * weights).sum().backward(retain_graph=True)
    assert screen.grad is not None
    assert attributes.grad is not None
    return [image.detach() for image in images], [screen.grad, attributes.grad]


def test_silhouettes_have_the_values_of_the_formula(backend: Backend) -> None:
    screen, colours = stacked(1.0)
    alpha = soft(screen, torch.tensor([[0, 2, 1]]), colours, (16, 16), backend).alpha[0, 0]

    def sigmoid(squared: float) -> float:
        return 1.0 / (1.0 + math.exp(-squared / SIGMA))

    assert float(alpha[5, 7]) == pytest.approx(sigmoid(1.5**2), abs=1e-6)  # 1.5 inside of the upper edge
    assert float(alpha[3, 7]) == pytest.approx(sigmoid(-(0.5**2)), abs=1e-6)  # outside of it
    assert float(alpha[2, 2]) == pytest.approx(sigmoid(-2 * 1.5**2), abs=1e-6)  # off the corner
    assert alpha[0, 7] == 0.0  # negligible


def test_surfaces_are_blended_by_coverage_and_depth(backend: Backend) -> None:
    screen, colours = stacked(1.2, 1.5)
    made = soft(screen, torch.tensor([[0, 2, 1], [3, 5, 4]]), colours, (16, 16), backend)
    covers = 1.0 / (1.0 + math.exp(0.5**2 / SIGMA))
    first, second = covers * math.exp((FAR - 1.2) / GAMMA), covers * math.exp((FAR - 1.5) / GAMMA)
    total = first + second + 1.0
    expected = torch.tensor([(first * 1.0 + second * 2.0) / total, (first * 2.0 + second * 1.0) / total])
    torch.testing.assert_close(made.colour[0, :, 3, 7], expected)
    assert float(made.background_weight[0, 0, 3, 7]) == pytest.approx(1.0 / total, rel=1e-4)
    assert float(made.alpha[0, 0, 3, 7]) == pytest.approx(1.0 - (1.0 - covers) ** 2, rel=1e-5)
    assert made.background_weight[0, 0, 0, 15] == 1.0


def test_weights_of_faces_and_background_add_up_to_one(backend: Backend) -> None:
    mesh = shapes.torus((10, 12), rings=6, sides=5)
    made = soft(mesh.screen, mesh.faces, torch.ones(1, mesh.screen.shape[1], 1), mesh.size, backend)
    torch.testing.assert_close(made.colour + made.background_weight, torch.ones(1, 1, *mesh.size))


def test_hidden_faces_are_drawn_forward() -> None:
    screen, colours = stacked(1.2, 1.5)
    leaf = screen.requires_grad_(True)
    soft(leaf, torch.tensor([[0, 2, 1], [3, 5, 4]]), colours, (16, 16), "cpu").colour[0, 0].sum().backward()
    assert leaf.grad is not None
    assert (leaf.grad[0, 3:, 2] < 0.0).all()  # the hidden face has more of this colour: more of it if it comes nearer
    assert (leaf.grad[0, :3, 2] > 0.0).all()


def test_attributes_may_have_faces_of_their_own(backend: Backend) -> None:
    mesh = shapes.two_triangles((10, 10))
    values = torch.rand(1, 6, 2, generator=torch.Generator().manual_seed(3))
    order = torch.tensor([3, 5, 0, 1, 4, 2])
    plain = soft(mesh.screen, mesh.faces, values, mesh.size, backend).colour
    shuffled = soft_rasterize(
        mesh.screen,
        mesh.faces,
        values[:, order],
        mesh.size,
        sigma=SIGMA,
        gamma=GAMMA,
        far=FAR,
        attribute_faces=order.argsort()[mesh.faces],
        backend=backend,
    ).colour
    torch.testing.assert_close(shuffled, plain)


@pytest.mark.parametrize("perspective", [True, False])
def test_kernels_agree_with_the_reference(kernel_backend: Backend, perspective: bool) -> None:
    for mesh in (shapes.torus((12, 14), rings=6, sides=5, batch=2), shapes.soup((9, 11), count=12)):
        images, slopes = images_and_slopes(mesh, kernel_backend, perspective)
        exact_images, exact_slopes = images_and_slopes(mesh, "reference", perspective)
        for found, expected in zip(images, exact_images, strict=True):
            torch.testing.assert_close(found, expected, rtol=0.0, atol=1e-5)
        for found, expected in zip(slopes, exact_slopes, strict=True):
            assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()


@pytest.mark.parametrize("backend", ["reference", "cpu"])
@pytest.mark.parametrize("perspective", [True, False])
def test_gradients_are_those_of_finite_differences(backend: Backend, perspective: bool) -> None:
    mesh = shapes.soup((5, 6), count=4, dtype=torch.float64)
    screen = mesh.screen[:, :12].clone().requires_grad_(True)
    attributes = torch.rand(1, 12, 2, dtype=torch.float64, requires_grad=True)

    def made(vertices: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        images = soft_rasterize(
            vertices,
            mesh.faces[:4],
            values,
            mesh.size,
            sigma=2.0,
            gamma=GAMMA,
            far=FAR,
            negligible=1e-12,
            perspective=perspective,
            backend=backend,
        )
        return images.colour, images.alpha, images.background_weight

    assert torch.autograd.gradcheck(made, (screen, attributes))


def test_the_order_of_the_faces_does_not_matter() -> None:
    mesh = shapes.torus((16, 16), rings=9, sides=6)
    order = torch.randperm(len(mesh.faces), generator=torch.Generator().manual_seed(1))
    images, slopes = images_and_slopes(mesh, "cpu")
    others, other_slopes = images_and_slopes(ScreenMesh(mesh.screen, mesh.faces[order], mesh.size), "cpu")
    torch.testing.assert_close(images, others)
    torch.testing.assert_close(slopes, other_slopes, rtol=1e-4, atol=1e-4)


def test_gradients_are_equal_to_the_last_bit_from_run_to_run() -> None:
    mesh = shapes.torus((24, 24), batch=2)
    first, second = (images_and_slopes(mesh, "cpu")[1] for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_scores_of_thousands_do_not_overflow(backend: Backend) -> None:
    screen, colours = stacked(1.2, 1.5)
    leaf = screen.requires_grad_(True)
    made = soft_rasterize(
        leaf, torch.tensor([[0, 2, 1], [3, 5, 4]]), colours, (16, 16), sigma=1e-3, gamma=1e-4, backend=backend
    )
    (made.colour.sum() + made.alpha.sum() + made.background_weight.sum()).backward()
    assert leaf.grad is not None
    assert leaf.grad.isfinite().all()
    torch.testing.assert_close(made.colour[0, :, 6, 6], torch.tensor([1.0, 2.0]))


def test_faces_that_are_not_drawn_change_nothing(backend: Backend) -> None:
    mesh = shapes.soup((7, 9), count=6)
    images, slopes = images_and_slopes(mesh, backend)
    good, _ = images_and_slopes(ScreenMesh(mesh.screen, mesh.faces[:6], mesh.size), backend)
    torch.testing.assert_close(images, good, rtol=0.0, atol=1e-6)
    assert all(slope.isfinite().all() for slope in slopes)


def test_empty_meshes_and_no_channels(backend: Backend) -> None:
    nothing = shapes.empty((3, 5), batch=2)
    made = soft(nothing.screen, nothing.faces, torch.ones(1, 3, 0), nothing.size, backend)
    assert made.colour.shape == (2, 0, 3, 5)
    assert not made.alpha.any()
    assert (made.background_weight == 1.0).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sigma": 0.0}, "sigma came as 0.0"),
        ({"gamma": math.nan}, "gamma as nan"),
        ({"negligible": 0.7}, "negligible as 0.7"),
        ({"attribute_faces": torch.tensor([[0, 1, 2], [0, 1, 2]])}, "2 attribute_faces came with 1 faces"),
        ({"attribute_faces": torch.tensor([[0, 1, 3]])}, "names vertex 3"),
    ],
)
def test_settings_out_of_range_are_told(settings: dict[str, float], message: str) -> None:
    mesh = shapes.triangle((4, 4))
    with pytest.raises(ValueError, match=message):
        soft_rasterize(mesh.screen, mesh.faces, torch.ones(1, 3, 1), mesh.size, **settings)  # type: ignore[arg-type]
