# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a `generate` job as values: meshes in numpy, checked before Blender sees them.

Blender trusts the indices that `foreach_set` writes: one that points outside the mesh crashes it. So nothing from the
wire reaches it unchecked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .textures import BadResultError, Texture, read_texture
from .topology import Topology, find_topology

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One generated mesh. vertices [N, 3] float32 in Blender's world axes (Z up); faces [F, 3] int32, outward.

    What can be known without Blender is found when the value is made, on the socket thread: `size`, the extent in x, y
    and z, and the edges. No face may use a vertex twice. A shape with a texture is smooth all over: what looks like an
    edge in its picture is painted on.
    """

    index: int
    seed: int
    name: str
    vertices: np.ndarray = field(repr=False)
    faces: np.ndarray = field(repr=False)
    texture: Texture | None = field(default=None, repr=False)
    size: tuple[float, float, float] = field(init=False)
    topology: Topology = field(init=False, repr=False)

    def __post_init__(self) -> None:
        extent = self.vertices.max(axis=0) - self.vertices.min(axis=0)
        object.__setattr__(self, "size", (float(extent[0]), float(extent[1]), float(extent[2])))
        smooth = self.texture is not None
        object.__setattr__(self, "topology", find_topology(self.vertices, self.faces, smooth))


def read_shapes(result: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> tuple[Shape, ...]:
    """The meshes of a finished `generate` job, in the order of their index.

    Args:
        result: `{"shapes": [{"index", "seed", "name"}, ...], ...}`.
        arrays: `vertices_{index}` float32 [N, 3] and `faces_{index}` int32 [F, 3]; of shapes with a texture also those
            that `textures.read_texture` takes.

    Raises:
        BadResultError: something is missing, has another shape or dtype, is not finite, points outside the mesh, or
            holds no face.
    """
    listed = result.get("shapes")
    if not isinstance(listed, (list, tuple)) or not listed:
        raise BadResultError("the result lists no shapes")
    shapes = []
    for entry in listed:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("index"), int):
            raise BadResultError("an entry of the result has no index")
        index = entry["index"]
        vertices, faces = _read_mesh(arrays, f"vertices_{index}", f"faces_{index}")
        texture = read_texture(arrays, index, len(faces))
        proper = _proper(faces, f"faces_{index}")
        if texture is not None:
            texture = replace(texture, corner_uv=texture.corner_uv[proper])
        seed, name = int(entry.get("seed", 0)), str(entry.get("name", ""))
        shapes.append(Shape(index, seed, name, vertices, faces[proper], texture))
    if len({shape.index for shape in shapes}) != len(shapes):
        raise BadResultError("two shapes of the result have the same index")
    return tuple(sorted(shapes, key=lambda shape: shape.index))


def read_shape(seed: int, arrays: Mapping[str, np.ndarray]) -> Shape:
    """The mesh of one shape: `vertices` float32 [N, 3] and `faces` int32 [F, 3]. Raises BadResultError as above."""
    vertices, faces = _read_mesh(arrays, "vertices", "faces")
    return Shape(0, seed, "", vertices, faces[_proper(faces, "faces")])


def _read_mesh(arrays: Mapping[str, np.ndarray], of_vertices: str, of_faces: str) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    vertices = _checked(arrays, of_vertices, "float32")
    faces = _checked(arrays, of_faces, "int32")
    if not np.isfinite(vertices).all():
        raise BadResultError(f"{of_vertices} holds numbers that are not finite")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise BadResultError(f"{of_faces} points outside its {len(vertices)} vertices")
    return vertices, faces


def _proper(faces: np.ndarray, name: str) -> np.ndarray:
    """[F] bool: the faces that are triangles; one that is a line leaves no hole."""
    import numpy as np

    proper: np.ndarray = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    if not proper.any():
        raise BadResultError(f"{name} holds only faces that use a vertex twice")
    return proper


def _checked(arrays: Mapping[str, np.ndarray], name: str, dtype: str) -> np.ndarray:
    array = arrays.get(name)
    if array is None:
        raise BadResultError(f"{name} is missing")
    if array.dtype != dtype or array.ndim != 2 or array.shape[1] != 3 or not len(array):
        raise BadResultError(f"{name} is {array.dtype} {array.shape}, expected {dtype} (n, 3) with n > 0")
    return array
