# SPDX-License-Identifier: Apache-2.0
"""Generated shapes from every side."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from unrender.geometry.cameras import Cameras
from unrender.methods.models import Model
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.pictures.rendering import build_renderer
from unrender.methods.voxel_gan.sampling import load_generator, read_model_config, sample_occupancy
from unrender.training.sheets import picture_grid

_SIDES = 8
_ELEVATION_DEGREES = 25.0


def render_turnaround(model: Model, seed: int, count: int, threshold: float = 0.5) -> NDArray[np.uint8]:
    """A picture [H, W, 3]: a row per shape of the seeds `seed`, `seed + 1`, ..., eight views each, 45 degrees apart.

    Rendered by the black box that the model was trained with. Raises CheckpointError, BlenderNotFoundError.
    """
    config = read_model_config(model.path)
    generator = load_generator(model.path, model.weights)
    grids = np.stack([sample_occupancy(generator, seed + index) for index in range(count)])
    solid = torch.from_numpy(grids[:, None] > threshold).repeat_interleave(_SIDES, dim=0)
    azimuth = torch.arange(_SIDES).repeat(count) * (2.0 * math.pi / _SIDES)
    elevation = torch.full_like(azimuth, math.radians(_ELEVATION_DEGREES))
    cameras = Cameras(azimuth, elevation, config.views.width, config.views.field_of_view)
    renderer = build_renderer(config)
    try:
        images = BlackBox(renderer, config.lighting, config.photos.encoding).render(solid, cameras)
    finally:
        renderer.close()
    return picture_grid(images, _SIDES, config.photos.encoding)
