# SPDX-License-Identifier: GPL-3.0-or-later
"""The sliders of the selected shapes that are made of voxels: they show how the first one is meshed.

Moving one meshes all of them anew. Nothing is kept in the properties themselves: what they show is what is written on
the object, or what it is about to become.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import bpy

from .connection.remeshing import MeshSettings
from .scene.provenance import is_textured, selected_shapes, settings_of, source_of

if TYPE_CHECKING:
    from .connection.session import Session

RESOLUTIONS = (
    ("1", "Voxels", "One cell of the mesh per voxel along each axis", 1),
    ("2", "Finer", "Two cells per voxel: four times as many faces, and rounder", 2),
)


def shown_shape(context: bpy.types.Context) -> bpy.types.Object | None:
    """The selected shape that the sliders show."""
    return next(meshed_shapes(context), None)


def meshed_shapes(context: bpy.types.Context) -> Iterator[bpy.types.Object]:
    """The selected shapes that the sliders change, the active one first."""
    return (shape for shape in selected_shapes(context) if not is_textured(shape))


def shown_settings(context: bpy.types.Context) -> MeshSettings:
    """How it is meshed, or about to be."""
    shape = shown_shape(context)
    if shape is None:
        return MeshSettings()
    return _session(context).remeshing.wanted(shape.name) or settings_of(shape)


def _session(context: bpy.types.Context) -> Session:
    return context.window_manager.unrender_session


def _reader(name: str) -> Callable[[Any], Any]:
    return lambda _group: getattr(shown_settings(bpy.context), name)


def _writer(name: str) -> Callable[[Any, Any], None]:
    return lambda _group, value: change_selected(bpy.context, name, value)


def change_selected(context: bpy.types.Context, name: str, value: float) -> None:
    """Want a setting of all selected shapes to be another; those that cannot be changed are named.

    Shapes with a texture are passed over, where there are others.
    """
    from .preferences import get_preferences
    from .scene.remeshing import obstacle

    session = _session(context)
    wanted, refused = [], []
    for shape in tuple(meshed_shapes(context)) or tuple(selected_shapes(context)):
        problem, source = obstacle(shape), source_of(shape)
        if problem is not None or source is None:
            refused.append(problem)
            continue
        before = session.remeshing.wanted(shape.name) or settings_of(shape)
        wanted.append((shape.name, source, replace(before, **{name: value})))
    if wanted:
        session.wish_meshes(name, wanted, get_preferences(context).face_limit)
    if refused and refused[0] is not None:
        session.refuse_meshes(refused[0])


def slider(setting: str, name: str, description: str, low: float, high: float) -> Any:
    """A property that shows and changes one number."""
    return bpy.props.FloatProperty(
        name=name,
        description=description,
        min=low,
        max=high,
        subtype="FACTOR",
        options={"SKIP_SAVE"},
        get=_reader(setting),
        set=_writer(setting),
    )


def resolution_choice(name: str, description: str) -> Any:
    """A property that shows and changes the resolution."""
    return bpy.props.EnumProperty(
        name=name,
        description=description,
        items=RESOLUTIONS,
        options={"SKIP_SAVE"},
        get=_reader("resolution"),
        set=_writer("resolution"),
    )
