# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as files for other programs."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import bpy

from .export_formats import Exporter, exporter_named, operator_of
from .materials import texture_of
from .meshes import read_mesh
from .objects import select_only


class ExportProblem(Exception):
    """A file that could not be written; the text says why and what to do."""


def export_objects(
    context: bpy.types.Context, objects: Sequence[bpy.types.Object], folder: Path, file_format: str = "GLB"
) -> list[Path]:
    """Save each object as a file in `folder`, standing at the origin; in GLB, custom properties travel as extras.

    Raises:
        ExportProblem: the folder cannot be made or written to, or this Blender has no exporter for the format.
    """
    exporter = exporter_named(file_format)
    if exporter is None and file_format == "GLB":
        raise ExportProblem("Blender's glTF 2.0 add-on is disabled; enable it in the preferences.")
    if exporter is None:
        raise ExportProblem(f"This Blender cannot write {file_format} files; choose another format.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportProblem(f"The folder {folder} cannot be made ({error.strerror}); choose another one.") from error
    selected = list(context.selected_objects)
    files = [
        _export(context, candidate, folder / f"{file_stem(candidate.name)}{exporter.suffix}", exporter)
        for candidate in objects
    ]
    select_only(context, selected)
    return files


def file_stem(name: str) -> str:
    """A file name without spaces and special characters: `Chair 0007` -> `chair_0007`."""
    return re.sub(r"[^a-z0-9.-]+", "_", name.lower()).strip("_.") or "object"


def _export(context: bpy.types.Context, target: bpy.types.Object, file: Path, exporter: Exporter) -> Path:
    select_only(context, [target])
    before = target.matrix_world.copy()
    lowest = float(read_mesh(target.data)[0][:, 2].min())
    target.location = (0.0, 0.0, -lowest * target.scale.z)
    context.view_layer.update()
    try:
        with _picture_beside(file, texture_of(target) if exporter.picture_beside else None):
            operator_of(exporter)(filepath=str(file), **exporter.arguments)
    except OSError as error:
        raise ExportProblem(f"{file} could not be written: {error.strerror}") from error
    except RuntimeError as error:
        raise ExportProblem(f"{file} could not be written: {error}") from error
    finally:
        target.matrix_world = before
    return file


@contextlib.contextmanager
def _picture_beside(file: Path, picture: bpy.types.Image | None) -> Iterator[None]:
    """Write a packed picture as a file of the same name, by which an exporter calls it that does not write it."""
    if picture is None:
        yield
        return
    beside, before = file.with_suffix(".png"), picture.filepath_raw
    beside.write_bytes(picture.packed_file.data)
    picture.filepath_raw = str(beside)
    try:
        yield
    finally:
        picture.filepath_raw = before
