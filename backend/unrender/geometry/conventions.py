# SPDX-License-Identifier: Apache-2.0
"""Unrender's conventions, in one place.

Shape alphabet: B batch, V views, C channels, H W image rows and columns, X Y Z voxel axes, N vertices, F faces,
S samples along a ray.

World: right-handed, Z up, as in Blender. Objects lie inside the ball of radius 0.5 at the origin.
Voxel grids `[B, 1, X, Y, Z]`: occupancy in [0, 1], centre of voxel i at (i + 0.5) / n - 0.5 on every axis.
Cameras look at the origin. Camera frame: x right, y up, looking along -z.
Images `[B, C, H, W]`: row 0 at the top, [0, 1], linear and premultiplied by alpha unless the name says `_srgb`.
"""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

OBJECT_RADIUS = 0.5


def voxel_centres(resolution: int) -> NDArray[np.float32]:
    """Coordinates of the voxel centres along one axis, `[resolution]`, in world units."""
    return ((np.arange(resolution) + 0.5) / resolution - 0.5).astype(np.float32)


def linear_to_srgb(linear: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Encode linear light in [0, 1] for display (IEC 61966-2-1); values outside are clamped."""
    clamped = linear.clamp(0.0, 1.0)
    return torch.where(clamped <= 0.0031308, clamped * 12.92, 1.055 * clamped.clamp(min=1e-8) ** (1 / 2.4) - 0.055)


def srgb_to_linear(encoded: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Decode display values in [0, 1] to linear light (IEC 61966-2-1); values outside are clamped."""
    clamped = encoded.clamp(0.0, 1.0)
    return torch.where(clamped <= 0.04045, clamped / 12.92, ((clamped + 0.055) / 1.055) ** 2.4)
