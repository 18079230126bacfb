# SPDX-License-Identifier: Apache-2.0
"""The renderers of the baselines against closed forms and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unrender.errors import RenderError
from unrender.geometry.cameras import Cameras, ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.geometry.meshes import Mesh
from unrender.geometry.rotation import resample_to_camera
from unrender.renderers.base import Renderer
from unrender.renderers.differentiable.volumetric import Volumetric, VolumetricRenderer

KINDS: tuple[Volumetric, ...] = ("visual_hull", "absorption", "emission_absorption")
DENSITIES = {"visual_hull": 64.0, "absorption": 20.0, "emission_absorption": 100.0}


def cameras(*degrees: tuple[float, float], width: float = 1.0, field_of_view: float | None = None) -> Cameras:
    azimuth, elevation = torch.deg2rad(torch.tensor(degrees)).T
    return Cameras(azimuth, elevation, width, field_of_view)


def opacity(kind: Volumetric, value: float, length: np.ndarray, density: float) -> np.ndarray:
    """The closed forms, of a uniform value along a chord of `length` world units."""
    if kind == "absorption":
        return 1.0 - (1.0 - density * value / 64) ** (64 * length)
    return 1.0 - np.exp(-density * value * length)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("density", [None, 3.0])
def test_a_slab_is_as_opaque_as_the_closed_form_says(kind: Volumetric, density: float | None) -> None:
    grid = torch.zeros(2, 1, 32, 32, 32)
    grid[:, :, :, 10:18] = torch.tensor([0.03, 0.2]).view(2, 1, 1, 1, 1)
    renderer: Renderer = VolumetricRenderer(kind, 16, density)
    alpha = renderer.render(grid, cameras((0.0, 0.0), (180.0, 0.0)), IGGAN_LIGHTING).alpha
    used = DENSITIES[kind] if density is None else density
    for row, value in zip(alpha[:, 0], (0.03, 0.2), strict=True):
        wanted = float(opacity(kind, value, np.array(8 / 32), used))
        # The absorption law is a product of 64 factors: half-way values at the two sides of the slab move it a little.
        tolerance = 2e-3 if kind == "absorption" else 1e-5
        assert row[4:12, 4:12].numpy() == pytest.approx(np.full((8, 8), wanted), abs=tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_a_ball_is_as_opaque_as_its_chords_are_long(kind: Volumetric) -> None:
    resolution, radius, value, size = 64, 0.35, 0.08, 32
    centre = (torch.arange(resolution) + 0.5) / resolution - 0.5
    squared = centre[:, None, None] ** 2 + centre[None, :, None] ** 2 + centre[None, None, :] ** 2
    grid = (value * ((radius - squared.sqrt()) * resolution + 0.5).clamp(0.0, 1.0))[None, None].expand(
        3, -1, -1, -1, -1
    )
    views = cameras((0.0, 0.0), (37.0, 22.0), (-110.0, -50.0))
    image = VolumetricRenderer(kind, size).render(grid, views, IGGAN_LIGHTING)
    across = (np.arange(size) + 0.5) / size - 0.5
    distance = np.hypot(across[:, None], across[None, :])
    chord = 2.0 * np.sqrt(np.maximum(radius**2 - distance**2, 0.0))
    wanted = opacity(kind, value, chord, DENSITIES[kind])
    inside, outside = distance < radius - 0.04, distance > radius + 0.04
    for alpha in image.alpha[:, 0].numpy():
        assert alpha[inside] == pytest.approx(wanted[inside], abs=0.02)
        assert alpha[outside] == pytest.approx(0.0, abs=1e-6)
    assert torch.equal(image.rgb, image.alpha.expand(-1, 3, -1, -1)), "white, premultiplied"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("field_of_view", [None, 0.6])
def test_gradients_are_those_of_finite_differences(kind: Volumetric, field_of_view: float | None) -> None:
    generator = torch.Generator().manual_seed(3)
    grid = torch.rand(2, 1, 4, 4, 4, generator=generator, dtype=torch.float64).mul(0.2).requires_grad_(True)
    views = cameras((20.0, 10.0), (-130.0, 45.0), width=1.1, field_of_view=field_of_view)
    renderer = VolumetricRenderer(kind, 4, samples=21)
    assert torch.autograd.gradcheck(lambda x: renderer.render(x, views, IGGAN_LIGHTING).alpha, (grid,))


def test_emission_absorption_is_what_its_samples_give_one_after_the_other() -> None:
    generator = torch.Generator().manual_seed(0)
    occupancy = torch.rand(2, 1, 16, 16, 16, generator=generator, dtype=torch.float64) * 0.05
    views = ViewLaw().sample(2, generator)
    alpha = VolumetricRenderer("emission_absorption", 8, samples=40).render(occupancy, views, IGGAN_LIGHTING).alpha
    light, wanted = torch.ones_like(alpha), torch.zeros_like(alpha)
    for sample in resample_to_camera(occupancy, views, 8, 40).unbind(2):
        hidden = 1.0 - torch.exp(-100.0 / 40 * sample)
        wanted += light * hidden
        light *= 1.0 - hidden
    torch.testing.assert_close(alpha, wanted)


def test_meshes_are_refused() -> None:
    mesh = Mesh(np.zeros((3, 3), np.float32), np.zeros((1, 3), np.int32))
    with pytest.raises(RenderError, match="voxel grids"):
        VolumetricRenderer("absorption").render([mesh], cameras((0.0, 0.0)), IGGAN_LIGHTING)
