# SPDX-License-Identifier: Apache-2.0
"""`soft_skirt` against the area of the skirt, finite differences, its jumps, and itself in other orders."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import shapes
from tests.backend.renderers.rasterizer.shapes import ScreenMesh
from unrender.renderers.differentiable.rasterizer import Fragments, composite_skirt, rasterize, soft_skirt
from unrender.renderers.differentiable.rasterizer.backends import Backend
from unrender.renderers.differentiable.rasterizer.casting import casting_features
from unrender.renderers.differentiable.rasterizer.edges import edge_ring
from unrender.renderers.differentiable.rasterizer.reference import casting as casting_reference
from unrender.renderers.differentiable.rasterizer.soft_skirt import DepthTest

TESTS: tuple[DepthTest, DepthTest] = ("szabo", "corrected")


def shifted_triangles() -> Tensor:
    """The same triangle, of area 232.2 and circumference 69.58, at 64 places within a pixel of 32 x 32."""
    corners = torch.tensor([[4.9, 26.3, 1.0], [27.0, 26.3, 1.0], [15.95, 26.3 - 21.012, 1.0]], dtype=torch.float64)
    turn = torch.tensor([[math.cos(0.21), math.sin(0.21)], [-math.sin(0.21), math.cos(0.21)]], dtype=torch.float64)
    middle = corners[:, :2].mean(dim=0)
    corners[:, :2] = (corners[:, :2] - middle) @ turn + 15.8
    steps = torch.arange(8, dtype=torch.float64) / 8
    moves = torch.cat([torch.cartesian_prod(steps, steps), torch.zeros(64, 1, dtype=torch.float64)], dim=1)
    return corners + moves.unsqueeze(1)


def area_of_skirt(corners: Tensor, margin: float) -> Tensor:
    """Closed form of the sum of alpha: area + margin circumference / 2 + pi margin^2 / 3."""
    points = corners[..., :2]
    one, other = points[..., 1, :] - points[..., 0, :], points[..., 2, :] - points[..., 0, :]
    area = 0.5 * (one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]).abs()
    return area + 0.5 * margin * (points - points.roll(1, -2)).norm(dim=-1).sum(-1) + math.pi * margin**2 / 3.0


def squares(gap: float, edge: float) -> tuple[Tensor, Tensor]:
    """A square up to column `edge` before a larger one, farther by the share `gap`: screen [1, 8, 3] and faces."""

    def square(depth: float, low: float, high: float) -> list[list[float]]:
        return [[low, low, depth], [high, low, depth], [high, high, depth], [low, high, depth]]

    corners = square(2.0 * (1.0 + gap), -3.0, 15.0) + square(2.0, 3.0, edge)
    return torch.tensor([corners]), torch.tensor([[0, 2, 1], [0, 3, 2], [4, 6, 5], [4, 7, 6]])


def alpha_at(gap: float, edge: float, depth_test: DepthTest, backend: Backend) -> float:
    """Alpha of pixel (6, 9) of `squares`."""
    screen, faces = squares(gap, edge)
    fragments = rasterize(screen, faces, (12, 12))
    return float(soft_skirt(screen, faces, fragments, depth_test=depth_test, backend=backend).alpha[0, 0, 6, 9])


@pytest.mark.parametrize(("margin", "expected"), [(0.5, 249.86), (1.0, 268.04), (2.0, 305.97)])
def test_alpha_adds_up_to_the_area_and_half_a_margin_around_it(margin: float, expected: float) -> None:
    screen, faces = shifted_triangles().requires_grad_(True), torch.tensor([[0, 1, 2]])
    fragments = rasterize(screen, faces, (32, 32))
    skirt = soft_skirt(screen, faces, fragments, margin=margin)
    crisp = fragments.covered.double()
    total = composite_skirt(skirt, torch.ones_like(crisp), crisp).sum() / len(screen)
    exact = area_of_skirt(screen[0], margin)
    assert exact.item() == pytest.approx(expected, abs=0.05)
    assert total.item() == pytest.approx(exact.item(), abs=0.05)
    slope = torch.autograd.grad(total, screen)[0].sum(dim=0)
    expected_slope = torch.autograd.grad(exact, screen)[0][0]
    torch.testing.assert_close(slope[:, :2], expected_slope[:, :2], rtol=0.02, atol=0.15)


def test_szabos_skirt_jumps_before_a_close_surface_and_the_corrected_one_does_not(backend: Backend) -> None:
    edges = [8.32 + 0.05 * step for step in range(30)]
    szabo, corrected = (torch.tensor([alpha_at(0.02, edge, test, backend) for edge in edges]) for test in TESTS)
    expected = torch.tensor([max(0.0, 1.0 - (9.5 - edge)) if edge < 9.5 else 0.0 for edge in edges])
    torch.testing.assert_close(corrected, expected, rtol=0.0, atol=1e-5)
    # Szabo's is cut off where it has been pushed behind the other surface: beyond gap / push of the margin.
    cut = torch.tensor([9.5 - edge < 0.02 / 0.5 for edge in edges])
    torch.testing.assert_close(szabo, torch.where(cut, expected, 0.0), rtol=0.0, atol=1e-5)


def test_what_is_seen_changes_without_a_jump(backend: Backend) -> None:
    """The front square's part of a pixel, skirt and crisp together, while the square grows over it."""
    edges = [8.32 + 0.05 * step for step in range(30)]
    parts = []
    for edge in edges:
        covered = 1.0 if edge > 9.5 else 0.0
        parts.append(max(covered, alpha_at(0.02, edge, "corrected", backend)))
    steps = torch.tensor(parts).diff()
    assert steps.max() < 0.051
    assert steps.min() > -1e-5


@pytest.mark.parametrize("depth_test", TESTS)
def test_edges_within_a_surface_do_not_show(depth_test: DepthTest, backend: Backend) -> None:
    sphere = shapes.icosphere((14, 14), subdivisions=1, batch=2)
    fragments = rasterize(sphere.screen, sphere.faces, sphere.size)
    skirt = soft_skirt(sphere.screen, sphere.faces, fragments, depth_test=depth_test, backend=backend)
    assert not (skirt.alpha * fragments.covered).any()
    assert (skirt.alpha > 0.0).any()


@pytest.mark.parametrize("depth_test", TESTS)
def test_a_slanted_net_with_centres_on_its_edges_shows_none_of_them(depth_test: DepthTest, backend: Backend) -> None:
    row, column = torch.meshgrid(torch.arange(7.0), torch.arange(7.0), indexing="ij")
    screen = torch.stack([2 * column - 0.5, 2 * row - 0.5, 1.0 + 0.3 * row + 0.05 * column], dim=-1).reshape(1, -1, 3)
    corner = (torch.arange(6).view(-1, 1) * 7 + torch.arange(6)).reshape(-1, 1)
    faces = torch.cat([corner + torch.tensor([0, 8, 1]), corner + torch.tensor([0, 7, 8])])
    fragments = rasterize(screen, faces, (11, 11))
    assert fragments.covered.all()
    skirt = soft_skirt(screen, faces, fragments, depth_test=depth_test, backend=backend)
    assert not skirt.alpha.any()


@pytest.mark.parametrize("depth_test", TESTS)
@pytest.mark.parametrize("perspective", [True, False])
def test_kernels_agree_with_the_reference(kernel_backend: Backend, depth_test: DepthTest, perspective: bool) -> None:
    for mesh in (shapes.torus((12, 14), rings=6, sides=5, batch=2), shapes.soup((9, 11), count=12)):
        fragments = rasterize(mesh.screen, mesh.faces, mesh.size, perspective=perspective)
        made = [images_and_slopes(mesh, fragments, depth_test, b, perspective) for b in (kernel_backend, "reference")]
        (face, images, slope), (exact_face, exact_images, exact_slope) = made
        assert torch.equal(face, exact_face)
        for found, expected in zip(images, exact_images, strict=True):
            torch.testing.assert_close(found, expected, rtol=0.0, atol=1e-5)
        assert (slope - exact_slope).abs().max() <= 1e-4 * exact_slope.abs().max()


def images_and_slopes(
    mesh: ScreenMesh, fragments: Fragments, depth_test: DepthTest, backend: Backend, perspective: bool = True
) -> tuple[Tensor, list[Tensor], Tensor]:
    """Faces and images of the skirt, and the gradient of uneven sums of the latter."""
    leaf = mesh.leaf()
    skirt = soft_skirt(
        leaf,
        mesh.faces,
        fragments,
        margin=1.4,
        depth_test=depth_test,
        perspective=perspective,
        backend=backend,
    )
    images = [skirt.alpha, skirt.fragments.barycentrics, skirt.fragments.depth]
    for image in images:
        weights = torch.linspace(-1.0, 2.0, image.numel(), dtype=image.dtype).view_as(image)
        (image * weights).sum().backward(retain_graph=True)
    assert leaf.grad is not None
    return skirt.fragments.face, [image.detach() for image in images], leaf.grad


@pytest.mark.parametrize("backend", ["reference", "cpu"])
@pytest.mark.parametrize("depth_test", TESTS)
@pytest.mark.parametrize("perspective", [True, False])
def test_gradients_are_those_of_finite_differences(backend: Backend, depth_test: DepthTest, perspective: bool) -> None:
    mesh = shapes.two_triangles((9, 9), dtype=torch.float64)
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size, perspective=perspective)

    def made(leaf: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        skirt = soft_skirt(
            leaf,
            mesh.faces,
            fragments,
            margin=1.7,
            depth_test=depth_test,
            perspective=perspective,
            backend=backend,
        )
        return skirt.alpha, skirt.fragments.barycentrics, skirt.fragments.depth

    assert torch.autograd.gradcheck(made, (mesh.leaf(),))


@pytest.mark.parametrize("depth_test", TESTS)
def test_gradients_are_equal_to_the_last_bit_from_run_to_run(depth_test: DepthTest) -> None:
    mesh = shapes.torus((24, 24), batch=2)
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size)
    first, second = (images_and_slopes(mesh, fragments, depth_test, "cpu")[2] for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("depth_test", TESTS)
def test_the_order_of_the_faces_does_not_matter(depth_test: DepthTest) -> None:
    mesh = shapes.torus((20, 20), rings=9, sides=6)
    order = torch.randperm(len(mesh.faces), generator=torch.Generator().manual_seed(1))
    other = ScreenMesh(mesh.screen, mesh.faces[order], mesh.size)
    skirts = [
        soft_skirt(m.screen, m.faces, rasterize(m.screen, m.faces, m.size), depth_test=depth_test)
        for m in (mesh, other)
    ]
    assert torch.equal(skirts[0].alpha, skirts[1].alpha)
    assert torch.equal(skirts[0].fragments.depth, skirts[1].fragments.depth)


def test_of_the_two_faces_of_a_contour_the_front_one_is_taken(backend: Backend) -> None:
    sphere = shapes.icosphere((14, 14), subdivisions=1)
    fragments = rasterize(sphere.screen, sphere.faces, sphere.size)
    face = soft_skirt(sphere.screen, sphere.faces, fragments, backend=backend).fragments.face
    corners = sphere.screen[0, sphere.faces[face[face >= 0].long()]]
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    assert (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0] < 0.0).all()


def test_no_margin_makes_no_skirt(backend: Backend) -> None:
    mesh = shapes.cube((8, 8))
    skirt = soft_skirt(
        mesh.screen, mesh.faces, rasterize(mesh.screen, mesh.faces, mesh.size), margin=0.0, backend=backend
    )
    assert not skirt.alpha.any()
    assert (skirt.fragments.face < 0).all()


@pytest.mark.parametrize("depth_test", TESTS)
def test_faces_that_are_not_drawn_change_nothing(depth_test: DepthTest, backend: Backend) -> None:
    mesh = shapes.soup((7, 9), count=6)
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size)
    _, images, slope = images_and_slopes(mesh, fragments, depth_test, backend)
    good = ScreenMesh(mesh.screen, mesh.faces[:6], mesh.size)
    _, others, _ = images_and_slopes(good, fragments, depth_test, backend)
    assert all(torch.equal(image, other) for image, other in zip(images, others, strict=True))
    assert slope.isfinite().all()


def test_empty_meshes_and_single_pixels(backend: Backend) -> None:
    for mesh in (shapes.empty((3, 5), batch=2), shapes.triangle((1, 1))):
        fragments = rasterize(mesh.screen, mesh.faces, mesh.size)
        for depth_test in TESTS:
            skirt = soft_skirt(mesh.screen, mesh.faces, fragments, depth_test=depth_test, backend=backend)
            assert not skirt.alpha.any()


def test_the_contour_of_a_cube_is_a_hexagon_that_turns_outwards() -> None:
    mesh = shapes.cube((20, 20))
    features = casting_features(mesh.screen, mesh.faces, 1e-3)[0].int()
    halves = sum(int(((features >> edge) & 1).sum()) for edge in range(3))
    assert halves == 12  # six edges, seen from the face on either side
    at_contour = features[features > 0]
    assert all(bin(int(bits) >> 3).count("1") >= 2 for bits in at_contour)


def test_contours_are_the_same_on_the_cpu_and_in_plain_pytorch() -> None:
    for mesh in (shapes.torus((24, 24), batch=3), shapes.soup((13, 17)), shapes.empty()):
        ring = edge_ring(mesh.faces, mesh.screen.shape[1])
        expected = casting_reference.casting_features(mesh.screen, mesh.faces.unsqueeze(0), ring, 1e-3)
        assert torch.equal(casting_features(mesh.screen, mesh.faces, 1e-3), expected)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"margin": -1.0}, "margin came as -1.0"),
        ({"push": math.nan}, "push as nan"),
        ({"near": 0.0}, "near came as 0.0"),
    ],
)
def test_settings_out_of_range_are_told(settings: dict[str, float], message: str) -> None:
    mesh = shapes.triangle((4, 4))
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size)
    with pytest.raises(ValueError, match=message):
        soft_skirt(mesh.screen, mesh.faces, fragments, **settings)  # type: ignore[arg-type]


def test_fragments_of_another_batch_are_told() -> None:
    mesh = shapes.cube((4, 4), batch=2)
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size)
    with pytest.raises(ValueError, match="fragments of 2 images came with 1 meshes"):
        soft_skirt(mesh.screen[:1], mesh.faces, fragments)
