# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be drawn of a training besides its sheet, as it comes over the wire: curves over the images shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

KID, FID, LOSSES = "KID", "FID", "LOSSES"
LINES: Mapping[str, tuple[str, ...]] = {  # the arrays of each curve besides KID; one curve may have several lines
    FID: ("curve_fid",),
    LOSSES: ("curve_generator_loss", "curve_discriminator_loss"),
}


def read_curve(array: np.ndarray | None) -> np.ndarray | None:
    """A line that came: float32 [N, 2] of images shown and value. None where it is something else, or empty."""
    if array is None or array.dtype != "float32" or array.ndim != 2 or array.shape[1] != 2 or not len(array):
        return None
    return array


def read_curves(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[np.ndarray, ...]]:
    """The curves among the arrays of a progress or a result, each with those of its lines that are there."""
    curves = {}
    for name, lines in LINES.items():
        found = tuple(line for of in lines if (line := read_curve(arrays.get(of))) is not None)
        if found:
            curves[name] = found
    return curves
