# SPDX-License-Identifier: GPL-3.0-or-later
"""Suns and surroundings for objects that keep their materials; white shapes are lit in closed form instead."""

from __future__ import annotations

import math

import bpy
import numpy as np
from mathutils import Matrix, Vector

from .lights import Lighting

_SUN_ANGLE = math.radians(5.0)  # edges of shadows as soft as those of a studio lamp


class RealLights:
    """Suns under one empty, and the world; `turn` keeps those that are fixed to the world in their places."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        self._scene = scene
        self._lighting: Lighting | None = None
        self._frame: bpy.types.Object | None = None
        self._mapping: bpy.types.Node | None = None

    def set(self, lighting: Lighting) -> None:
        """Put these lights into the scene; does nothing when they are there."""
        if lighting == self._lighting:
            return
        self.remove()
        self._frame = bpy.data.objects.new("unrender lights", None)
        self._scene.collection.objects.link(self._frame)
        for direction, intensity in zip(lighting.directions, lighting.intensities, strict=True):
            light = bpy.data.lights.new("unrender sun", "SUN")
            light.energy = math.pi * intensity  # a sun of strength pi lights a facing albedo of 1 to a radiance of 1
            light.angle = _SUN_ANGLE
            item = bpy.data.objects.new("unrender sun", light)
            item.rotation_euler = Vector(direction).to_track_quat("Z", "Y").to_euler()
            item.parent = self._frame
            self._scene.collection.objects.link(item)
        self._mapping = _make_world(self._scene, lighting)
        self._lighting = lighting

    def turn(self, rotation: np.ndarray) -> None:
        """Follow a view; rotation [3, 3] has the camera's right, up and backward axes as rows."""
        lighting = self._lighting
        world = np.eye(3) if lighting.follows_camera else rotation
        self._frame.matrix_world = Matrix(world.tolist()).to_4x4()
        if self._mapping is not None:
            back = Matrix.Rotation(lighting.turn, 3, "Z") @ Matrix(world.T.tolist())
            self._mapping.inputs["Rotation"].default_value = back.to_euler()

    def remove(self) -> None:
        """Take the lights away again."""
        if self._lighting is None:
            return
        for item in [*self._frame.children, self._frame]:
            data = item.data
            bpy.data.objects.remove(item)
            if data is not None:
                bpy.data.lights.remove(data)
        world = self._scene.world
        self._scene.world = None
        bpy.data.worlds.remove(world)
        self._lighting = self._frame = self._mapping = None


def _make_world(scene: bpy.types.Scene, lighting: Lighting) -> bpy.types.Node | None:
    """An even surrounding of the ambient radiance, or the picture; returns the node that turns the picture."""
    world = scene.world = bpy.data.worlds.new("unrender world")
    if bpy.app.version < (5, 0):
        world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()
    background = tree.nodes.new("ShaderNodeBackground")
    output = tree.nodes.new("ShaderNodeOutputWorld")
    tree.links.new(background.outputs[0], output.inputs["Surface"])
    if lighting.environment is None:
        background.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
        background.inputs["Strength"].default_value = lighting.ambient
        return None
    place = tree.nodes.new("ShaderNodeTexCoord")
    mapping = tree.nodes.new("ShaderNodeMapping")
    picture = tree.nodes.new("ShaderNodeTexEnvironment")
    picture.image = bpy.data.images.load(str(lighting.environment), check_existing=True)
    if lighting.environment.suffix.lower() in (".hdr", ".exr"):
        # Said aloud, for newer Blenders believe what a file says of its colours and older ones do not.
        picture.image.colorspace_settings.name = "Linear" if bpy.app.version < (4, 0) else "Linear Rec.709"
    tree.links.new(place.outputs["Generated"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], picture.inputs["Vector"])
    tree.links.new(picture.outputs["Color"], background.inputs["Color"])
    return mapping
