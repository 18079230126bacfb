# SPDX-License-Identifier: Apache-2.0
"""How a sheet of samples is laid out; free of torch, so that a server can look at one."""

import numpy as np
from numpy.typing import NDArray

GAP = 4  # pixels between tiles
GAP_GREY = 90


def grid_cells(picture: NDArray[np.uint8]) -> list[list[NDArray[np.uint8]]]:
    """The tiles [H, W, 3] of a sheet, row by row; of a picture without gaps, one row with the picture."""
    is_gap = (picture == GAP_GREY).all(axis=2)
    rows, columns = _stretches(is_gap.all(axis=1)), _stretches(is_gap.all(axis=0))
    return [[picture[top:bottom, left:right] for left, right in columns] for top, bottom in rows]


def _stretches(is_gap: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end of what lies between the gaps."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], is_gap, [True]]).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
