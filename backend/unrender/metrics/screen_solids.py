# SPDX-License-Identifier: Apache-2.0
"""Solids as one camera sees them: how two of them overlap where only the picture ties them together.

In a screen solid x is to the right and y up in the picture, whose side is 1, and z towards the camera in the same
units: what lies in the same pixels lies in the same columns of voxels, whatever cameras the two were seen by. How far
away they are is not known from a picture, hence `overlap_along_view` moves one of them along the view.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unrender.data.voxelisation import voxelise_mesh


def screen_solid(
    screen: Float[Tensor, "N 3"], faces: Int[Tensor, "F 3"], pixels: int, width: float, resolution: int
) -> Bool[Tensor, "X Y Z"]:
    """The solid of a closed mesh on the screen, (column, row, depth) as `rasterizer.project` gives it.

    pixels: of the picture's side. width: world units across it, at the object. The middle of its depths is at z = 0.
    """
    middle = 0.5 * (screen[:, 2].amin() + screen[:, 2].amax())
    x, y = screen[:, 0] / pixels - 0.5, 0.5 - screen[:, 1] / pixels
    points = torch.stack([x, y, (middle - screen[:, 2]) / width], dim=1)
    return torch.from_numpy(voxelise_mesh(points.double().numpy(), faces.numpy(), resolution))


def fitted_sphere(
    mask: Bool[Tensor, "B 1 H W"], resolution: int
) -> tuple[Float[Tensor, "B 1 H W"], Bool[Tensor, "B X Y Z"]]:
    """What nobody needs to learn: of each mask the sphere with its area, around its middle, as a depth map (away from
    the camera, 0 in the sphere's middle, in units of the picture's side; 0 outside the disc) and as a screen solid."""
    size = mask.shape[-1]
    at = (torch.arange(size) + 0.5) / size - 0.5
    inside = mask[:, 0].float()
    area = inside.sum((1, 2)).clamp(min=1.0)
    middle_x = (inside.sum(1) * at).sum(1) / area
    middle_y = -(inside.sum(2) * at).sum(1) / area
    radius = (area / math.pi).sqrt() / size
    x, y = at - middle_x[:, None], -at - middle_y[:, None]
    height = (radius.square()[:, None, None] - x.square()[:, None, :] - y.square()[:, :, None]).clamp(min=0.0).sqrt()
    centres = (torch.arange(resolution) + 0.5) / resolution - 0.5
    squares = (
        (centres - middle_x[:, None]).square()[:, :, None, None]
        + (centres - middle_y[:, None]).square()[:, None, :, None]
        + centres.square()[None, None, None, :]
    )
    return -height[:, None], squares <= radius.square()[:, None, None, None]


def overlap_along_view(a: Bool[Tensor, "X Y Z"], b: Bool[Tensor, "X Y Z"]) -> float:
    """Largest intersection over union while `b` moves along z by whole voxels, all of it within sight; of two empty
    solids 0."""
    depth = a.shape[2]
    total = int(a.sum()) + int(b.sum())
    if total == 0:
        return 0.0
    # Sums over all columns of a(z) b(z - shift): one correlation along z.
    spectrum_a, spectrum_b = (torch.fft.rfft(grid.flatten(0, 1).double(), n=2 * depth) for grid in (a, b))
    common = float(torch.fft.irfft((spectrum_a * spectrum_b.conj()).sum(0), n=2 * depth).max().round())
    return common / (total - common)


def mask_overlap(a: Bool[Tensor, "B 1 H W"], b: Bool[Tensor, "B 1 H W"]) -> Float[Tensor, " B"]:
    """Intersection over union of pairs of masks; 1 where both are empty."""
    common, either = ((pair.flatten(1).sum(1)).double() for pair in (a & b, a | b))
    return torch.where(either > 0, common / either.clamp(min=1.0), 1.0)


def right_sized_spheres(solids: Bool[Tensor, "N X Y Z"]) -> Bool[Tensor, "N X Y Z"]:
    """For each solid the ball with its volume, around its centre of gravity."""
    resolution = solids.shape[1]
    centres = (torch.arange(resolution, dtype=torch.float64) + 0.5) / resolution - 0.5
    full = solids.double()
    volume = full.flatten(1).sum(1).clamp(min=1.0)
    x, y, z = (centres - ((full.sum(dims) * centres).sum(1) / volume)[:, None] for dims in ((2, 3), (1, 3), (1, 2)))
    squares = x.square()[:, :, None, None] + y.square()[:, None, :, None] + z.square()[:, None, None, :]
    radius = (0.75 / math.pi * volume) ** (1.0 / 3.0) / resolution
    return squares <= radius.square()[:, None, None, None]
