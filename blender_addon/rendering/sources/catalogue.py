# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of objects of a source, known before any of them is read (no Blender needed)."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from ..manifest import DatasetError

MESH_SUFFIXES = (".obj", ".glb", ".gltf", ".ply", ".stl", ".off", ".binvox")
_Y_UP = (".obj", ".glb", ".gltf", ".binvox")  # the rest is Z up unless told otherwise
_SPLITS = ("train", "test", "val", "validation")
_WRAPPERS = ("models", "model")  # folders of ShapeNetCore.v2 between the object's own folder and its file
_FILE_NAMES = ("model_normalized", "model", "mesh", "model_normalized.solid", "model_normalized.surface")

# The synsets that ShapeNetCore names its folders by.
SHAPENET_CLASSES = {
    "02691156": "airplane", "02747177": "trash bin", "02773838": "bag", "02801938": "basket", "02808440": "bathtub",
    "02818832": "bed", "02828884": "bench", "02843684": "birdhouse", "02871439": "bookshelf", "02876657": "bottle",
    "02880940": "bowl", "02924116": "bus", "02933112": "cabinet", "02942699": "camera", "02946921": "can",
    "02954340": "cap", "02958343": "car", "02992529": "cellphone", "03001627": "chair", "03046257": "clock",
    "03085013": "keyboard", "03207941": "dishwasher", "03211117": "display", "03261776": "earphone",
    "03325088": "faucet", "03337140": "file cabinet", "03467517": "guitar", "03513137": "helmet", "03593526": "jar",
    "03624134": "knife", "03636649": "lamp", "03642806": "laptop", "03691459": "loudspeaker", "03710193": "mailbox",
    "03759954": "microphone", "03761084": "microwave", "03790512": "motorbike", "03797390": "mug", "03928116": "piano",
    "03938244": "pillow", "03948459": "pistol", "03991062": "flowerpot", "04004475": "printer", "04074963": "remote",
    "04090263": "rifle", "04099429": "rocket", "04225987": "skateboard", "04256520": "sofa", "04330267": "stove",
    "04379243": "table", "04401088": "telephone", "04460130": "tower", "04468005": "train", "04530566": "watercraft",
    "04554684": "washer",
}  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One object. name: unique in its source; category: its class; path: its file, empty for procedural shapes."""

    name: str
    category: str
    path: str = ""


def find_meshes(source: Path) -> list[Item]:
    """All mesh files under a folder in the order of their names, or the one file that is named.

    Understood: ShapeNet (`SYNSET/MODEL/models/model_normalized.obj`), ModelNet (`CLASS/train/NAME.off`), a folder per
    class, and all files in one folder, whose name is then the class. Where an object has several files of the same name
    (`a.obj` beside `a.glb`), the first suffix of MESH_SUFFIXES counts. Raises DatasetError where there is none.
    """
    if source.is_file():
        if source.suffix.lower() not in MESH_SUFFIXES:
            raise DatasetError(f"{source} is no mesh file; expected one of {', '.join(MESH_SUFFIXES)}, or a .blend.")
        return [Item(source.stem, source.resolve().parent.name, str(source.resolve()))]
    if not source.is_dir():
        raise DatasetError(f"There is no source {source}: neither a class of procedural shapes nor a file or folder.")
    source = source.resolve()
    items: dict[str, Item] = {}
    for path in sorted(_mesh_files(source), key=lambda path: (path.as_posix(), MESH_SUFFIXES.index(_suffix(path)))):
        item = _describe(path, source)
        known = items.get(item.name)
        if known is None or MESH_SUFFIXES.index(_suffix(path)) < MESH_SUFFIXES.index(_suffix(Path(known.path))):
            items[item.name] = item
    if not items:
        raise DatasetError(f"{source} holds no meshes; expected files that end in {', '.join(MESH_SUFFIXES)}.")
    return [items[name] for name in sorted(items)]


def is_y_up(path: Path, up: str) -> bool:
    """Whether a file's Y axis points up: as told ("y" or "z"), or as its format has it ("auto")."""
    return up == "y" or (up == "auto" and _suffix(path) in _Y_UP)


def digest(items: list[Item]) -> str:
    """Changes when an object is added, removed, renamed or gets a file of another length."""
    facts = [(item.name, Path(item.path).stat().st_size if item.path else 0) for item in items]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _mesh_files(folder: Path) -> list[Path]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__"))]
        found += [Path(parent, name) for name in names if not name.startswith(".") and _suffix(Path(name))]
    return found


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    return suffix if suffix in MESH_SUFFIXES else ""


def _describe(path: Path, root: Path) -> Item:
    parts = list(path.relative_to(root).with_suffix("").parts)
    if parts[-1].lower() in _FILE_NAMES and len(parts) > 1:
        parts.pop()  # the object is known by its folder
    if len(parts) > 1 and parts[-1].lower() in _WRAPPERS:
        parts.pop()
    folders = [part for part in parts[:-1] if part.lower() not in _SPLITS]
    category = folders[0] if folders else root.name
    return Item("/".join(parts), SHAPENET_CLASSES.get(category, category), str(path))
