# SPDX-License-Identifier: Apache-2.0
"""The light fitted to photographs gives Blender's renders the photographs' tone, not only the closed form's."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from tests.backend.data.photos_for_tests import ellipsoids
from unrender.data.photo_tone import fit_lighting, shade_sphere
from unrender.geometry.cameras import Cameras
from unrender.geometry.conventions import linear_to_srgb
from unrender.geometry.lighting import Lighting
from unrender.geometry.meshes import Mesh
from unrender.renderers.off_the_shelf.blender_renderer import BlenderRenderer
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation

SIZE = 96


@pytest.fixture(scope="module")
def blender(blender_python: Path) -> Iterator[BlenderRenderer]:
    installation = BlenderInstallation("module", (str(blender_python),), "5.0")
    with BlenderRenderer(size=SIZE, samples=8, threads=1, blender=installation) as renderer:
        yield renderer


@pytest.mark.parametrize("encoding", ["linear", "srgb"])
def test_rendered_sphere_has_the_photos_tone(blender: BlenderRenderer, encoding: str) -> None:
    known = Lighting(directions=((0.8, 0.36, 0.48), (-0.6, 0.0, 0.8)), intensities=(0.5, 0.3), ambient=0.1)
    photos = ellipsoids(known)
    if encoding == "srgb":
        photos[:, :1] = linear_to_srgb(photos[:, :1] / photos[:, 1:].clamp(min=1e-6)) * photos[:, 1:]
    fit = fit_lighting(photos, encoding)
    ball = trimesh.creation.icosphere(subdivisions=5, radius=0.45)
    mesh = Mesh(np.asarray(ball.vertices, np.float32), np.asarray(ball.faces, np.int32))
    # From behind and above: the light is the camera's, so the sphere looks the same from everywhere.
    images = blender.render([mesh], Cameras(torch.tensor([2.0]), torch.tensor([0.4]), width=0.9), fit.lighting)
    grey, inside = images.rgb[0].mean(dim=0), images.alpha[0, 0] > 0.99
    seen = linear_to_srgb(grey) if encoding == "srgb" else grey
    assert int(inside.sum()) > 0.7 * SIZE**2
    assert float(seen[inside].mean()) == pytest.approx(fit.mean, rel=0.03)
    assert float(seen[inside].std()) == pytest.approx(fit.std, rel=0.05)
    expected = torch.from_numpy(shade_sphere(fit.lighting, encoding, pixels=SIZE))
    both = inside & torch.isfinite(expected)
    assert float((seen[both] - expected[both]).abs().mean()) < 0.02 * fit.mean
