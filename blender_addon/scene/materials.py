# SPDX-License-Identifier: GPL-3.0-or-later
"""The material that generated objects get until the artist gives them another."""

from __future__ import annotations

import bpy

MATERIAL_NAME = "Unrender"
CLAY = (0.60, 0.29, 0.16, 1.0)  # linear


def clay_material() -> bpy.types.Material:
    """The material "Unrender": warm matt clay. Made once; the artist's changes to it are kept."""
    material = bpy.data.materials.get(MATERIAL_NAME)
    if material is not None:
        return material
    material = bpy.data.materials.new(MATERIAL_NAME)
    material.diffuse_color = CLAY  # what Workbench and solid view show
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True  # always on from 5.0
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = CLAY
    shader.inputs["Roughness"].default_value = 0.55
    return material
