# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that the artist wants as a data set, and a copy of them in a .blend file; the scene stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import bpy

from ..connection.folder_command import FolderProblem

SELECTED, COLLECTION = "SELECTED", "COLLECTION"
COPY_NAME = "data set"  # of the collection in the copy
_SHAPES = frozenset({"MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT"})
_NOT_SHOWN = frozenset({"LIGHT", "CAMERA", "LIGHT_PROBE", "SPEAKER"})


def chosen_objects(context: bpy.types.Context, source: str, collection: str) -> list[bpy.types.Object]:
    """The selected objects or those of a collection, with all that hangs on them; none that is hidden in renders.

    Lights and cameras stay out: a data set brings its own.
    """
    if source == COLLECTION:
        found = bpy.data.collections.get(collection)
        chosen: Iterable[bpy.types.Object] = found.all_objects if found is not None else ()
    else:
        chosen = [part for top in context.selected_objects for part in (top, *top.children_recursive)]
    wanted = {item.name: item for item in chosen if not item.hide_render and item.type not in _NOT_SHOWN}
    return [wanted[name] for name in sorted(wanted)]


def count_objects(objects: list[bpy.types.Object]) -> int:
    """How many objects of a data set these are: each without a parent among them, together with its children."""
    inside = set(objects)
    tops = set()
    for item in objects:
        if item.type in _SHAPES or (item.type == "EMPTY" and item.instance_collection is not None):
            while item.parent in inside:
                item = item.parent
            tops.add(item)
    return len(tops)


def write_copy(objects: list[bpy.types.Object], path: Path) -> str:
    """Write the objects with all that they use into a .blend file; returns the name of their collection there.

    A collection holds them for the moment of writing, because what they refer to (a cutter of a boolean) comes along
    and is not to be rendered by itself. Raises FolderProblem.
    """
    if not count_objects(objects):
        raise FolderProblem(
            "no_objects",
            "No object that can be rendered is chosen.",
            "Select mesh objects, or choose a collection that has some.",
        )
    for item in objects:
        if item.mode == "EDIT":
            item.update_from_editmode()
    holder = bpy.data.collections.new(COPY_NAME)
    try:
        name = str(holder.name)
        for item in objects:
            holder.objects.link(item)
        bpy.data.libraries.write(str(path), {holder}, path_remap="ABSOLUTE", fake_user=True)
    except (OSError, RuntimeError) as error:
        raise FolderProblem(
            "copy_failed",
            f"The copy of the objects {path} cannot be written: {str(error).strip()}.",
            "Choose another folder, or make room on the disk.",
        ) from None
    finally:
        bpy.data.collections.remove(holder)
    return name
