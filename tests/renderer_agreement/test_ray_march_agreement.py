# SPDX-License-Identifier: Apache-2.0
"""The torch ray marcher, and with it the resampling and the cameras of the proxies, against the ray-cast reference."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from tests.renderer_agreement import ray_cast_boxes as reference
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.networks.compositing import composite_surface
from unrender.renderers.base import RenderedImages
from unrender.renderers.off_the_shelf.ray_march_renderer import RayMarchRenderer

VIEWS = [(0.0, 0.0), (90.0, 0.0), (30.0, 25.0), (-140.0, -20.0), (10.0, 80.0)]
SIZE, RESOLUTION, WIDTH = 128, 32, 1.2


def cameras(field_of_view: float | None) -> Cameras:
    degrees = torch.tensor(VIEWS)
    return Cameras(torch.deg2rad(degrees[:, 0]), torch.deg2rad(degrees[:, 1]), WIDTH, field_of_view)


@pytest.fixture(scope="module", params=[None, math.radians(40.0)], ids=["orthographic", "perspective"])
def lens(request: pytest.FixtureRequest) -> float | None:
    return request.param


@pytest.fixture(scope="module")
def images(lens: float | None) -> RenderedImages:
    grid = torch.from_numpy(reference.voxelise(RESOLUTION)).expand(len(VIEWS), 1, *[RESOLUTION] * 3)
    return RayMarchRenderer(SIZE, supersampling=1).render(grid, cameras(lens), IGGAN_LIGHTING)


@pytest.mark.parametrize("view", range(len(VIEWS)))
def test_outline_depth_normal_and_shading(view: int, lens: float | None, images: RenderedImages) -> None:
    azimuth, elevation = (math.radians(angle) for angle in VIEWS[view])
    wanted = reference.cast(azimuth, elevation, SIZE, WIDTH, cameras(lens).distance, lens is not None)
    silhouette = images.alpha[view, 0].numpy() > 0.5
    # Three pixels a voxel: rounded edges stay within four pixels of the outline.
    band = ndimage.binary_dilation(wanted.silhouette, iterations=4) & ~ndimage.binary_erosion(
        wanted.silhouette, iterations=4
    )
    assert (silhouette == wanted.silhouette)[~band].all()
    inner = (ndimage.maximum_filter(wanted.face, 9) == ndimage.minimum_filter(wanted.face, 9)) & wanted.silhouette
    assert inner.sum() > 30
    assert images.depth is not None
    assert images.normal is not None
    assert np.abs(images.depth[view, 0].numpy() - wanted.depth)[inner].max() < 0.03
    cosine = (images.normal[view].permute(1, 2, 0).numpy() * wanted.normal).sum(-1)
    assert np.median(cosine[inner]) > 0.98
    lambert = IGGAN_LIGHTING.shade(torch.from_numpy(wanted.normal).float().permute(2, 0, 1)[None])[0, 0].numpy()
    assert np.median(np.abs(images.rgb[view, 0].numpy() - lambert)[inner]) < 0.05


@pytest.mark.parametrize("view", range(len(VIEWS)))
def test_the_proxies_compositing_sees_the_same_outline_and_depth(view: int, lens: float | None) -> None:
    grid = torch.from_numpy(reference.voxelise(RESOLUTION)).float().expand(1, 1, *[RESOLUTION] * 3)
    camera = cameras(lens)
    one = Cameras(camera.azimuth[view : view + 1], camera.elevation[view : view + 1], WIDTH, lens)
    image = composite_surface(grid, one, SIZE, 96, "max")[0]
    azimuth, elevation = (math.radians(angle) for angle in VIEWS[view])
    wanted = reference.cast(azimuth, elevation, SIZE, WIDTH, camera.distance, lens is not None)
    band = ndimage.binary_dilation(wanted.silhouette, iterations=4) & ~ndimage.binary_erosion(
        wanted.silhouette, iterations=4
    )
    assert ((image[4].numpy() > 0.5) == wanted.silhouette)[~band].all()
    inner = ndimage.binary_erosion(wanted.silhouette, iterations=3)
    same_face = ndimage.maximum_filter(wanted.face, 9) == ndimage.minimum_filter(wanted.face, 9)
    position = image[3].numpy() / np.maximum(image[4].numpy(), 1e-6)
    assert np.abs(camera.distance - position - wanted.depth)[inner & same_face].max() < 0.06
