# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking for shapes, and putting them into the scene when they come."""

from __future__ import annotations

import secrets
from typing import ClassVar

import bpy

from ..connection.generation import GenerateSettings, submit_generate
from ..preferences import get_preferences
from ..properties import LARGEST_SEED, NO_MODEL, chosen_card, get_session, get_settings
from ..translation import problem_text, translate


class UNRENDER_OT_generate(bpy.types.Operator):
    """Generate shapes with the chosen model; they come into the scene as they are done"""

    bl_idname = "unrender.generate"
    bl_label = "Generate"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not get_session(context).online:
            cls.poll_message_set(translate("Connect first"))
            return False
        if get_settings(context).model in ("", NO_MODEL):
            cls.poll_message_set(translate("The generator has no model: train one first"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings, card = get_settings(context), chosen_card(context)
        textured = card is not None and card.textured
        towards = settings.last_seed if textured and settings.leads else None
        wanted = GenerateSettings(
            model=settings.model,
            seed=settings.seed,
            count=settings.count,
            threshold=settings.threshold,
            variety=settings.variety,
            max_faces=get_preferences(context).face_limit,
            smoothing=settings.smoothing,
            resolution=int(settings.resolution),
            textured=textured,
            towards=towards,
        )
        submit_generate(get_session(context), wanted)
        if towards is None and not settings.seed_locked:
            settings.seed = (settings.seed + settings.count) % LARGEST_SEED
        return {"FINISHED"}


class UNRENDER_OT_roll_seed(bpy.types.Operator):
    """Choose a seed by chance"""

    bl_idname = "unrender.roll_seed"
    bl_label = "Roll Seed"

    def execute(self, context: bpy.types.Context) -> set[str]:
        get_settings(context).seed = secrets.randbelow(10_000)
        return {"FINISHED"}


class UNRENDER_OT_import_result(bpy.types.Operator):
    """Put a generated shape into the scene, at its place around the 3D cursor"""

    bl_idname = "unrender.import_result"
    bl_label = "Import Generated Shape"
    bl_options: ClassVar[set[str]] = {"UNDO"}  # one shape, one step

    job: bpy.props.StringProperty(options={"SKIP_SAVE"})  # type: ignore[valid-type]
    index: bpy.props.IntProperty(default=-1, options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.importing import ImportProblem, import_shape

        session = get_session(context)
        try:
            added = import_shape(context, session, self.job, self.index, get_preferences(context).face_limit)
        except ImportProblem as error:
            if bytes.fromhex(self.job) in session.jobs:
                session.refuse_import(bytes.fromhex(self.job), error.problem)
            self.report({"ERROR"}, problem_text(error.problem))
            return {"CANCELLED"}
        self.report({"INFO"}, added.name)
        return {"FINISHED"}


CLASSES = (UNRENDER_OT_generate, UNRENDER_OT_roll_seed, UNRENDER_OT_import_result)
