# SPDX-License-Identifier: Apache-2.0
"""Rigid resampling of voxel grids into the frame of a camera (RenderNet, section 3.1)."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from unrender.geometry.cameras import Cameras


def camera_samples(cameras: Cameras, size: int, depth: int) -> Float[Tensor, "B D H W 3"]:
    """World coordinates of a `depth x size x size` lattice in front of each camera.

    Slice 0 is nearest to the camera, row 0 is the top. The lattice covers the frame sideways and the unit-diameter ball
    along the view. For a perspective camera the rows and columns spread with the distance.
    """
    return _lattice(cameras, cameras.axes(), size, depth)


def resample_to_camera(
    grid: Float[Tensor, "B C X Y Z"], cameras: Cameras, size: int, depth: int
) -> Float[Tensor, "B C D H W"]:
    """Trilinear resampling of voxel grids on the lattice of `camera_samples`; empty outside the grid.

    Differentiable with respect to the grid, not to the cameras' angles (they carry no gradient here).
    """
    cameras = cameras.to(grid.device)
    # grid_sample wants (W, H, D) = (Z, Y, X) in [-1, 1]; voxel centres sit at (i + 0.5) / n, hence align_corners=False.
    # A lattice of 128^3 points for every image is made where it is used, for a bus would carry it for longer; and made
    # in that order and scale, for it is larger than the grid.
    samples = _lattice(cameras, 2.0 * cameras.axes().flip(-1), size, depth)
    return functional.grid_sample(grid, samples.to(grid), mode="bilinear", padding_mode="zeros", align_corners=False)


def _lattice(cameras: Cameras, axes: Float[Tensor, "B 3 3"], size: int, depth: int) -> Float[Tensor, "B D H W 3"]:
    """The points of the lattice in the coordinates that the rows of `axes` are given in."""
    device = cameras.azimuth.device
    across = ((torch.arange(size, device=device) + 0.5) / size - 0.5) * cameras.width
    along = 0.5 - (torch.arange(depth, device=device) + 0.5) / depth
    z, y, x = torch.meshgrid(along, -across, across, indexing="ij")
    if cameras.field_of_view is not None:
        spread = (cameras.distance - z) / cameras.distance
        x, y = x * spread, y * spread
    in_camera = torch.stack([x, y, z], dim=-1)
    return torch.einsum("dhwc,bcj->bdhwj", in_camera, axes)
