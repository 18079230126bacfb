# SPDX-License-Identifier: GPL-3.0-or-later
"""The sliders that turn the selected shapes that came with a texture.

They hang on the scene, unlike all else that the panel sets: what they change is in the file, so that Blender makes a
drag an undo step. Nothing is kept in them: they show how the object stands, also after it was turned by hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import bpy

from .scene.provenance import is_textured, selected_shapes
from .scene.turning import turn_to, view_of

STEEPEST_RADIANS = math.radians(89.0)  # straight from above there is no azimuth


def turned_shapes(context: bpy.types.Context) -> Iterator[bpy.types.Object]:
    """The selected shapes that the sliders turn, the one that they show first."""
    return (shape for shape in selected_shapes(context) if is_textured(shape) and shape.library is None)


def _shown(axis: int) -> float:
    shape = next(turned_shapes(bpy.context), None)
    return 0.0 if shape is None else view_of(shape)[axis]


def _turn(axis: int, angle: float) -> None:
    for shape in turned_shapes(bpy.context):
        view = list(view_of(shape))
        view[axis] = angle
        turn_to(shape, *view)


def _angle(axis: int, name: str, description: str, most: float) -> Any:
    return bpy.props.FloatProperty(
        name=name,
        description=description,
        min=-most,
        max=most,
        subtype="ANGLE",
        options={"SKIP_SAVE"},
        get=lambda _scene: _shown(axis),
        set=lambda _scene, value: _turn(axis, value),
    )


def attach() -> None:
    """Hang the sliders on the scene."""
    bpy.types.Scene.unrender_azimuth = _angle(
        0, name="Azimuth", description="Which side of the selected shapes is in front", most=math.pi
    )
    bpy.types.Scene.unrender_elevation = _angle(
        1, name="Elevation", description="How far the selected shapes are seen from above", most=STEEPEST_RADIANS
    )


def detach() -> None:
    """Take them away again."""
    del bpy.types.Scene.unrender_elevation
    del bpy.types.Scene.unrender_azimuth
