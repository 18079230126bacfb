# SPDX-License-Identifier: Apache-2.0
"""Voxel grids in Patrick Min's binvox format, run-length encoded (patrickmin.com/binvox/binvox.html)."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool

from unrender.errors import DataError

_MOST_VOXELS_A_SIDE = 1024


def read_binvox(path: Path) -> Bool[np.ndarray, "X Y Z"]:
    """The occupied voxels in the axes of the file's mesh, whose up is usually +Y. Raises DataError with the reason.

    Header lines `#binvox 1`, `dim D W H`, `translate ...`, `scale ...`, `data`; then pairs of bytes (value, count), x
    slowest and y fastest. Where the grid stood and how large it was is not returned.
    """
    header, mark, body = path.read_bytes().partition(b"\ndata\n")
    lines = header.decode("ascii", errors="replace").splitlines()
    if not mark or not lines[0].startswith("#binvox"):
        raise DataError("is no binvox file: it does not start with #binvox and a header")
    words = next((line.split()[1:] for line in lines if line.startswith("dim ")), [])
    sides = [int(word) for word in words if word.isdigit()]
    if len(sides) != 3 or not 1 <= min(sides) <= max(sides) <= _MOST_VOXELS_A_SIDE:
        raise DataError(
            f"has the sides {' '.join(words)!r}, but three numbers up to {_MOST_VOXELS_A_SIDE} were expected"
        )
    runs = np.frombuffer(body[: len(body) // 2 * 2], np.uint8).reshape(-1, 2)
    if int(runs[:, 1].sum(dtype=np.int64)) != sides[0] * sides[1] * sides[2]:
        raise DataError("is damaged: its runs do not fill the grid")
    values = np.repeat(runs[:, 0] > 0, runs[:, 1])
    # dim is depth (x), width (z), height (y); index = x * width * height + z * height + y.
    return np.ascontiguousarray(values.reshape(sides[0], sides[1], sides[2]).transpose(0, 2, 1))
