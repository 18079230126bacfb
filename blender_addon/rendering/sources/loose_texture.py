# SPDX-License-Identifier: GPL-3.0-or-later
"""A texture that lies beside a mesh file which names no materials, as scans and research models often come."""

from __future__ import annotations

from pathlib import Path

import bpy

_PICTURES = (".png", ".jpg", ".jpeg", ".tga", ".bmp", ".tif", ".tiff")
_WORDS = ("texture", "albedo", "diffuse", "basecolor", "base_color", "color")


def find_texture(path: Path) -> Path | None:
    """The one picture in the mesh's folder that is named like a texture of it; None where there is none or several.

    It starts like the mesh's name (`spot_texture.png` for `spot_triangulated.obj`), or is alone in the folder with it.
    """
    pictures = [
        other
        for other in sorted(path.parent.iterdir())
        if other.suffix.lower() in _PICTURES and any(word in other.stem.lower() for word in _WORDS)
    ]
    own = [other for other in pictures if other.stem.split("_")[0].lower() == path.stem.split("_")[0].lower()]
    meshes = [other for other in path.parent.iterdir() if other.suffix.lower() == path.suffix.lower()]
    candidates = own or (pictures if len(meshes) == 1 else [])
    return candidates[0] if len(candidates) == 1 else None


def apply_texture(parts: list[bpy.types.Object], picture: Path) -> None:
    """Colour the parts that have texture coordinates and no material by the picture."""
    bare = [
        item
        for item in parts
        if item.type == "MESH" and not item.material_slots and getattr(item.data, "uv_layers", None)
    ]
    if not bare:
        return
    material = bpy.data.materials.new(f"texture {picture.name}")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    nodes = material.node_tree.nodes
    surface = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    texture = nodes.new("ShaderNodeTexImage")
    texture.image = bpy.data.images.load(str(picture))
    material.node_tree.links.new(texture.outputs["Color"], surface.inputs["Base Color"])
    for item in bare:
        item.data.materials.append(material)
