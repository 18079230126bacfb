# SPDX-License-Identifier: Apache-2.0
"""Rendered data sets whose shapes are known: which object each picture shows, and from where."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from unrender.data.procedural import CLASSES
from unrender.data.procedural.meshes import make_mesh
from unrender.errors import DataError
from unrender.geometry.cameras import Cameras
from unrender.geometry.meshes import Mesh

_PLAN, _MANIFEST = "dataset.json", "manifest.jsonl"


@dataclass(frozen=True, slots=True)
class KnownObjects:
    """Pictures of procedural objects. files: of each picture, relative to the folder, with forward slashes. seeds: of
    its object, which is of `category` at `resolution` voxels per side. cameras: what it was taken with."""

    files: tuple[str, ...]
    seeds: tuple[int, ...]
    cameras: Cameras
    category: str
    resolution: int

    def __len__(self) -> int:
        return len(self.files)

    def mesh(self, index: int) -> Mesh:
        """The object on a picture, in the world that its camera stands in."""
        return Mesh(*make_mesh(self.category, self.seeds[index], self.resolution))

    def chosen(self, indices: list[int]) -> "KnownObjects":
        """Only the pictures with these numbers."""
        return KnownObjects(
            tuple(self.files[index] for index in indices),
            tuple(self.seeds[index] for index in indices),
            self.cameras[torch.tensor(indices, dtype=torch.long)],
            self.category,
            self.resolution,
        )


def knows_objects(folder: Path) -> bool:
    """Whether a folder says that it holds renders of procedural objects."""
    try:
        return _plan(folder).get("source") in CLASSES
    except DataError:
        return False


def read_known_objects(folder: Path) -> KnownObjects:
    """What a data set made by `unrender render-dataset` shows. Raises DataError for any other folder, and for objects
    that were not procedural."""
    plan = _plan(folder)
    category = plan.get("source")
    if category not in CLASSES:
        raise DataError(
            f"The data set {folder} shows objects of {category!r}, whose shapes it does not keep.",
            f"Name one that was rendered with --source {', '.join(CLASSES)}.",
        )
    try:
        lines = (folder / _MANIFEST).read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines if line.strip()]
        angles = torch.tensor([[float(record[name]) for record in records] for name in ("azimuth", "elevation")])
        field_of_view = math.radians(float(plan.get("field_of_view", 0.0)))
        cameras = Cameras(angles[0], angles[1], float(plan["width"]), field_of_view or None)
        files, seeds = (tuple(record[name] for record in records) for name in ("file", "shape_seed"))
        return KnownObjects(files, seeds, cameras, category, int(plan["resolution"]))
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise DataError(f"The records of the data set {folder} are damaged ({error!r}).", "Render it again.") from error


def _plan(folder: Path) -> dict[str, Any]:
    try:
        plan: dict[str, Any] = json.loads((folder / _PLAN).read_text(encoding="utf-8"))["plan"]
    except FileNotFoundError as error:
        raise DataError(
            f"{folder} does not say which objects its pictures show: it has no {_PLAN}.",
            "Name a data set that `unrender render-dataset` made.",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"The record {folder / _PLAN} is damaged ({error!r}).", "Render the data set again.") from error
    return plan
