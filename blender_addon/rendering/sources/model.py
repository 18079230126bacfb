# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of Blender as one model: brought into the unit-diameter ball under an empty that turns them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import bpy
import numpy as np
from mathutils import Matrix

from .geometry import BadMeshError, is_safe, normalisation

_SHAPES = ("MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT", "VOLUME", "POINTCLOUD", "GPENCIL", "GREASEPENCIL")
# What importing a file may bring along.
_KINDS = (
    "objects", "collections", "meshes", "curves", "cameras", "lights", "armatures", "actions", "materials",
    "node_groups", "textures", "images",
)  # fmt: skip


class Model:
    """Owns the parenting of some objects until `release`.

    root: turns the model; parts: what is rendered; normalise: 4x4, brings the model into the ball.
    """

    def __init__(self, objects: list[bpy.types.Object], hidden: Iterable[bpy.types.Object] = ()) -> None:
        self.parts = [item for item in objects if item.type in _SHAPES]
        for item in objects:
            item.hide_render = item not in self.parts and item.type != "EMPTY"  # lights and cameras that came along
        bpy.context.view_layer.update()
        centre, factor = normalisation(_points(objects))
        if not is_safe(factor):
            _bake(objects, centre, factor)
            centre, factor = np.zeros(3), 1.0
        self.normalise = Matrix.Scale(factor, 4) @ Matrix.Translation((-centre).tolist())
        self._tops = [item for item in objects if item.parent is None or item.parent not in objects]
        self._before = [(item, item.parent, item.matrix_world.copy()) for item in self._tops]
        self.root = bpy.data.objects.new("unrender root", None)
        bpy.context.scene.collection.objects.link(self.root)
        for item, _, matrix in self._before:
            item.parent = self.root
            item.matrix_parent_inverse = Matrix()
            item.matrix_basis = matrix
        for number, item in enumerate(sorted(self.parts, key=lambda part: part.name)):
            item.pass_index = number + 1

    @property
    def has_materials(self) -> bool:
        return any(slot.material is not None for item in self.parts for slot in item.material_slots)

    def use_material(self, material: bpy.types.Material) -> None:
        """Give every part this one material."""
        for item in self.parts:
            for slot in item.material_slots:
                slot.material = material
            if not item.material_slots and hasattr(item.data, "materials"):
                item.data.materials.append(material)

    def show_colours(self) -> None:
        """Give parts without material one that shows the colours of their vertices, where they have any."""
        for item in self.parts:
            colours = getattr(item.data, "color_attributes", None)
            if colours and not item.material_slots:
                item.data.materials.append(_colour_material(colours[0].name))

    def release(self) -> None:
        """Hide the objects and give them their own places back."""
        for item, parent, matrix in self._before:
            item.parent = parent
            item.matrix_world = matrix
        for item in self.parts:
            item.hide_render = True
        bpy.data.objects.remove(self.root)


class ImportedBlocks:
    """Whatever comes into Blender between its making and `close`: thousands of imports must not pile up."""

    def __init__(self) -> None:
        self._before = _blocks()
        self._new: set | None = None

    def close(self) -> None:
        self._new = _blocks() - self._before

    def remove(self) -> None:
        """Remove it, up to now where it was not closed."""
        now = _blocks()
        new = now - self._before if self._new is None else {block for block in now if block in self._new}
        bpy.data.batch_remove(new)


def _blocks() -> set:
    return {block for kind in _KINDS for block in getattr(bpy.data, kind, ())}


def _points(objects: list[bpy.types.Object]) -> np.ndarray:
    """World coordinates, float64 [N, 3], of all vertices that faces use, with modifiers and instances."""
    members = set(objects)
    found = [np.empty((0, 3))]
    for item, matrix in _instances(members):
        try:
            mesh = item.to_mesh()
        except RuntimeError:  # what has no surface of its own, such as an empty
            continue
        if mesh is not None and len(mesh.polygons):
            corners = np.empty(len(mesh.loops), np.int32)
            mesh.loops.foreach_get("vertex_index", corners)
            points = _coordinates(mesh)[np.unique(corners)]
            found.append(points @ matrix[:3, :3].T + matrix[:3, 3])
        item.to_mesh_clear()
    return np.concatenate(found)


def _instances(members: set) -> Iterator[tuple[bpy.types.Object, np.ndarray]]:
    for instance in bpy.context.evaluated_depsgraph_get().object_instances:
        owner = instance.parent if instance.is_instance else instance.object
        if owner.original in members and instance.object.type in _SHAPES and not owner.original.hide_render:
            yield instance.object, np.array(instance.matrix_world, np.float64)


def _coordinates(mesh: bpy.types.Mesh) -> np.ndarray:
    flat = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3).astype(np.float64)


def _bake(objects: list[bpy.types.Object], centre: np.ndarray, factor: float) -> None:
    """Move the vertices themselves into the ball, in double precision."""
    places = {item: np.array(item.matrix_world, np.float64) for item in objects}
    for item in objects:
        if item.type != "MESH":
            raise BadMeshError(f"has a size of {1 / factor:.3g} units, which only meshes can be brought back from")
        matrix = places[item]
        points = (_coordinates(item.data) @ matrix[:3, :3].T + matrix[:3, 3] - centre) * factor
        if item.data.users > 1:
            item.data = item.data.copy()
        item.data.vertices.foreach_set("co", points.astype(np.float32).ravel())
        if np.linalg.det(matrix[:3, :3]) < 0:
            item.data.flip_normals()
        item.data.update()
    for item in objects:
        item.parent = None
        item.matrix_world = Matrix()


def _colour_material(name: str) -> bpy.types.Material:
    material = bpy.data.materials.new("unrender colours")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    nodes = material.node_tree.nodes
    surface = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    colours = nodes.new("ShaderNodeVertexColor")
    colours.layer_name = name
    material.node_tree.links.new(colours.outputs["Color"], surface.inputs["Base Color"])
    return material
