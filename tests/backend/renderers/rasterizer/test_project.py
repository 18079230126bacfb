# SPDX-License-Identifier: Apache-2.0
"""World to screen, against the cameras' own axes and lattice."""

from __future__ import annotations

import math

import pytest
import torch

from unrender.geometry.cameras import Cameras
from unrender.geometry.rotation import camera_samples
from unrender.renderers.differentiable.rasterizer import project, to_camera


def cameras(field_of_view: float | None) -> Cameras:
    return Cameras(torch.tensor([0.0, 0.7, -2.1]), torch.tensor([0.0, 0.4, -0.3]), 1.1, field_of_view)


@pytest.mark.parametrize("field_of_view", [None, 0.7])
def test_pixel_centres_of_the_lattice_come_back(field_of_view: float | None) -> None:
    """`camera_samples` puts its points behind pixel centres, nearest slice first."""
    camera = cameras(field_of_view)
    points = camera_samples(camera, 5, 4)
    screen = project(points.reshape(3, -1, 3), camera, (5, 5)).reshape(3, 4, 5, 5, 3)
    centres = torch.arange(5) + 0.5
    torch.testing.assert_close(screen[..., 0], centres.expand(3, 4, 5, 5), rtol=0, atol=1e-5)
    torch.testing.assert_close(screen[..., 1], centres.unsqueeze(1).expand(3, 4, 5, 5), rtol=0, atol=1e-5)
    depth = camera.distance - (0.5 - (torch.arange(4) + 0.5) / 4)
    torch.testing.assert_close(screen[..., 2], depth.view(4, 1, 1).expand(3, 4, 5, 5), rtol=0, atol=1e-5)


def test_the_front_view() -> None:
    """Blender's front view looks along +Y: X to the right, Z up, -Y towards the camera."""
    points = torch.tensor([[[0.0, 0.0, 0.0], [0.11, 0.0, 0.0], [0.0, 0.0, 0.11], [0.0, -0.2, 0.0]]])
    screen = project(points, Cameras(torch.zeros(1), torch.zeros(1), 1.1, None), (10, 10))
    expected = torch.tensor([[[5.0, 5.0, 2.0], [6.0, 5.0, 2.0], [5.0, 4.0, 2.0], [5.0, 5.0, 1.8]]])
    torch.testing.assert_close(screen, expected)


@pytest.mark.parametrize("size", [(6, 10), (10, 6)])
def test_the_frame_spans_the_longer_side(size: tuple[int, int]) -> None:
    square = project(torch.rand(1, 7, 3) - 0.5, cameras(0.6), (10, 10))
    torch.manual_seed(0)
    points = torch.rand(1, 7, 3) - 0.5
    square, other = project(points, cameras(0.6), (10, 10)), project(points, cameras(0.6), size)
    shift = torch.tensor([(10 - size[1]) / 2, (10 - size[0]) / 2, 0.0])
    torch.testing.assert_close(other + shift, square)


def test_points_that_are_not_in_front_stay_finite_and_so_do_gradients() -> None:
    camera = Cameras(torch.zeros(1), torch.zeros(1), 1.0, 1.0)
    behind = camera.distance
    points = torch.tensor([[[0.1, -behind, 0.1], [0.1, -behind - 1.0, 0.1]]], requires_grad=True)
    screen = project(points, camera, (8, 8))
    screen.sum().backward()
    assert screen.isfinite().all()
    assert points.grad.isfinite().all()


def test_gradients_reach_the_cameras() -> None:
    azimuth = torch.tensor([0.3], dtype=torch.float64, requires_grad=True)
    elevation = torch.tensor([0.2], dtype=torch.float64, requires_grad=True)
    points = torch.rand(1, 4, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda a, e: project(points, Cameras(a, e, 1.1, 0.5), (7, 9)), (azimuth, elevation))


def test_depth_is_along_the_viewing_axis() -> None:
    camera = Cameras(torch.zeros(1), torch.tensor([math.pi / 2]), 1.0, 0.5)
    above = to_camera(torch.tensor([[[0.3, 0.2, 0.25]]]), camera)[0, 0]
    torch.testing.assert_close(above[2], torch.tensor(camera.distance - 0.25))
