# SPDX-License-Identifier: Apache-2.0
"""Occupancy grids of shapes that were generated, on disk: what is meshed anew need not be generated anew.

A shape outlives its weights: those of a run that goes on are replaced every few minutes, and a model can be removed.
"""

import contextlib
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from unrender.atomic_file import write_atomically
from unrender.errors import DiskFullError

_MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class ShapeKey:
    """Which shape: the hash of the weights that made it (see `Model.hash`), its seed and variety."""

    model_hash: str
    seed: int
    variety: float

    @property
    def file_name(self) -> str:
        return f"{self.model_hash}_{self.seed}_{self.variety:.6f}.npz"


@dataclass(frozen=True, slots=True, eq=False)
class ShapeGrid:
    """A generator's grid, and how often it is blurred before it is meshed (see `voxels_to_mesh`)."""

    occupancy: Float32[np.ndarray, "X Y Z"]
    blur_passes: int = 0


class GridCache:
    """A folder of grids that keeps to a size: those that were used longest ago go. Several processes may share it."""

    def __init__(self, folder: Path, most_bytes: int = _MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def find(self, key: ShapeKey) -> ShapeGrid | None:
        """The grid of a shape; None where it is not there, or damaged."""
        path = self._folder / key.file_name
        try:
            with np.load(path, allow_pickle=False) as file:
                occupancy, blur_passes = file["occupancy"], int(file["blur_passes"])
            if occupancy.ndim != 3 or occupancy.dtype != np.float32:
                return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return ShapeGrid(occupancy, blur_passes)

    def keep(self, key: ShapeKey, grid: ShapeGrid) -> None:
        """Write a grid. Where the disk is full or may not be written to it is not kept: it can be made again."""

        def write(path: Path) -> None:
            with path.open("wb") as file:
                np.savez_compressed(file, occupancy=grid.occupancy, blur_passes=np.int64(grid.blur_passes))

        with contextlib.suppress(OSError, DiskFullError):
            write_atomically(self._folder / key.file_name, write)
            self._make_room()

    def _make_room(self) -> None:
        found = []
        for path in self._folder.glob("*.npz"):
            with contextlib.suppress(OSError):  # another process has removed it
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        excess = sum(size for _, size, _ in found) - self._most_bytes
        for _, size, path in sorted(found):
            if excess <= 0:
                return
            excess -= size
            with contextlib.suppress(OSError):  # another process reads it
                path.unlink()


def grid_cache(home: Path) -> GridCache:
    """The cache of a data folder (see `unrender.storage`)."""
    return GridCache(home / "cache" / "grids")
