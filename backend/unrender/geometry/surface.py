# SPDX-License-Identifier: Apache-2.0
"""From voxel grids to surfaces."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor
from torch.nn import functional

from unrender.geometry.marching_cubes import marching_cubes
from unrender.geometry.meshes import Mesh


def smooth_binary(grid: Bool[Tensor, "B 1 X Y Z"], passes: int = 0) -> Float[Tensor, "B 1 X Y Z"]:
    """Turn binary grids into fields whose level set at 0.5 is smooth.

    With `passes` of 0 it separates the very same voxels. With x the binary grid and blur the kernel [1 2 1]^3 / 64,
    g = (x + blur(x)) / 2 is at least 0.5 + 1/16 on every full voxel and at most 0.5 - 1/16 on every empty one, so
    marching cubes at 0.5 finds the same topology as on x (a leg one voxel thin survives, which a plain blur would
    erase), while the vertices slide along their edges and most of the voxel staircase goes.

    With `passes` of 1 or more the field is that many plain blurs of the grid: all of the staircase goes, and so does
    everything thinner than about two voxels. For rounded, solid things.
    """
    x = grid.float()
    if passes == 0:
        return 0.5 * (x + blur_separable(x))
    for _ in range(passes):
        x = blur_separable(x)
    return x


def blur_separable(grid: Float[Tensor, "B 1 X Y Z"], side: float = 0.25) -> Float[Tensor, "B 1 X Y Z"]:
    """Blur by [side, 1 - 2 side, side] along each axis, with nought around the grid; 0.25 is [1 2 1] / 4."""
    for axis in range(2, 5):
        pad = [0, 0, 0, 0, 0, 0]
        pad[2 * (4 - axis)] = pad[2 * (4 - axis) + 1] = 1
        padded = functional.pad(grid, pad)
        length = grid.shape[axis]
        neighbours = padded.narrow(axis, 0, length) + padded.narrow(axis, 2, length)
        grid = side * neighbours + (1.0 - 2.0 * side) * padded.narrow(axis, 1, length)
    return grid


def extract_surface(occupancy: Float32[np.ndarray, "X Y Z"], level: float = 0.5) -> Mesh:
    """Closed, outward-oriented marching-cubes surface of {occupancy > level} in world coordinates.

    The grid is padded with empty voxels, so shapes that touch its border are closed as well. An empty or full-below
    grid gives a mesh without faces.
    """
    return Mesh(*marching_cubes(occupancy, level))


def random_threshold(occupancy: Float[Tensor, "B 1 X Y Z"], threshold: Float[Tensor, "B"]) -> Bool[Tensor, "B 1 X Y Z"]:
    """Binarise with one global threshold per sample, x_d = 1[x_c > t] (IG-GAN, section 3)."""
    return occupancy > threshold.view(-1, 1, 1, 1, 1).to(occupancy.dtype)


def torch_ball(resolution: int, radius: float = 0.5) -> Float[Tensor, "1 1 X Y Z"]:
    """Indicator of the voxels whose centres lie inside the ball of the given radius."""
    centre = (torch.arange(resolution) + 0.5) / resolution - 0.5
    squared = centre[:, None, None] ** 2 + centre[None, :, None] ** 2 + centre[None, None, :] ** 2
    return (squared <= radius**2).float()[None, None]
