# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from unrender.geometry.cameras import Cameras
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.metrics.depth_error import depth_error
from unrender.metrics.screen_solids import (
    fitted_sphere,
    mask_overlap,
    overlap_along_view,
    right_sized_spheres,
    screen_solid,
)
from unrender.renderers.differentiable.rasterizer import project

RESOLUTION = 32


def _disc(size: int, radius: float, across: float = 0.0, up: float = 0.0) -> torch.Tensor:
    at = (torch.arange(size) + 0.5) / size - 0.5
    return ((at[None, :] - across) ** 2 + (-at[:, None] - up) ** 2 <= radius**2)[None, None]


def _camera(width: float, field_of_view: float | None) -> Cameras:
    return Cameras(torch.tensor([0.4]), torch.tensor([0.3]), width, field_of_view)


def _sphere_on_screen(radius: float, cameras: Cameras) -> torch.Tensor:
    sphere = octahedral_sphere(16)
    vertices = radius * torch.from_numpy(sphere.vertices)[None]
    screen = project(vertices, cameras, (64, 64))[0]
    return screen_solid(screen, torch.from_numpy(sphere.faces), 64, cameras.width, RESOLUTION)


@pytest.mark.parametrize(("width", "field_of_view"), [(1.0, None), (1.25, None), (1.0, math.radians(10.0))])
def test_a_sphere_on_the_screen_is_the_sphere_of_its_mask(width: float, field_of_view: float | None) -> None:
    solid = _sphere_on_screen(0.3, _camera(width, field_of_view))
    _, fitted = fitted_sphere(_disc(64, 0.3 / width), RESOLUTION)
    assert overlap_along_view(solid, fitted[0]) > 0.93


def test_a_fitted_sphere_lies_where_its_mask_does_and_curves_towards_the_camera() -> None:
    depth, solid = fitted_sphere(_disc(64, 0.2, 0.1, -0.15), RESOLUTION)
    centres = (torch.arange(RESOLUTION) + 0.5) / RESOLUTION - 0.5
    full = solid[0].nonzero()
    assert centres[full].mean(0).tolist() == pytest.approx([0.1, -0.15, 0.0], abs=0.01)
    assert solid.sum().item() / RESOLUTION**3 == pytest.approx(4 / 3 * math.pi * 0.2**3, rel=0.05)
    assert depth.min().item() == pytest.approx(-0.2, abs=0.002)
    row, column = divmod(int(depth.argmin()), 64)
    assert ((column + 0.5) / 64 - 0.5, 0.5 - (row + 0.5) / 64) == pytest.approx((0.1, -0.15), abs=0.02)
    assert depth_error(depth, 3.0 * depth + 1.0, _disc(64, 0.19, 0.1, -0.15)).item() == pytest.approx(0.0, abs=1e-5)


def test_what_is_nearer_or_farther_is_the_same_solid_but_not_what_is_thicker() -> None:
    solid = _sphere_on_screen(0.25, _camera(1.0, None))
    moved = torch.zeros_like(solid)
    moved[..., 5:] = solid[..., :-5]
    assert overlap_along_view(solid, moved) == pytest.approx(1.0)
    assert overlap_along_view(moved, solid) == pytest.approx(1.0)
    flat = solid.clone()
    flat[..., : RESOLUTION // 2] = False
    assert overlap_along_view(solid, flat) == pytest.approx(0.5)


def test_the_best_shift_is_the_best_of_all() -> None:
    a, b = torch.rand(2, 6, 6, 6, generator=torch.Generator().manual_seed(1)) < 0.4
    best = 0.0
    for shift in range(-6, 7):
        moved = torch.zeros_like(b)
        source = slice(max(0, -shift), 6 - max(0, shift))
        moved[..., max(0, shift) : 6 - max(0, -shift)] = b[..., source]
        common = (a & moved).sum().item()
        best = max(best, common / (a.sum() + b.sum() - common).item())
    assert overlap_along_view(a, b) == pytest.approx(best)


def test_empty_solids_overlap_with_nothing() -> None:
    empty = torch.zeros(4, 4, 4, dtype=torch.bool)
    assert overlap_along_view(empty, empty) == 0.0
    assert overlap_along_view(empty, ~empty) == 0.0


def test_masks_overlap_by_intersection_over_union() -> None:
    left, right = torch.zeros(2, 3, 1, 4, 4, dtype=torch.bool).unbind(0)
    left[0, 0, :, :2] = True
    right[0, 0, :, 1:3] = True
    left[1] = True
    right[1] = True
    assert mask_overlap(left, right).tolist() == pytest.approx([1 / 3, 1.0, 1.0])


def test_a_right_sized_sphere_is_a_sphere_itself_and_not_a_cube() -> None:
    centres = (torch.arange(RESOLUTION) + 0.5) / RESOLUTION - 0.5
    x, y, z = torch.meshgrid(centres, centres, centres, indexing="ij")
    ball = (x - 0.1) ** 2 + y**2 + (z + 0.05) ** 2 <= 0.3**2
    cube = (x.abs() < 0.25) & (y.abs() < 0.25) & (z.abs() < 0.25)
    spheres = right_sized_spheres(torch.stack([ball, cube]))
    overlap = [((a & b).sum() / (a | b).sum()).item() for a, b in zip(torch.stack([ball, cube]), spheres, strict=True)]
    assert overlap[0] > 0.97
    # A cube of side a and the ball of its volume: the caps outside hold 0.139 of it (closed form), hence .756.
    radius = (0.75 / math.pi) ** (1 / 3)
    height = radius - 0.5
    outside = 6 * math.pi * height**2 * (3 * radius - height) / 3
    assert overlap[1] == pytest.approx((1 - outside) / (1 + outside), abs=0.02)
