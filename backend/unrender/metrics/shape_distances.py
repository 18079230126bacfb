# SPDX-License-Identifier: Apache-2.0
"""Generated shapes against real ones: distances of pairs, and what they say of two sets (Achlioptas et al. 2018).

A generator that learns from unposed pictures may face any way: every distance is the smallest over turns about Z.
Quarter turns are exact in a grid; others take the nearest voxel.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from scipy import ndimage
from torch import Tensor

TURNS = 24
_QUARTERS = 4


class SetComparison(NamedTuple):
    """coverage: share of the real shapes that are the nearest of some generated one. minimum_matching_distance: mean
    distance of the real shapes from their nearest generated one. nearest_neighbour_accuracy: of telling the two sets
    apart by the nearest neighbour; .5 is ideal, 1 is worst, below .5 says that generated shapes sit on real ones."""

    coverage: float
    minimum_matching_distance: float
    nearest_neighbour_accuracy: float


def compare_sets(
    across: Float[Tensor, "N M"], within_fake: Float[Tensor, "N N"], within_real: Float[Tensor, "M M"]
) -> SetComparison:
    """The figures of two sets from their distances: `across` of generated (rows) and real shapes. N = M for 1-NNA."""
    coverage = across.argmin(dim=1).unique().numel() / across.shape[1]
    own_fake, own_real = _without_self(within_fake).amin(1), _without_self(within_real).amin(1)
    right = (own_fake < across.amin(1)).sum() + (own_real < across.amin(0)).sum()
    accuracy = right.item() / (across.shape[0] + across.shape[1])
    return SetComparison(coverage, across.amin(0).mean().item(), accuracy)


def overlap_distances(
    a: Bool[Tensor, "N X X Z"], b: Bool[Tensor, "M X X Z"], turns: int = TURNS
) -> Float[Tensor, "N M"]:
    """1 - intersection over union of every pair, at the best of `turns` (a multiple of 4); of two empty grids 0."""
    flat_a = a.flatten(1).float()
    count_a = flat_a.sum(1, keepdim=True)
    best = torch.full((len(a), len(b)), torch.inf)
    for turn in range(turns):
        flat_b = _turned(b, turn, turns).flatten(1).float()
        common = flat_a @ flat_b.T
        union = count_a + flat_b.sum(1) - common
        best = torch.minimum(best, 1.0 - torch.where(union > 0, common / union.clamp(min=1.0), 1.0))
    return best


def chamfer_distances(
    a: Bool[Tensor, "N X X Z"], b: Bool[Tensor, "M X X Z"], turns: int = TURNS
) -> Float[Tensor, "N M"]:
    """Mean squared distance, in world units, of the boundary voxels of a shape to the nearest of the other, both ways
    added, at the best of `turns` (a multiple of 4). No sampling: all boundary voxels count. Raises ValueError for an
    empty grid."""
    boundary_a, field_a = _boundaries(a)
    boundary_b, field_b = _boundaries(b)
    best = torch.full((len(a), len(b)), torch.inf)
    for turn in range(turns):
        turned_boundary = _turned(boundary_b, turn, turns).flatten(1)
        turned_boundary = turned_boundary / turned_boundary.sum(1, keepdim=True)
        there = boundary_a.flatten(1) @ _turned(field_b, turn, turns).flatten(1).T
        best = torch.minimum(best, there + field_a.flatten(1) @ turned_boundary.T)
    return best


def _turned(grids: Shaped[Tensor, "N X X Z"], turn: int, turns: int) -> Shaped[Tensor, "N X X Z"]:
    """Grids turned by `turn / turns` of a circle about Z; what comes from outside is what lies at the border."""
    if turn * _QUARTERS % turns == 0:
        return torch.rot90(grids, turn * _QUARTERS // turns, (1, 2))
    size = grids.shape[1]
    angle = 2.0 * math.pi * turn / turns
    centres = torch.arange(size) - 0.5 * (size - 1)
    x, y = torch.meshgrid(centres, centres, indexing="ij")
    sources = (math.cos(angle) * x + math.sin(angle) * y, math.cos(angle) * y - math.sin(angle) * x)
    i, j = ((source + 0.5 * (size - 1)).round().long().clamp(0, size - 1) for source in sources)
    return grids[:, i, j]


def _boundaries(grids: Bool[Tensor, "N X X Z"]) -> tuple[Float[Tensor, "N X X Z"], Float[Tensor, "N X X Z"]]:
    """Of every grid: 1 / B on its B boundary voxels, and everywhere the squared distance to the nearest of them."""
    shares, fields = [], []
    for grid in grids.numpy():
        boundary = grid & ~ndimage.binary_erosion(grid)
        if not boundary.any():
            raise ValueError("a grid has no full voxel, hence no boundary")
        shares.append(boundary.astype(np.float32) / float(boundary.sum()))
        fields.append((ndimage.distance_transform_edt(~boundary) / len(grid)).astype(np.float32) ** 2)
    return torch.from_numpy(np.stack(shares)), torch.from_numpy(np.stack(fields))


def _without_self(distances: Float[Tensor, "N N"]) -> Float[Tensor, "N N"]:
    return distances.clone().fill_diagonal_(torch.inf)
