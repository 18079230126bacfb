# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated shapes as Blender objects: named, in their collection, with where they come from written on them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable

import bpy

from ..connection.shapes import Shape
from .arrangement import grid_place, grid_spacing, standing_location
from .materials import clay_material, textured_material
from .meshes import create_mesh, lay_texture
from .provenance import Provenance, generated_objects, write_provenance
from .window import shown_window

COLLECTION_NAME = "Unrender"


def object_name(shape: Shape) -> str:
    """What the artist sees: `chair_0007` of the wire becomes `Chair 0007`, and the second on the way to another seed,
    `plum_0007_0009_01`, becomes `Plum 0007 0009 01`."""
    return f"{class_title(shape)} {_numbers(shape).replace('_', ' ')}"


def class_title(shape: Shape) -> str:
    """The word that shapes of this kind are called by: `chair_0007` -> `Chair`, `egg_cup_0007` -> `Egg cup`."""
    noun = shape.name.removesuffix(f"_{_numbers(shape)}").replace("_", " ").strip()
    return noun[:1].upper() + noun[1:] or "Shape"


def _numbers(shape: Shape) -> str:
    """The seed as its name has it, with what follows."""
    found = re.search(rf"(?<=_){shape.seed:04d}(_\d+)*$", shape.name)
    return found.group() if found else f"{shape.seed:04d}"


def add_shape(
    scene: bpy.types.Scene,
    shape: Shape,
    siblings: Iterable[Shape],
    provenance: Provenance,
    prepared: bpy.types.Mesh | None = None,
) -> bpy.types.Object:
    """Put one shape of a result into the scene, at its place in the grid around the 3D cursor.

    One with a texture has a material and an image of its own, called as the object is.

    Args:
        scene: gets the object, in its collection "Unrender".
        shape: the one to add.
        siblings: all shapes of the result, `shape` included; the grid is laid out for them together.
        provenance: is written into custom properties `unrender_*`.
        prepared: its mesh, if that was made before.
    """
    together = sorted(siblings, key=lambda sibling: sibling.index)
    order = [sibling.index for sibling in together].index(shape.index)
    place = grid_place(order, len(together), grid_spacing([sibling.size[:2] for sibling in together]))
    name = object_name(shape)
    mesh = prepared or create_mesh(name, shape.vertices, shape.faces, shape.topology)
    mesh.name = name
    if shape.texture is None:
        mesh.materials.append(clay_material())
    else:
        lay_texture(mesh, shape.texture.corner_uv)
        mesh.materials.append(textured_material(name, shape.texture))
    added = bpy.data.objects.new(name, mesh)
    added.location = standing_location(shape.vertices, place, tuple(scene.cursor.location))
    write_provenance(added, shape, class_title(shape), provenance)
    own_collection(scene).objects.link(added)
    return added


def own_collection(scene: bpy.types.Scene) -> bpy.types.Collection:
    """The scene's collection "Unrender", made where it is missing."""
    found = next((child for child in scene.collection.children if child.name.startswith(COLLECTION_NAME)), None)
    if found is None:
        found = bpy.data.collections.new(COLLECTION_NAME)
        scene.collection.children.link(found)
    return found


def shapes_in_file() -> dict[bytes, set[int]]:
    """Which shapes of which jobs are objects of the open file, in whatever scene."""
    found: dict[bytes, set[int]] = {}
    for candidate in generated_objects(bpy.data.objects):
        if candidate.users:
            with contextlib.suppress(KeyError, TypeError, ValueError):  # properties can be edited
                key = bytes.fromhex(candidate["unrender_job"])
                found.setdefault(key, set()).add(int(candidate["unrender_index"]))
    return found


def select_only(context: bpy.types.Context, chosen: Iterable[bpy.types.Object]) -> None:
    """Select these objects and no others; the last one becomes the active one.

    Objects that the view layer hides or does not have cannot be selected, and are passed over.
    """
    layer = shown_window(context).view_layer
    for candidate in layer.objects.selected[:]:  # not all objects: a scene may have many thousands
        candidate.select_set(False)
    shown = [candidate for candidate in chosen if _select(candidate)]
    layer.objects.active = shown[-1] if shown else None


def _select(candidate: bpy.types.Object) -> bool:
    try:
        candidate.select_set(True)
    except RuntimeError:  # it is in no collection of the view layer
        return False
    return True
