# SPDX-License-Identifier: GPL-3.0-or-later
"""The materials that generated objects get until the artist gives them others."""

from __future__ import annotations

import bpy

from ..connection.textures import Texture
from .images import packed_image

MATERIAL_NAME = "Unrender"
CLAY = (0.60, 0.29, 0.16, 1.0)  # linear
_SPECULAR = ("Specular IOR Level", "Specular")  # from 4.0, and before


def clay_material() -> bpy.types.Material:
    """The material "Unrender": warm matt clay. Made once; the artist's changes to it are kept."""
    material = bpy.data.materials.get(MATERIAL_NAME)
    if material is not None:
        return material
    material = bpy.data.materials.new(MATERIAL_NAME)
    material.diffuse_color = CLAY  # what Workbench and solid view show
    shader = _shader_of(material)
    shader.inputs["Base Color"].default_value = CLAY
    shader.inputs["Roughness"].default_value = 0.55
    return material


def textured_material(name: str, texture: Texture) -> bpy.types.Material:
    """A material of its own for one shape, with its picture as an image of that name in the .blend file.

    The picture is what light reached the camera in the photos, so light and highlights are painted in. It is the base
    colour, so that the object stands in the light and shadow of its scene as others do; without any gloss, which would
    put a second highlight beside the painted one.
    """
    material = bpy.data.materials.new(name)
    material.diffuse_color = (*texture.mean_colour, 1.0)
    shader = _shader_of(material)
    shader.inputs["Roughness"].default_value = 1.0
    specular = next(shader.inputs[known] for known in _SPECULAR if known in shader.inputs)
    specular.default_value = 0.0
    nodes = material.node_tree.nodes
    picture = nodes.new("ShaderNodeTexImage")
    picture.image = packed_image(name, texture.png)
    picture.extension = "EXTEND"  # the border of the square is no edge of a pattern that goes on
    picture.location = shader.location.x - 1.5 * picture.width, shader.location.y
    material.node_tree.links.new(picture.outputs["Color"], shader.inputs["Base Color"])
    nodes.active = picture  # what solid view shows as texture
    return material


def texture_of(target: bpy.types.Object) -> bpy.types.Image | None:
    """The packed picture on an object, if it has one: the first that a material of its makes use of."""
    for slot in target.material_slots:
        tree = slot.material.node_tree if slot.material is not None else None
        for node in tree.nodes if tree is not None else ():
            if node.type == "TEX_IMAGE" and node.image is not None and node.image.packed_file is not None:
                return node.image
    return None


def _shader_of(material: bpy.types.Material) -> bpy.types.Node:
    """The Principled BSDF that every new material has."""
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True  # always on from 5.0
    return next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
