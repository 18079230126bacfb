# SPDX-License-Identifier: Apache-2.0
"""Folders of 3D shapes: which objects there are, which class and split they belong to, and their solids as voxels."""

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import trimesh
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from unrender.data.binvox import read_binvox
from unrender.data.procedural import BALL_RADIUS
from unrender.data.voxelisation import voxelise_grid, voxelise_mesh
from unrender.errors import DataError

Split = Literal["train", "held_out"]
UpAxis = Literal["auto", "y", "z"]

SUFFIXES = (".obj", ".glb", ".gltf", ".ply", ".stl", ".off", ".binvox")
_Y_UP = (".obj", ".glb", ".gltf", ".binvox")  # of ShapeNet too; the rest is Z up, of ModelNet too
_SPLIT_FOLDERS: dict[str, Split] = {"train": "train", "test": "held_out", "val": "held_out", "validation": "held_out"}
_WRAPPERS = ("models", "model")  # folders of ShapeNetCore.v2 between the object's own folder and its file
_FILE_NAMES = ("model_normalized", "model", "mesh", "model_normalized.solid", "model_normalized.surface")
_SYNSETS = {"02808440": "bathtub", "03001627": "chair", "04256520": "sofa", "04379243": "table", "03797390": "mug"}


@dataclass(frozen=True, slots=True)
class ShapeFile:
    """One object. name: unique in its folder; category: its class, in lower case; split: what it is used for."""

    name: str
    category: str
    path: Path
    split: Split


def find_shape_files(folder: Path, held_out: float = 0.0) -> tuple[ShapeFile, ...]:
    """All objects under a folder, in the order of their names.

    Understood: ShapeNet (`SYNSET/MODEL/models/model_normalized.obj`, `.solid.binvox`), ModelNet
    (`CLASS/train/NAME.off`), a folder per class, and files in one folder, whose name is then the class. Where an object
    has several files, the first suffix of SUFFIXES counts. Objects in folders called test, val or validation are held
    out; where there are no such folders, the share `held_out` of them, chosen by their names alone. Raises DataError
    where there are none.
    """
    if not folder.is_dir():
        raise DataError(
            f"There is no folder of shapes {folder}.", "Give a class of procedural shapes, or a folder of shape files."
        )
    found: dict[str, ShapeFile] = {}
    for path in sorted(_files(folder), key=_rank):
        described = _describe(path, folder)
        found.setdefault(described.name, described)
    if not found:
        raise DataError(f"{folder} holds no shapes.", f"Shapes are files that end in {', '.join(SUFFIXES)}.")
    files = tuple(found[name] for name in sorted(found))
    if held_out > 0.0 and all(file.split == "train" for file in files):
        return tuple(
            ShapeFile(file.name, file.category, file.path, "held_out" if _fraction(file.name) < held_out else "train")
            for file in files
        )
    return files


def category_of(files: tuple[ShapeFile, ...]) -> str:
    """The class that all objects belong to; empty where they belong to several."""
    categories = {file.category for file in files}
    return categories.pop() if len(categories) == 1 else ""


def load_solid(path: Path, resolution: int, up: UpAxis = "auto") -> Bool[np.ndarray, "X Y Z"]:
    """The solid of a shape file, Z up, its bounding box around the origin and its farthest point at BALL_RADIUS.

    up: the file's axis; "auto" goes by its format. Raises DataError with the reason, a phrase, where it is no use.
    """
    y_up = up == "y" or (up == "auto" and path.suffix.lower() in _Y_UP)
    if path.suffix.lower() == ".binvox":
        grid = read_binvox(path)
        # (x, y, z) becomes (x, -z, y): a rotation, nothing is mirrored.
        return _solid_of_grid(grid.transpose(0, 2, 1)[:, ::-1] if y_up else grid, resolution)
    vertices, faces = _read_mesh(path)
    if y_up:
        vertices = np.stack([vertices[:, 0], -vertices[:, 2], vertices[:, 1]], axis=1)
    centre, scale = _normalisation(vertices[np.unique(faces)])
    return voxelise_mesh((vertices - centre) * scale, faces, resolution)


def _read_mesh(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    try:
        logging.getLogger("trimesh").setLevel(logging.ERROR)  # it complains of missing textures, which nobody sees here
        mesh: Any = trimesh.load(path, force="mesh", process=False, skip_materials=True)
        vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    except Exception as error:  # its readers raise nearly anything on a broken file, which must not end the run
        raise DataError(f"cannot be read ({error})") from error
    if len(faces) == 0:
        raise DataError("has no faces")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise DataError(f"has faces that name vertex {faces.max()}; it has {len(vertices)} vertices")
    return vertices, faces


def _normalisation(points: Float[np.ndarray, "N 3"]) -> tuple[Float[np.ndarray, "3"], float]:
    """Centre of the bounding box, and the factor that brings the farthest point to BALL_RADIUS from it."""
    if not np.isfinite(points).all():
        raise DataError("has vertices that are not finite")
    centre = 0.5 * (points.min(axis=0) + points.max(axis=0))
    radius = float(np.linalg.norm(points - centre, axis=1).max())
    if radius <= 1e-9 * max(1e-300, float(np.abs(points).max())):
        raise DataError("has no extent: all its vertices lie in one place")
    return centre, BALL_RADIUS / radius


def _solid_of_grid(grid: Bool[np.ndarray, "X Y Z"], resolution: int) -> Bool[np.ndarray, "x y z"]:
    occupied = np.argwhere(grid)
    if len(occupied) == 0:
        raise DataError("has no occupied voxels")
    corners = occupied[:, None] + np.array(np.meshgrid((0, 1), (0, 1), (0, 1))).reshape(3, 8).T
    centre, scale = _normalisation(np.unique(corners.reshape(-1, 3), axis=0).astype(np.float64))
    return voxelise_grid(grid, centre, scale, resolution)


def _files(folder: Path) -> list[Path]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        found += [Path(parent, name) for name in names if not name.startswith(".") and _suffix(Path(name))]
    return found


def _rank(path: Path) -> tuple[int, str]:
    return SUFFIXES.index(_suffix(path)), path.as_posix()


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    return suffix if suffix in SUFFIXES else ""


def _describe(path: Path, root: Path) -> ShapeFile:
    parts = list(path.relative_to(root).with_suffix("").parts)
    if parts[-1].lower() in _FILE_NAMES and len(parts) > 1:
        parts.pop()  # the object is known by its folder
    if len(parts) > 1 and parts[-1].lower() in _WRAPPERS:
        parts.pop()
    splits = [_SPLIT_FOLDERS[part.lower()] for part in parts[:-1] if part.lower() in _SPLIT_FOLDERS]
    folders = [part for part in parts[:-1] if part.lower() not in _SPLIT_FOLDERS]
    category = (folders[0] if folders else root.resolve().name).lower()
    return ShapeFile("/".join(parts), _SYNSETS.get(category, category), path, splits[-1] if splits else "train")


def _fraction(name: str) -> float:
    """A number in [0, 1) that follows from the name alone, so that an object stays in its split when others come."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) / 2**48
