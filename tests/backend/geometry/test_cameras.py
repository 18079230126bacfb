# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from unrender.geometry.cameras import Cameras, ViewLaw
from unrender.geometry.conventions import linear_to_srgb, srgb_to_linear, voxel_centres
from unrender.geometry.lighting import IGGAN_LIGHTING, Lighting
from unrender.geometry.surface import blur_separable, random_threshold, smooth_binary, torch_ball


def axes(azimuth: float, elevation: float) -> torch.Tensor:
    return Cameras(torch.deg2rad(torch.tensor([azimuth])), torch.deg2rad(torch.tensor([elevation]))).axes()[0]


@pytest.mark.parametrize(
    ("azimuth", "elevation", "backward"),
    [(0, 0, (0, -1, 0)), (90, 0, (1, 0, 0)), (180, 0, (0, 1, 0)), (0, 90, (0, 0, 1)), (-90, 0, (-1, 0, 0))],
)
def test_where_the_camera_stands(azimuth: float, elevation: float, backward: tuple[float, float, float]) -> None:
    torch.testing.assert_close(axes(azimuth, elevation)[2], torch.tensor(backward).float(), atol=1e-6, rtol=0)


def test_axes_are_a_right_handed_rotation_with_the_horizon_level() -> None:
    cameras = ViewLaw(elevation_degrees=(-89.0, 89.0)).sample(50, torch.Generator().manual_seed(0))
    rotation = cameras.axes()
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(50))
    assert rotation[:, 0, 2].abs().max() == 0.0  # right never leaves the horizon
    assert rotation[:, 1, 2].min() > 0.0  # up is up


def test_view_law_stays_in_its_range_and_fills_it() -> None:
    cameras = ViewLaw((-60.0, 60.0), (15.0, 60.0)).sample(2000, torch.Generator().manual_seed(0))
    degrees = torch.rad2deg(cameras.elevation)
    assert 15.0 <= degrees.min() < 15.5 < 59.5 < degrees.max() <= 60.0
    assert torch.rad2deg(cameras.azimuth).abs().max() <= 60.0


def test_perspective_frame_spans_the_width_at_the_origin() -> None:
    camera = Cameras(torch.zeros(1), torch.zeros(1), 1.2, math.radians(40.0))
    assert 2 * camera.distance * math.tan(math.radians(20.0)) == pytest.approx(1.2)


def test_iggan_lights_shine_from_45_degrees_below_left_and_right() -> None:
    for direction, side in zip(IGGAN_LIGHTING.directions, (-1, 1), strict=True):
        assert math.hypot(*direction) == pytest.approx(1.0)
        assert math.degrees(math.asin(direction[1])) == pytest.approx(-45.0)
        assert math.degrees(math.atan2(direction[0], direction[2])) == pytest.approx(45.0 * side)


def test_lambert_adds_up_and_ignores_lights_behind() -> None:
    lighting = Lighting(((0.0, 0.0, 1.0), (0.0, 1.0, 0.0)), (0.5, 0.25), 0.125)
    normals = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [0.0, 0.6, 0.8]])
    shaded = lighting.shade(normals[:, :, None])[:, 0, 0]
    assert shaded.tolist() == pytest.approx([0.625, 0.375, 0.125, 0.125 + 0.4 + 0.15])


def test_srgb_round_trip_and_known_values() -> None:
    values = torch.linspace(0, 1, 101)
    torch.testing.assert_close(srgb_to_linear(linear_to_srgb(values)), values, atol=1e-6, rtol=1e-5)
    assert linear_to_srgb(torch.tensor([0.214])).item() == pytest.approx(0.5, abs=1e-3)


def test_voxel_centres_are_symmetric_and_inside() -> None:
    assert voxel_centres(4).tolist() == [-0.375, -0.125, 0.125, 0.375]


def test_smooth_binary_separates_the_same_voxels() -> None:
    grid = torch.rand(2, 1, 9, 9, 9, generator=torch.Generator().manual_seed(0)) > 0.5
    field = smooth_binary(grid)
    assert torch.equal(field > 0.5, grid)
    assert (field - 0.5).abs().min() >= 1 / 16 - 1e-6


def test_blur_keeps_mass_inside_and_kills_the_checkerboard() -> None:
    index = torch.arange(12)
    board = ((index[:, None, None] + index[None, :, None] + index[None, None, :]) % 2).float()[None, None]
    inner = blur_separable(board)[..., 2:-2, 2:-2, 2:-2]
    torch.testing.assert_close(inner, torch.full_like(inner, 0.5))
    dot = torch.zeros(1, 1, 7, 7, 7)
    dot[0, 0, 3, 3, 3] = 1.0
    assert blur_separable(dot, 0.125).sum().item() == pytest.approx(1.0)
    assert blur_separable(dot, 0.125)[0, 0, 3, 3, 3].item() == pytest.approx(0.75**3)


def test_binarisation_has_the_occupancy_as_its_mean() -> None:
    occupancy = torch.rand(1, 1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    many = occupancy.expand(4000, -1, -1, -1, -1)
    threshold = (torch.arange(4000) + 0.5) / 4000
    mean = random_threshold(many, threshold).float().mean(dim=0, keepdim=True)
    torch.testing.assert_close(mean, occupancy, atol=1e-3, rtol=0)


def test_ball_has_the_volume_of_a_ball() -> None:
    assert torch_ball(64).mean().item() == pytest.approx(math.pi / 6, rel=0.01)
