# SPDX-License-Identifier: Apache-2.0
"""The shapes of a folder as a set of binary grids, voxelised once and kept on disk."""

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Int64
from numpy.typing import NDArray
from torch import Tensor

from unrender.atomic_file import write_atomically
from unrender.data.shape_files import ShapeFile, UpAxis, category_of, load_solid
from unrender.errors import CancelledError, DataError, DiskFullError

# Raise it when the same file would give another grid.
CONTENT_VERSION = 1
_EXAMPLES = 3


class FolderShapes:
    """Objects of shape files, packed in memory. skipped: (name, reason) of files that are no use."""

    def __init__(
        self, names: tuple[str, ...], category: str, packed: NDArray[np.uint8], resolution: int, digest: str
    ) -> None:
        self.names, self._category, self._digest = names, category, digest
        self._packed, self._resolution = packed, resolution
        self.skipped: tuple[tuple[str, str], ...] = ()

    @property
    def category(self) -> str:
        return self._category

    @property
    def identity(self) -> dict[str, Any]:
        """The files as they are, and the resolution."""
        return {"files": self._digest, "resolution": self._resolution, "version": CONTENT_VERSION}

    def __len__(self) -> int:
        return len(self._packed)

    def grids(self, objects: Int64[Tensor, " B"]) -> Bool[Tensor, "B 1 X Y Z"]:
        """The shapes with these numbers."""
        return torch.from_numpy(unpack_grids(self._packed[objects.numpy()], self._resolution))


def load_shape_folder(
    files: tuple[ShapeFile, ...],
    resolution: int,
    cache: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    up: UpAxis = "auto",
) -> FolderShapes:
    """Voxelise shape files. What was voxelised before, in this call or in one that was interrupted, is in the cache.

    A file that is no use is left out and named in `skipped`. Raises DataError where none is any use, CancelledError.
    """
    names, packed, skipped, facts = [], [], [], []
    for done, file in enumerate(files):
        if cancelled():
            raise CancelledError(f"Stopped after {done} of {len(files)} shapes were voxelised.")
        try:
            status = file.path.stat()
            fact = [str(file.path.resolve()), status.st_size, status.st_mtime_ns, up]
            packed.append(_packed_solid(file.path, fact, resolution, up, cache))
            names.append(file.name)
            facts.append(fact)
        except (DataError, OSError) as error:
            skipped.append((file.name, error.message if isinstance(error, DataError) else f"cannot be read ({error})"))
        progress(done + 1, len(files))
    if not packed:
        examples = "; ".join(f"{name} {reason}" for name, reason in skipped[:_EXAMPLES])
        raise DataError(
            f"None of the {len(files)} shapes can be used: {examples}.", "Give closed or nearly closed meshes."
        )
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    shapes = FolderShapes(tuple(names), category_of(files), np.stack(packed), resolution, digest)
    shapes.skipped = tuple(skipped)
    return shapes


def pack_grid(grid: Bool[np.ndarray, "X Y Z"]) -> NDArray[np.uint8]:
    """A bit per voxel."""
    return np.packbits(grid)


def unpack_grids(packed: NDArray[np.uint8], resolution: int) -> Bool[np.ndarray, "B 1 X Y Z"]:
    """The grids of rows of bits."""
    bits = np.unpackbits(packed, axis=1, count=resolution**3)
    return bits.astype(bool).reshape(-1, 1, resolution, resolution, resolution)


def _packed_solid(path: Path, fact: list[Any], resolution: int, up: UpAxis, cache: Path | None) -> NDArray[np.uint8]:
    if cache is None:
        return pack_grid(load_solid(path, resolution, up))
    key = hashlib.sha256(json.dumps([CONTENT_VERSION, resolution, *fact]).encode()).hexdigest()[:32]
    kept = cache / key[:2] / f"{key}.bits"
    if kept.is_file():
        packed = np.frombuffer(kept.read_bytes(), np.uint8)
        if len(packed) == -(-(resolution**3) // 8):
            return packed
    packed = pack_grid(load_solid(path, resolution, up))
    with contextlib.suppress(OSError, DiskFullError):  # a cache can only save time
        write_atomically(kept, lambda partial: _write(partial, packed))
    return packed


def _write(path: Path, packed: NDArray[np.uint8]) -> None:
    path.write_bytes(packed.tobytes())
