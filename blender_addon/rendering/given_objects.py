# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes from a file, instead of procedural shapes."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from .manifest import DatasetError


class GivenObjects:
    """The meshes of a file `.npz`: `vertices_{i}` float32 [N, 3] inside the unit ball, `faces_{i}` int32 [F, 3].

    Raises DatasetError where there is no such file, or it holds something else.
    """

    def __init__(self, name: str) -> None:
        path = Path(name)
        try:
            content = path.read_bytes()
            with np.load(path, allow_pickle=False) as file:
                arrays = {key: file[key] for key in file.files}
            count = sum(key.startswith("vertices_") for key in arrays)
            self._meshes = [(arrays[f"vertices_{i}"], arrays[f"faces_{i}"]) for i in range(count)]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise DatasetError(f"The objects to render cannot be read from {name!r}: {error}.") from None
        if not self._meshes:
            raise DatasetError(f"The file {name!r} holds no objects; expected vertices_0, faces_0, ...")
        self.hash = hashlib.sha256(content).hexdigest()[:16]

    def __len__(self) -> int:
        return len(self._meshes)

    def mesh(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and faces of the object with this index."""
        return self._meshes[index]
