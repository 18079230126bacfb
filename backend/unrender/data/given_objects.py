# SPDX-License-Identifier: Apache-2.0
"""Meshes that somebody gives to be rendered: checked, turned outward, and scaled into the ball of diameter one."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unrender.atomic_file import write_atomically
from unrender.data.procedural import BALL_RADIUS
from unrender.errors import DataError
from unrender.geometry.meshes import Mesh

MOST_OBJECTS = 100
MOST_FACES = 2_000_000  # triangles of all objects together

_SEND_AGAIN = "Send the job again; if that does not help, add-on and server do not fit together: update the older one."


class BadMeshError(DataError):
    """A mesh that cannot be rendered."""

    tag = "bad_mesh"


class TooManyFacesError(DataError):
    """More triangles than Blender should be asked to hold."""

    tag = "too_many_faces"


def read_objects(arrays: Mapping[str, NDArray]) -> list[Mesh]:
    """The objects of a job's arrays `vertices_{i}` float32 [N, 3] and `faces_{i}` int32 [F, 3], ready to be rendered.

    Raises BadMeshError, which names the object by its number from 1, or TooManyFacesError.
    """
    count = sum(name.startswith("vertices_") for name in arrays)
    if count == 0:
        raise BadMeshError("No objects came with the job.", "Select mesh objects, then start it again.")
    if count > MOST_OBJECTS:
        raise BadMeshError(f"{count} objects came, but at most {MOST_OBJECTS} can be rendered.", "Select fewer.")
    pairs = [(arrays.get(f"vertices_{index}"), arrays.get(f"faces_{index}")) for index in range(count)]
    for index, (vertices, faces) in enumerate(pairs):
        _check_form(index + 1, vertices, faces)
    total = sum(len(faces) for _, faces in pairs if faces is not None)
    if total > MOST_FACES:
        raise TooManyFacesError(
            f"The objects have {total:,} triangles, but at most {MOST_FACES:,} can be rendered.",
            "Simplify them (Decimate modifier), or select fewer.",
        )
    return [
        _ready(index + 1, vertices, faces)
        for index, (vertices, faces) in enumerate(pairs)
        if vertices is not None and faces is not None
    ]


def save_objects(meshes: Sequence[Mesh], path: Path) -> None:
    """Write the objects to a file `.npz` that any numpy reads, Blender's too. Raises DiskFullError."""
    arrays: dict[str, NDArray] = {}
    for index, mesh in enumerate(meshes):
        arrays |= {f"vertices_{index}": mesh.vertices, f"faces_{index}": mesh.faces}
    write_atomically(path, partial(_write, arrays=arrays))


def _check_form(number: int, vertices: NDArray | None, faces: NDArray | None) -> None:
    for name, array, dtype in (("vertices", vertices, np.float32), ("faces", faces, np.int32)):
        if array is None or array.dtype != dtype or array.ndim != 2 or array.shape[1] != 3:
            came = "not at all" if array is None else f"as {array.dtype} {list(array.shape)}"
            raise BadMeshError(
                f"The {name} of object {number} came {came}, but {np.dtype(dtype)} [N, 3] was expected.", _SEND_AGAIN
            )


def _ready(number: int, vertices: NDArray[np.float32], faces: NDArray[np.int32]) -> Mesh:
    """Around the origin, as large as shapes are in training, its faces counter-clockwise seen from outside."""
    if len(faces) == 0:
        raise BadMeshError(f"Object {number} has no faces.", "Leave it out, or give it a surface.")
    if not np.isfinite(vertices).all():
        raise BadMeshError(
            f"Object {number} has vertices at no finite place.", "Clean it up in Blender, or leave it out."
        )
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise BadMeshError(
            f"Object {number} has faces with vertices {faces.min()} to {faces.max()}, but it has {len(vertices)}.",
            _SEND_AGAIN,
        )
    points = vertices.astype(np.float64)
    used = points[np.unique(faces)]
    points -= (used.min(axis=0) + used.max(axis=0)) / 2.0
    radius = float(np.linalg.norm(points[np.unique(faces)], axis=1).max())
    if radius == 0.0:
        raise BadMeshError(f"Object {number} is only a point.", "Leave it out.")
    points *= BALL_RADIUS / radius
    first, second, third = (points[faces[:, corner]] for corner in range(3))
    if np.einsum("ij,ij->", first, np.cross(second, third)) < 0.0:  # six times the signed volume
        faces = faces[:, ::-1]
    return Mesh(points.astype(np.float32), np.ascontiguousarray(faces))


def _write(path: Path, arrays: Mapping[str, NDArray]) -> None:
    with path.open("wb") as file:
        np.savez(file, **dict(arrays))  # type: ignore[arg-type]  # numpy 2.1 has one more keyword
