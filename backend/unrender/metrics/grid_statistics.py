# SPDX-License-Identifier: Apache-2.0
"""What generated grids look like: how full, how undecided, in how many pieces."""

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32
from scipy import ndimage


@dataclass(frozen=True, slots=True)
class GridStatistics:
    """Of one grid, or means over many.

    full_share: voxels above the threshold. grey_share: voxels between 0.1 and 0.9, which are undecided. pieces: parts
    that are connected through faces. floater_share: of the full voxels, those outside the largest piece. empty_share:
    1 for a grid without any full voxel.
    """

    full_share: float
    grey_share: float
    pieces: float
    floater_share: float
    empty_share: float


def grid_statistics(occupancy: Float32[np.ndarray, "X Y Z"], threshold: float) -> GridStatistics:
    """Statistics of a grid of occupancies in [0, 1]."""
    solid = occupancy > threshold
    labels, pieces = ndimage.label(solid)
    sizes = np.bincount(labels.ravel())[1:]
    floaters = 1.0 - sizes.max() / sizes.sum() if pieces else 0.0
    grey = (occupancy > 0.1) & (occupancy < 0.9)
    return GridStatistics(
        float(solid.mean()), float(grey.mean()), float(pieces), float(floaters), float(not solid.any())
    )


def mean_statistics(statistics: list[GridStatistics]) -> GridStatistics:
    """The means over many grids."""
    return GridStatistics(*np.mean([dataclasses.astuple(one) for one in statistics], axis=0).tolist())
