# SPDX-License-Identifier: Apache-2.0
"""Analytic edge blending: closed forms, areas, finer pictures, and the kernels against the reference."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import oracles, shapes
from unrender.renderers.differentiable.rasterizer import Fragments, antialias, interpolate, rasterize
from unrender.renderers.differentiable.rasterizer.backends import Backend


def square(left: float, top: float, right: float, bottom: float, depth: float = 1.0) -> Tensor:
    """Corners [4, 3] for the faces of `SQUARE`."""
    corners = [(left, top), (left, bottom), (right, bottom), (right, top)]
    return torch.tensor([[x, y, depth] for x, y in corners], dtype=torch.float64)


SQUARE = torch.tensor([[0, 1, 2], [0, 2, 3]])


def coverage(screen: Tensor, faces: Tensor, size: tuple[int, int], backend: Backend = "auto") -> Tensor:
    fragments = rasterize(screen, faces, size)
    return antialias(fragments.covered.to(screen.dtype), screen, faces, fragments, backend=backend)


def seen(mesh: shapes.ScreenMesh, backend: Backend) -> tuple[Tensor, Tensor, Tensor]:
    """Random colours blended, and the gradients of the image and of the screen under random weights."""
    draw = torch.Generator().manual_seed(3)
    dtype = mesh.screen.dtype
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size)
    colours = torch.rand(*mesh.screen.shape[:2], 3, generator=draw).to(dtype)
    image = interpolate(colours, fragments, mesh.faces).detach().requires_grad_(True)
    screen = mesh.leaf()
    blended = antialias(image, screen, mesh.faces, fragments, backend=backend)
    weights = torch.rand(image.shape, generator=draw).to(dtype)
    to_image, to_screen = torch.autograd.grad((blended * weights).sum(), (image, screen), allow_unused=True)
    return blended.detach(), to_image, torch.zeros_like(screen) if to_screen is None else to_screen


@pytest.mark.parametrize("name", shapes.OUTLINED)
def test_the_kernels_do_what_the_reference_does(name: str) -> None:
    for got, expected in zip(seen(shapes.OUTLINED[name], "cpu"), seen(shapes.OUTLINED[name], "reference"), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["two", "cubes", "soup", "fine torus"])
def test_results_are_equal_to_the_last_bit(name: str) -> None:
    first = seen(shapes.OUTLINED[name], "cpu")
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        again = seen(shapes.OUTLINED[name], "cpu")
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_central_differences(backend: Backend) -> None:
    mesh = shapes.two_triangles((9, 8), torch.float64)
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size)
    image = torch.rand(1, 2, 9, 8, generator=torch.Generator().manual_seed(0)).double().requires_grad_(True)
    assert torch.autograd.gradcheck(
        lambda image, screen: antialias(image, screen, mesh.faces, fragments, backend=backend), (image, mesh.leaf())
    )


def test_an_upright_edge_fills_the_part_of_the_pixel_that_it_covers() -> None:
    screen = square(2.2, 1.1, 5.3, 3.9).unsqueeze(0).requires_grad_(True)
    blended = coverage(screen, SQUARE, (5, 8))
    expected = torch.tensor([0.0, 0.0, 0.8, 1.0, 1.0, 0.3, 0.0, 0.0], dtype=torch.float64)
    torch.testing.assert_close(blended[0, 0, 2], expected)
    blended[0, 0, 2].sum().backward()
    # The row's centre lies half-way down the square's sides, so both ends of a side have as much to say.
    assert screen.grad is not None
    half = torch.tensor([-0.5, -0.5, 0.5, 0.5], dtype=torch.float64)
    torch.testing.assert_close(screen.grad[0, :, 0], half)


def test_coverage_and_its_gradient_are_those_of_the_area_as_pixels_get_small() -> None:
    errors = []
    for side in (16, 64, 256):
        mesh = shapes.triangle((side, side), torch.float64)
        a, b, c = (leaf := mesh.leaf())[0, :, :2]
        area = 0.5 * torch.linalg.det(torch.stack([b - a, c - a])).abs()
        (expected,) = torch.autograd.grad(area, leaf)
        total = coverage(screen := mesh.leaf(), mesh.faces, mesh.size).sum()
        (gradient,) = torch.autograd.grad(total, screen)
        assert float(total.detach()) == pytest.approx(float(area.detach()), rel=0.25 / side)
        errors.append(float((gradient - expected).norm() / expected.norm()))
    assert errors[0] < 0.15
    assert errors[1] < errors[0] / 3
    assert errors[2] < errors[1] / 3


@pytest.mark.parametrize(
    "mesh",
    [
        shapes.two_triangles((40, 40), torch.float64),
        shapes.torus((40, 40), dtype=torch.float64),
        shapes.torus((40, 40), 60, 40, dtype=torch.float64),  # faces smaller than pixels
    ],
    ids=["two triangles", "torus", "fine torus"],
)
def test_gradients_are_those_of_finer_pictures(mesh: shapes.ScreenMesh) -> None:
    moves = oracles.movements(mesh, 3)
    expected = torch.tensor([oracles.derivative_of_fine_pictures(mesh, move) for move in moves])
    got = torch.tensor([oracles.derivative(mesh, move, antialias) for move in moves])
    assert float((got - expected).norm() / expected.norm()) < 0.1


def test_outlines_of_faces_smaller_than_a_pixel_are_unbiased() -> None:
    mesh = shapes.icosphere((16, 16), 3, dtype=torch.float64)  # seven faces to a pixel
    zoom = torch.cat([mesh.screen[..., :2] - 8.0, torch.zeros(1, len(mesh.screen[0]), 1)], dim=2)
    totals, slopes = [], []
    for shift in torch.rand(24, 2, generator=torch.Generator().manual_seed(1)).tolist():
        screen = (mesh.screen + torch.tensor([*shift, 0.0])).requires_grad_(True)
        total = coverage(screen, mesh.faces, (17, 17)).sum()
        (gradient,) = torch.autograd.grad(total, screen)
        totals.append(float(total.detach()))
        slopes.append(float((gradient * zoom).sum()))
    area = float(rasterize(mesh.screen * torch.tensor([32.0, 32.0, 1.0]), mesh.faces, (512, 512)).covered.sum()) / 1024
    assert sum(totals) / 24 == pytest.approx(area, rel=0.01)
    assert sum(slopes) / 24 == pytest.approx(2.0 * area, rel=0.05)  # an area grows with the square of the zoom


def test_the_inside_of_a_smooth_surface_is_left_alone() -> None:
    mesh = shapes.icosphere((40, 40), 3)
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size)
    image = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    screen = mesh.leaf()
    blended = antialias(image, screen, mesh.faces, fragments)
    inside = torch.nn.functional.avg_pool2d(fragments.covered.float(), 3, 1, 1) > 0.999
    assert torch.equal(torch.where(inside, blended, 0.0), torch.where(inside, image, 0.0))
    assert not torch.equal(blended, image)
    blended.square().sum().backward()
    assert screen.grad is not None
    from_middle = (mesh.screen[0, :, :2] - 20.0).norm(dim=1)
    assert not screen.grad[0, from_middle < 14.0].any()


def test_numbers_of_faces_and_corners_make_no_difference() -> None:
    mesh = shapes.torus((17, 19), batch=2)
    order = torch.randperm(len(mesh.faces), generator=torch.Generator().manual_seed(0))
    shuffled = replace(mesh, faces=mesh.faces[order].roll(1, dims=1))
    screens = mesh.leaf(), shuffled.leaf()
    totals = [coverage(s, m.faces, mesh.size) for s, m in zip(screens, (mesh, shuffled), strict=True)]
    assert torch.equal(*totals)
    first, second = (torch.autograd.grad(t.square().sum(), s)[0] for t, s in zip(totals, screens, strict=True))
    torch.testing.assert_close(first, second, rtol=1e-5, atol=1e-6)


def test_faces_of_each_image_or_of_all() -> None:
    mesh = shapes.cube((15, 15), batch=2)
    each = torch.stack([mesh.faces, mesh.faces.flip(0)])
    torch.testing.assert_close(coverage(mesh.screen, each, mesh.size), coverage(mesh.screen, mesh.faces, mesh.size))


@pytest.mark.parametrize("width", [0.05, 0.4, 0.9])
def test_a_speck_stays_between_its_neighbours(width: float) -> None:
    screen = (square(-width, -width, width, width) * 0.5 + torch.tensor([3.5, 2.5, 1.0])).unsqueeze(0)
    screen.requires_grad_(True)
    blended = coverage(screen, SQUARE, (5, 7))
    assert float(blended.min()) >= 0.0
    assert float(blended.max()) <= 1.0
    assert float(blended[0, 0, 2, 3]) == pytest.approx(max(0.0, 2.0 * width - 1.0))


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_an_edge_with_three_faces_is_no_outline_where_the_surface_goes_on(backend: Backend) -> None:
    screen = torch.cat([square(1.2, 1.3, 5.1, 8.7), square(5.1, 1.3, 8.8, 8.7)[2:], torch.tensor([[3.3, 5.0, 2.0]])])
    # Two squares side by side, and a fin behind the left one that starts where they meet.
    faces = torch.cat([SQUARE, torch.tensor([[3, 2, 4], [3, 4, 5], [3, 2, 6]])])
    screen = screen.unsqueeze(0).double().requires_grad_(True)
    fragments = rasterize(screen, faces, (10, 10))
    image = torch.rand(1, 1, 10, 10, generator=torch.Generator().manual_seed(0)).double()
    blended = antialias(image, screen, faces, fragments, backend=backend)
    assert torch.equal(blended[..., 2:8, 3:8], image[..., 2:8, 3:8])
    alone = antialias(image, screen, faces[[0, 1, 4]], rasterize(screen, faces[[0, 1, 4]], (10, 10)), backend=backend)
    assert not torch.equal(alone[..., 2:8, 4:6], image[..., 2:8, 4:6])


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_faces_with_bad_corners_count_for_nothing(backend: Backend) -> None:
    good = square(2.2, 1.1, 5.3, 3.9)
    for bad in ([float("nan"), 2.0, 1.0], [9.0, float("inf"), 1.0], [7.0, 2.5, -1.0]):
        screen = torch.cat([good, torch.tensor([bad], dtype=torch.float64)]).unsqueeze(0).requires_grad_(True)
        faces = torch.cat([SQUARE, torch.tensor([[3, 2, 4]])])
        blended = coverage(screen, faces, (5, 8), backend)
        torch.testing.assert_close(blended, coverage(good.unsqueeze(0), SQUARE, (5, 8), backend))
        (gradient,) = torch.autograd.grad(blended.square().sum(), screen)
        assert bool(gradient.isfinite().all())


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_a_box_from_straight_ahead_moves_with_its_front(backend: Backend) -> None:
    front, back = square(2.2, 1.1, 5.3, 3.9), square(2.2, 1.1, 5.3, 3.9, 2.0)
    sides = [(a + o, b + o2, c + o3) for a in range(4) for b, c, o, o2, o3 in _side(a)]
    faces = torch.cat([SQUARE, torch.tensor(sides), SQUARE.flip(1) + 4])
    screen = torch.cat([front, back]).unsqueeze(0).requires_grad_(True)
    fragments = rasterize(screen, faces, (5, 8), perspective=False)
    blended = antialias(fragments.covered.double(), screen, faces, fragments, backend=backend)
    (gradient,) = torch.autograd.grad(blended[0, 0, 2].sum(), screen)
    torch.testing.assert_close(gradient[0, :4, 0], torch.tensor([-0.5, -0.5, 0.5, 0.5], dtype=torch.float64))
    assert not gradient[0, 4:].any()


def _side(corner: int) -> list[tuple[int, int, int, int, int]]:
    following = (corner + 1) % 4
    return [(corner, following, 0, 4, 4), (following, following, 0, 4, 0)]


def test_wrong_inputs_are_named() -> None:
    mesh = shapes.cube((6, 5))
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size)
    image = torch.zeros(1, 3, 6, 5)
    with pytest.raises(ValueError, match=r"image came as float32 \[1, 3, 5, 6\]; expected floating \[1, C, 6, 5\]"):
        antialias(image.mT.contiguous(), mesh.screen, mesh.faces, fragments)
    with pytest.raises(ValueError, match="same dtype"):
        antialias(image.double(), mesh.screen, mesh.faces, fragments)
    with pytest.raises(ValueError, match="names vertex 8"):
        antialias(image, mesh.screen, mesh.faces + 1, fragments)
    with pytest.raises(ValueError, match="names face"):
        antialias(image, mesh.screen, mesh.faces[:1], fragments)


def test_gradients_of_gradients_are_refused() -> None:
    mesh = shapes.triangle()
    screen = mesh.leaf()
    fragments: Fragments = rasterize(screen, mesh.faces, mesh.size)
    image = fragments.covered.float().requires_grad_(True)
    total = antialias(image, screen, mesh.faces, fragments).square().sum()
    (gradient,) = torch.autograd.grad(total, screen, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
