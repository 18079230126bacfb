# SPDX-License-Identifier: Apache-2.0
"""Generated shapes against real ones: distances of pairs, and what they say of two sets (Achlioptas et al. 2018).

A generator that learns from unposed pictures may face any way: every distance is the smallest over quarter turns about
Z, which grids take exactly.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy import ndimage
from torch import Tensor

_TURNS = 4


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


def overlap_distances(a: Bool[Tensor, "N X X Z"], b: Bool[Tensor, "M X X Z"]) -> Float[Tensor, "N M"]:
    """1 - intersection over union of every pair, at the best quarter turn; two empty grids have distance 0."""
    flat_a = a.flatten(1).float()
    count_a = flat_a.sum(1, keepdim=True)
    best = torch.full((len(a), len(b)), torch.inf)
    for turns in range(_TURNS):
        flat_b = torch.rot90(b, turns, dims=(1, 2)).flatten(1).float()
        common = flat_a @ flat_b.T
        union = count_a + flat_b.sum(1) - common
        best = torch.minimum(best, 1.0 - torch.where(union > 0, common / union.clamp(min=1.0), 1.0))
    return best


def chamfer_distances(a: Bool[Tensor, "N X X Z"], b: Bool[Tensor, "M X X Z"]) -> Float[Tensor, "N M"]:
    """Mean squared distance, in world units, of the boundary voxels of a shape to the nearest of the other, both ways
    added, at the best quarter turn. No sampling: all boundary voxels count. Raises ValueError for an empty grid."""
    boundary_a, field_a = _boundaries(a)
    boundary_b, field_b = _boundaries(b)
    best = torch.full((len(a), len(b)), torch.inf)
    for turns in range(_TURNS):
        turned_boundary, turned_field = (
            torch.rot90(grids, turns, (1, 2)).flatten(1) for grids in (boundary_b, field_b)
        )
        there, back = boundary_a.flatten(1) @ turned_field.T, field_a.flatten(1) @ turned_boundary.T
        best = torch.minimum(best, there + back)
    return best


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
