# SPDX-License-Identifier: GPL-3.0-or-later
"""Mesh files through Blender's own importers, under the names that each version gives them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from .catalogue import is_y_up
from .double_faces import clean_mesh
from .geometry import BadMeshError
from .loose_texture import apply_texture, find_texture

_Y_UP_TO_Z_UP = Matrix.Rotation(math.pi / 2, 4, "X")


def import_file(path: Path, up: str) -> list[bpy.types.Object]:
    """Bring a file's objects into the scene, Z up, with their materials. Raises BadMeshError."""
    before = set(bpy.data.objects)
    suffix = path.suffix.lower()
    try:
        _IMPORTERS[suffix](path)
    except (RuntimeError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, EOFError) as error:
        for item in set(bpy.data.objects) - before:
            bpy.data.objects.remove(item)
        last = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise BadMeshError(f"cannot be read ({last[0]})") from None
    objects = sorted(set(bpy.data.objects) - before, key=lambda item: item.name)
    for mesh in {item.data for item in objects if item.type == "MESH"}:
        clean_mesh(mesh)
    texture = find_texture(path)
    if texture is not None:
        apply_texture(objects, texture)
    if is_y_up(path, up) != is_y_up(path, "auto"):  # the importers took the format's own convention
        turn = _Y_UP_TO_Z_UP if up == "y" else _Y_UP_TO_Z_UP.inverted()
        for item in objects:
            if item.parent is None:
                item.matrix_world = turn @ item.matrix_world
    return objects


def _obj(path: Path) -> None:
    bpy.ops.wm.obj_import(filepath=str(path), validate_meshes=False)  # which would spoil the normals: see clean_mesh


def _gltf(path: Path) -> None:
    with _numpy_of_its_time():
        bpy.ops.import_scene.gltf(filepath=str(path))


def _ply(path: Path) -> None:
    if _exists("wm", "ply_import"):
        bpy.ops.wm.ply_import(filepath=str(path))
    else:
        bpy.ops.import_mesh.ply(filepath=str(path))


def _stl(path: Path) -> None:
    if _exists("wm", "stl_import"):
        bpy.ops.wm.stl_import(filepath=str(path))
    else:
        bpy.ops.import_mesh.stl(filepath=str(path))


_IMPORTERS = {".obj": _obj, ".glb": _gltf, ".gltf": _gltf, ".ply": _ply, ".stl": _stl}


def _exists(module: str, name: str) -> bool:
    try:
        getattr(getattr(bpy.ops, module), name).get_rna_type()
    except (AttributeError, KeyError):
        return False
    return True


@contextmanager
def _numpy_of_its_time() -> Iterator[None]:
    """Blender 3.4's glTF importer says `numpy.bool`, which numpy 1.24 took away: give it back while it works."""
    missing = not hasattr(np, "bool")
    if missing:
        np.bool = np.bool_
    try:
        yield
    finally:
        if missing:
            del np.bool
