# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a .blend file, or of one of its collections, appended to the scene."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..manifest import DatasetError

_SHAPES = ("MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT", "EMPTY")


class BlendFile:
    """Each object without a parent is one object of the data set, together with what hangs on it."""

    def __init__(self, path: Path, collection: str) -> None:
        """Raises DatasetError for a file that cannot be read and a collection that it does not have."""
        try:
            members = _append(path, collection)
        except OSError as error:
            raise DatasetError(f"{path} cannot be read as a .blend file ({str(error).strip()}).") from None
        for item in members:
            item.hide_render = True
        inside = set(members)
        tops = [item for item in members if item.parent not in inside]
        self._families = {item.name: _family(item, inside) for item in tops}
        self._families = {
            name: family
            for name, family in self._families.items()
            if any(item.type in _SHAPES and (item.type != "EMPTY" or item.instance_collection) for item in family)
        }
        if not self._families:
            place = f"The collection {collection!r} of {path}" if collection else str(path)
            raise DatasetError(f"{place} holds no objects that can be rendered.")

    @property
    def names(self) -> list[str]:
        return sorted(self._families)

    def objects(self, name: str) -> list[bpy.types.Object]:
        return self._families[name]


def _append(path: Path, collection: str) -> list[bpy.types.Object]:
    with bpy.data.libraries.load(str(path), link=False) as (have, want):
        if collection and collection not in have.collections:
            known = ", ".join(sorted(have.collections)) or "none"
            raise DatasetError(f"{path} has no collection {collection!r}; it has {known}.")
        if collection:
            want.collections = [collection]
        else:
            want.objects = list(have.objects)
    if collection:
        bpy.context.scene.collection.children.link(want.collections[0])
        return sorted(want.collections[0].all_objects, key=lambda item: item.name)
    members = [item for item in want.objects if item is not None]
    for item in members:
        bpy.context.scene.collection.objects.link(item)
    return sorted(members, key=lambda item: item.name)


def _family(top: bpy.types.Object, inside: set) -> list[bpy.types.Object]:
    """The object and all below it, the object first."""
    family = [top]
    for item in family:
        family += [child for child in item.children if child in inside]
    return family
