# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as files for other programs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import bpy

from .meshes import read_mesh
from .objects import select_only


class ExportProblem(Exception):
    """A file that could not be written; the text says why and what to do."""


def export_objects(context: bpy.types.Context, objects: Sequence[bpy.types.Object], folder: Path) -> list[Path]:
    """Save each object as `folder`/NAME.glb, standing at the origin; custom properties travel as extras.

    Raises:
        ExportProblem: the folder cannot be made or written to, or Blender's glTF add-on is disabled.
    """
    if not hasattr(bpy.ops.export_scene, "gltf"):
        raise ExportProblem("Blender's glTF 2.0 add-on is disabled; enable it in the preferences.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportProblem(f"The folder {folder} cannot be made ({error.strerror}); choose another one.") from error
    selected = list(context.selected_objects)
    files = [_export(context, candidate, folder / f"{file_stem(candidate.name)}.glb") for candidate in objects]
    select_only(context, selected)
    return files


def file_stem(name: str) -> str:
    """A file name without spaces and special characters: `Chair 0007` -> `chair_0007`."""
    return re.sub(r"[^a-z0-9.-]+", "_", name.lower()).strip("_.") or "object"


def _export(context: bpy.types.Context, target: bpy.types.Object, file: Path) -> Path:
    select_only(context, [target])
    before = target.matrix_world.copy()
    lowest = float(read_mesh(target.data)[0][:, 2].min())
    target.location = (0.0, 0.0, -lowest * target.scale.z)
    context.view_layer.update()
    try:
        bpy.ops.export_scene.gltf(
            filepath=str(file), export_format="GLB", use_selection=True, export_yup=True, export_extras=True
        )
    except RuntimeError as error:
        raise ExportProblem(f"{file} could not be written: {error}") from error
    finally:
        target.matrix_world = before
    return file
