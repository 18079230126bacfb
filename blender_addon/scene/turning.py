# SPDX-License-Identifier: GPL-3.0-or-later
"""From which side a shape is seen, as the rotation of its object before a viewer who stands in front of it (at -Y).

To turn an object is to walk around it: the mesh, its UV map and its picture stay the very same bytes.
"""

from __future__ import annotations

import math

import bpy
from mathutils import Matrix, Quaternion, Vector

FRONT = Vector((0.0, -1.0, 0.0))


def view_of(target: bpy.types.Object) -> tuple[float, float]:
    """Azimuth about +Z (0 its front, positive its right side) and elevation of the viewer over it, in radians.

    Of an object that was turned by hand too: a roll about the line of sight is no part of the view.
    """
    side = _rotation(target).inverted() @ FRONT
    return math.atan2(side.x, -side.y), math.asin(max(-1.0, min(1.0, side.z)))


def turn_to(target: bpy.types.Object, azimuth: float, elevation: float) -> None:
    """Turn an object about its origin so that it is seen upright from that side; its place and size stay.

    Args:
        target: is turned in the axes of its parent, if it has one.
        azimuth, elevation: radians, as `view_of` gives them.
    """
    rotation = Matrix.Rotation(elevation, 3, "X") @ Matrix.Rotation(-azimuth, 3, "Z")
    if target.rotation_mode == "QUATERNION":
        target.rotation_quaternion = rotation.to_quaternion()
    elif target.rotation_mode == "AXIS_ANGLE":
        axis, angle = rotation.to_quaternion().to_axis_angle()
        target.rotation_axis_angle = (angle, *axis)
    else:
        target.rotation_euler = rotation.to_euler(target.rotation_mode)


def _rotation(target: bpy.types.Object) -> Quaternion:
    if target.rotation_mode == "QUATERNION":
        return target.rotation_quaternion.normalized()
    if target.rotation_mode == "AXIS_ANGLE":
        angle, *axis = target.rotation_axis_angle
        return Quaternion(axis, angle)
    return target.rotation_euler.to_quaternion()
