# SPDX-License-Identifier: Apache-2.0
"""Blender's images against the ray-cast reference: outline, left and right, up and down, depth, normal and shading."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from tests.renderer_agreement import ray_cast_boxes as reference
from tests.renderer_agreement.rays import Reference
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import IGGAN_LIGHTING, Lighting
from unrender.renderers.base import RenderedImages
from unrender.renderers.off_the_shelf.blender_renderer import BlenderRenderer
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation

SIZE = 96
RESOLUTION = 64
VIEWS = [(0.0, 0.0), (90.0, 0.0), (35.0, 25.0), (-120.0, -30.0), (200.0, 60.0), (10.0, 89.0)]  # degrees
LENSES = [None, math.radians(30.0)]


@pytest.fixture(scope="module")
def renderer(blender_python: Path) -> Iterator[BlenderRenderer]:
    blender = BlenderInstallation("module", (str(blender_python),), "5.0")
    with BlenderRenderer(SIZE, samples=16, threads=1, passes=("depth", "normal"), blender=blender) as renderer:
        yield renderer


def cameras(field_of_view: float | None) -> Cameras:
    degrees = torch.tensor(VIEWS)
    return Cameras(torch.deg2rad(degrees[:, 0]), torch.deg2rad(degrees[:, 1]), 1.2, field_of_view)


def render(
    renderer: BlenderRenderer, field_of_view: float | None, lighting: Lighting = IGGAN_LIGHTING
) -> RenderedImages:
    grid = torch.from_numpy(reference.voxelise(RESOLUTION))
    return renderer.render(grid.expand(len(VIEWS), 1, *grid.shape), cameras(field_of_view), lighting)


def expected(view: int, field_of_view: float | None) -> Reference:
    azimuth, elevation = (math.radians(angle) for angle in VIEWS[view])
    distance = cameras(field_of_view).distance
    return reference.cast(azimuth, elevation, SIZE, 1.2, distance, field_of_view is not None)


def inner(wanted: Reference) -> np.ndarray:
    """Pixels whose neighbourhood shows one side of one box: marching cubes round the edges by two voxels."""
    same = ndimage.maximum_filter(wanted.face, 9) == ndimage.minimum_filter(wanted.face, 9)
    return same & wanted.silhouette


@pytest.mark.parametrize("field_of_view", LENSES, ids=["orthographic", "perspective"])
def test_outline_depth_and_normal(renderer: BlenderRenderer, field_of_view: float | None) -> None:
    images = render(renderer, field_of_view)
    assert images.depth is not None
    assert images.normal is not None
    for view in range(len(VIEWS)):
        wanted = expected(view, field_of_view)
        covered = images.alpha[view, 0].numpy() > 0.5
        certain = ndimage.binary_erosion(wanted.silhouette, iterations=1, structure=np.ones((3, 3)))
        possible = ndimage.binary_dilation(wanted.silhouette, iterations=1, structure=np.ones((3, 3)))
        assert certain.sum() > 300
        assert not (certain & ~covered).any(), f"view {VIEWS[view]} lacks pixels inside the outline"
        assert not (covered & ~possible).any(), f"view {VIEWS[view]} has pixels outside the outline"
        faces = inner(wanted)
        assert faces.sum() > 30
        np.testing.assert_allclose(images.depth[view, 0].numpy()[faces], wanted.depth[faces], atol=1e-3)
        normal = images.normal[view].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(normal[faces], wanted.normal[faces], atol=1e-3)
        assert (images.depth[view, 0].numpy()[~possible] == 0).all()


@pytest.mark.parametrize("shadows", [False, True], ids=["closed-form", "suns"])
def test_axis_aligned_faces_have_lambert_s_radiance(renderer: BlenderRenderer, shadows: bool) -> None:
    """ambient + sum_i intensity_i max(0, n . l_i), computed by hand from the reference's normals; one light, so that
    the sun is not sampled at random, and from the front, so that most of what is seen is lit."""
    light = np.array([0.36, 0.48, 0.8])
    lighting = Lighting(directions=((0.36, 0.48, 0.8),), intensities=(0.7,), ambient=0.2, shadows=shadows)
    images = render(renderer, None, lighting)
    for view in range(len(VIEWS)):
        wanted = expected(view, None)
        faces = inner(wanted)
        radiance = 0.2 + 0.7 * np.maximum(wanted.normal[faces] @ light, 0.0)
        for channel in range(3):
            got = images.rgb[view, channel].numpy()[faces]
            if shadows:  # a shape that shades itself is darker than the closed form in places, never brighter
                assert (got < radiance + 0.01).all()
                assert (got > 0.2 - 0.01).all()
                assert (np.abs(got - radiance) < 0.01).mean() > 0.6
            else:
                np.testing.assert_allclose(got, radiance, atol=0.01)


def test_right_is_right_and_up_is_up(renderer: BlenderRenderer) -> None:
    """Seen from the front, the arm (+X) is at the right, the tower (-X, +Z) at the upper left."""
    alpha = render(renderer, None).alpha[0, 0].numpy()
    half = SIZE // 2
    assert alpha[half:, half + SIZE // 6 :].sum() > 50
    assert alpha[: half - SIZE // 8, :half].sum() > 50
    assert alpha[: half - SIZE // 8, half:].sum() == 0


def test_the_suns_agree_with_the_closed_form_in_the_mean(renderer: BlenderRenderer) -> None:
    """Several lights are sampled at random by Cycles; a convex shape has no shadows, so the means must be equal."""
    centres = (torch.arange(24) + 0.5) / 24 - 0.5
    ball = (centres[:, None, None] ** 2 + centres[None, :, None] ** 2 + centres[None, None, :] ** 2) < 0.16
    view = Cameras(torch.tensor([0.3]), torch.tensor([0.2]))
    shapes = ball[None, None]
    closed = renderer.render(shapes, view, IGGAN_LIGHTING).rgb
    suns = renderer.render(
        shapes, view, Lighting(IGGAN_LIGHTING.directions, IGGAN_LIGHTING.intensities, IGGAN_LIGHTING.ambient, True)
    ).rgb
    assert closed.max() > 0.5
    blocks = torch.nn.functional.avg_pool2d(torch.cat([closed, suns]), 8)
    torch.testing.assert_close(blocks[0], blocks[1], atol=0.03, rtol=0.0)
