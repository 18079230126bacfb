# SPDX-License-Identifier: Apache-2.0
"""Edge gradients: what each kind of border sends, finer pictures, and the kernels against the reference."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import oracles, shapes
from unrender.renderers.differentiable.rasterizer import Fragments, edge_gradients, interpolate, rasterize
from unrender.renderers.differentiable.rasterizer.backends import Backend

SIDE_BY_SIDE = torch.tensor([[0, 1, 2], [0, 2, 3], [3, 2, 4], [3, 4, 5]])


def sent(mesh: shapes.ScreenMesh, backend: Backend, perspective: bool = True) -> Tensor:
    """What random colours send to the screen under random weights."""
    draw = torch.Generator().manual_seed(3)
    dtype, screen = mesh.screen.dtype, mesh.leaf()
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size, perspective=perspective)
    colours = torch.rand(*mesh.screen.shape[:2], 3, generator=draw).to(dtype)
    image = interpolate(colours, fragments, mesh.faces).requires_grad_(True)
    weights = torch.rand(image.shape, generator=draw).to(dtype)
    passed = edge_gradients(image, screen, mesh.faces, fragments, perspective=perspective, backend=backend)
    assert torch.equal(passed, image)
    to_image, to_screen = torch.autograd.grad(passed, (image, screen), weights)
    assert torch.equal(to_image, weights)
    return to_screen


@pytest.mark.parametrize("perspective", [True, False])
@pytest.mark.parametrize("name", shapes.OUTLINED)
def test_the_kernels_do_what_the_reference_does(name: str, perspective: bool) -> None:
    got, expected = (sent(shapes.OUTLINED[name], backend, perspective) for backend in ("cpu", "reference"))
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_gradients_are_equal_to_the_last_bit() -> None:
    for name in ("two", "crossing", "cubes", "soup", "fine torus"):
        first, threads = sent(shapes.OUTLINED[name], "cpu"), torch.get_num_threads()
        try:
            torch.set_num_threads(1)
            assert torch.equal(first, sent(shapes.OUTLINED[name], "cpu"))
        finally:
            torch.set_num_threads(threads)


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_central_differences_of_where_the_borders_lie(backend: Backend) -> None:
    """The definition once more, pixel by pixel: the worth of the fragments' places, and of the crossings' places."""
    mesh = shapes.two_triangles((9, 9), torch.float64)
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size, perspective=False)
    draw = torch.Generator().manual_seed(0)
    image, weights = (torch.rand(1, 2, 9, 9, generator=draw).double() for _ in range(2))

    def worth(screen: Tensor) -> Tensor:
        total, face = screen.sum() * 0.0, fragments.face[0]
        for axis in (0, 1):
            for r in range(9 - axis):
                for c in range(8 + axis):
                    first, second = (r, c), (r + axis, c + 1 - axis)
                    if face[first] == face[second]:
                        continue
                    # The second triangle lies before the first one everywhere.
                    moving = first if face[first] > face[second] else second
                    weight = fragments.barycentrics[0, :, moving[0], moving[1]]
                    place = (weight * screen[0, mesh.faces[face[moving]], axis]).sum()
                    step = image[0, :, first[0], first[1]] - image[0, :, second[0], second[1]]
                    mean = (weights[0, :, first[0], first[1]] + weights[0, :, second[0], second[1]]) / 2
                    total = total + (step * mean).sum() * place
        return total

    screen = mesh.leaf()
    assert torch.autograd.gradcheck(worth, (screen,))
    (expected,) = torch.autograd.grad(worth(screen), screen)
    passed = edge_gradients(image, screen, mesh.faces, fragments, perspective=False, backend=backend)
    torch.testing.assert_close(torch.autograd.grad(passed, screen, weights)[0], expected)


@pytest.mark.parametrize(
    "mesh",
    [
        shapes.two_triangles((40, 40), torch.float64),
        shapes.crossing_triangles((40, 40), torch.float64),
        shapes.torus((40, 40), dtype=torch.float64),
        shapes.torus((40, 40), 60, 40, dtype=torch.float64),  # faces smaller than pixels
    ],
    ids=["two triangles", "crossing triangles", "torus", "fine torus"],
)
def test_gradients_are_those_of_finer_pictures(mesh: shapes.ScreenMesh) -> None:
    moves = oracles.movements(mesh, 3)
    expected = torch.tensor([oracles.derivative_of_fine_pictures(mesh, move) for move in moves])
    got = torch.tensor([oracles.derivative(mesh, move, edge_gradients) for move in moves])
    assert float((got - expected).norm() / expected.norm()) < 0.1


def test_crossings_send_gradients_to_the_depths() -> None:
    mesh = shapes.crossing_triangles((80, 80), torch.float64)
    nearer = torch.zeros_like(mesh.screen)
    nearer[0, 3:, 2] = -1.0
    expected = oracles.derivative_of_fine_pictures(mesh, nearer, 0.02)
    assert oracles.derivative(mesh, nearer, edge_gradients) == pytest.approx(expected, rel=0.05)


def border(left: float, right: float) -> tuple[Tensor, Tensor, Fragments]:
    """Two squares of two faces that share the side at column 5.1, [1, 6, 3] on 10 x 10 pixels."""
    corners = [
        (1.2, 1.3, left),
        (1.2, 8.7, left),
        (5.1, 8.7, left),
        (5.1, 1.3, left),
        (8.8, 8.7, right),
        (8.8, 1.3, right),
    ]
    screen = torch.tensor([corners], dtype=torch.float64, requires_grad=True)
    return screen, SIDE_BY_SIDE, rasterize(screen, SIDE_BY_SIDE, (10, 10), perspective=False)


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_adjacent_faces_send_nothing_whatever_their_colours(backend: Backend) -> None:
    screen, faces, fragments = border(1.0, 1.0)
    image = torch.rand(1, 1, 10, 10, generator=torch.Generator().manual_seed(0)).double()
    weights = torch.zeros_like(image)
    weights[..., 3:7, 3:8] = 1.0
    passed = edge_gradients(image, screen, faces, fragments, backend=backend)
    assert not torch.autograd.grad(passed, screen, weights)[0].any()


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_the_border_of_a_lone_face_goes_by_its_length(backend: Backend) -> None:
    screen, faces, fragments = border(1.0, 1.0)
    passed = edge_gradients(fragments.covered.double(), screen, faces, fragments, perspective=False, backend=backend)
    (gradient,) = torch.autograd.grad(passed.sum(), screen)
    # Columns 1 to 8 and rows 1 to 8 are covered: moving right wins 8 pixels on one side and loses 8 on the other.
    right = gradient[0, [4, 5]].sum(0)
    torch.testing.assert_close(gradient[0].sum(0), torch.zeros(3, dtype=torch.float64), atol=1e-12, rtol=0.0)
    assert 7.0 < float(right[0]) < 8.0
    assert not gradient[..., 2].any()


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_only_the_surface_in_front_hears_of_its_border(backend: Backend) -> None:
    mesh = shapes.two_triangles((24, 24), torch.float64)
    screen = mesh.leaf()
    fragments = rasterize(screen, mesh.faces, mesh.size)
    image = (fragments.face == 1).unsqueeze(1).double() + 2.0  # the background is as bright as the triangle behind
    passed = edge_gradients(image, screen, mesh.faces, fragments, backend=backend)
    (gradient,) = torch.autograd.grad(passed.sum(), screen)
    assert not gradient[0, :3].any()
    assert gradient[0, 3:, :2].all()


def test_screens_without_gradients_cost_nothing() -> None:
    mesh = shapes.triangle()
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size)
    image = fragments.covered.float()
    assert edge_gradients(image, mesh.screen, mesh.faces, fragments) is image


def test_wrong_inputs_are_named() -> None:
    mesh = shapes.cube((6, 5))
    fragments = rasterize(mesh.screen, mesh.faces, mesh.size)
    with pytest.raises(ValueError, match=r"image came as float32 \[1, 3, 5, 6\]; expected floating \[1, C, 6, 5\]"):
        edge_gradients(torch.zeros(1, 3, 5, 6), mesh.screen, mesh.faces, fragments)
    with pytest.raises(ValueError, match="same dtype"):
        edge_gradients(torch.zeros(1, 3, 6, 5).double(), mesh.screen, mesh.faces, fragments)


def test_gradients_of_gradients_are_refused() -> None:
    mesh = shapes.triangle()
    screen = mesh.leaf()
    fragments = rasterize(screen, mesh.faces, mesh.size)
    passed = edge_gradients(fragments.covered.float().requires_grad_(True), screen, mesh.faces, fragments)
    (gradient,) = torch.autograd.grad(passed.square().sum(), screen, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
