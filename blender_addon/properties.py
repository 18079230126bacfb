# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist sets in the panel, and how operators and panels find the session.

All of it hangs on the window manager, never on a scene: nothing here is saved, makes a file dirty, or is undone.
"""

from __future__ import annotations

import bpy

from .connection.session import Session

NO_MODEL = "NONE"
LARGEST_SEED = 2**31 - 1


def _model_items(_self: bpy.types.PropertyGroup, context: bpy.types.Context) -> list[tuple[str, str, str]]:
    return model_items(get_session(context))


class UNRENDER_PG_settings(bpy.types.PropertyGroup):
    model: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Model", description="What is generated", items=_model_items
    )
    seed: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Seed", description="The same seed always gives the same shape", default=1, min=0, max=LARGEST_SEED
    )
    seed_locked: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Keep seed", description="Generate the same shapes again instead of new ones"
    )
    count: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Count", description="How many shapes, with one seed after the other", default=9, min=1, max=64
    )
    variety: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Variety",
        description="Low: all much like the typical shape. High: unusual, sometimes broken ones",
        default=1.0,
        min=0.0,
        max=2.0,
        subtype="FACTOR",
    )
    threshold: bpy.props.FloatProperty(  # type: ignore[valid-type]
        name="Threshold",
        description="Low: fuller shapes. High: thinner ones",
        default=0.5,
        min=0.05,
        max=0.95,
        subtype="FACTOR",
    )


def get_session(context: bpy.types.Context) -> Session:
    """The session of this Blender; there is one as long as the add-on is enabled."""
    return context.window_manager.unrender_session


def get_settings(context: bpy.types.Context) -> UNRENDER_PG_settings:
    """What is set in the panel."""
    return context.window_manager.unrender


def model_items(session: Session) -> list[tuple[str, str, str]]:
    """The models for a drop-down. Blender keeps no copy of the texts, so they are kept with the session."""
    models = session.state.server.models if session.state.server else ()
    wanted = [(model.name, model.name, model.description) for model in models] or [
        (NO_MODEL, "No model", "Connect first")
    ]
    if session.shown_models != wanted:
        session.shown_models = wanted
    return session.shown_models


def attach(session: Session) -> None:
    """Hang session and settings on the window manager."""
    bpy.types.WindowManager.unrender = bpy.props.PointerProperty(type=UNRENDER_PG_settings)
    bpy.types.WindowManager.unrender_session = session


def detach() -> None:
    """Take both away again."""
    del bpy.types.WindowManager.unrender_session
    del bpy.types.WindowManager.unrender


CLASSES = (UNRENDER_PG_settings,)
