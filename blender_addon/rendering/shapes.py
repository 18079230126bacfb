# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a data set as a worker sees them: made or read ahead in a thread where that needs no Blender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .given_objects import GivenObjects
from .plan import BLEND, KEEP, OBJECTS, PROCEDURAL, DatasetPlan
from .sources.catalogue import is_y_up
from .sources.geometry import BadMeshError, into_ball, upright
from .sources.mesh_files import read_binvox, read_off

_READ_HERE = (".off", ".binvox")  # Blender has no importers for them


@dataclass(frozen=True)
class ShapeTools:
    """What the procedural shapes and the surfaces of voxels come from; the add-on around this package has neither.

    classes: names of procedural shapes. make: (class, seed, resolution) -> vertices float32 [N, 3], faces int32 [F, 3].
    surface: bool [X, Y, Z] -> the same, inside [-0.5, 0.5]. make_coloured: as make, with the linear colours of the
    vertices, float32 [N, 3]; None for classes without.
    """

    classes: tuple[str, ...]
    make: Callable[[str, int, int], tuple[np.ndarray, np.ndarray]]
    surface: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    make_coloured: Callable[[str, int, int], tuple[np.ndarray, np.ndarray, np.ndarray] | None]


@dataclass(frozen=True, eq=False)
class Mesh:
    """vertices float32 [N, 3] inside the ball of diameter 1, faces int32 [F, 3]; smooth: interpolate normals; colours:
    of the vertices, linear float32 [N, 3], None for white."""

    vertices: np.ndarray
    faces: np.ndarray
    smooth: bool
    colours: np.ndarray | None = None


class ArrayShapes:
    """Makes and reads those objects that are arrays; knows nothing of Blender."""

    def __init__(self, plan: DatasetPlan, tools: ShapeTools) -> None:
        self._plan, self._tools = plan, tools
        self._given = GivenObjects(plan.source) if plan.kind == OBJECTS else None

    def can_make(self, path: str) -> bool:
        """Whether an object with this file (empty for none) is made here; Blender has to import the others."""
        if self._plan.kind == BLEND:
            return False
        return not path or Path(path).suffix.lower() in _READ_HERE

    def make(self, index: int, path: str) -> Mesh:
        """The object with this index. Raises BadMeshError, and whatever a damaged file makes a reader raise."""
        if self._plan.kind == PROCEDURAL:
            seed = self._plan.shape_seed(index)
            wanted = (self._plan.source, seed, self._plan.resolution)
            made = self._tools.make_coloured(*wanted) if self._plan.materials == KEEP else None
            if made is not None:
                vertices, faces, colours = made
                return Mesh(vertices, faces, True, colours)
            return Mesh(*self._tools.make(*wanted), True)
        if self._given is not None:
            # Already brought to the size of shapes in training by who gave them.
            return Mesh(*self._given.mesh(index), False)
        return self._read(Path(path))

    def _read(self, path: Path) -> Mesh:
        try:
            smooth = path.suffix.lower() == ".binvox"
            vertices, faces = self._tools.surface(read_binvox(path)) if smooth else read_off(path)
        except OSError as error:
            raise BadMeshError(f"cannot be read ({error.strerror})") from None
        return Mesh(into_ball(upright(vertices, is_y_up(path, self._plan.up)), faces), faces, smooth)
