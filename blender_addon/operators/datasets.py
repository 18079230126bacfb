# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering data sets at the generator, and choosing them to train on."""

from __future__ import annotations

import contextlib

import bpy

from ..connection.datasets import KIND, OBJECTS, DatasetSettings, submit_dataset
from ..connection.training import method_named, usual_preset
from ..naming import free_name
from ..properties import DATASET_SOURCES, dataset_names, get_session, get_settings
from ..translation import problem_text, translate


class UNRENDER_OT_render_dataset(bpy.types.Operator):
    """Render shapes from many sides into a data set at the generator, which a model can be trained on"""

    bl_idname = "unrender.render_dataset"
    bl_label = "Render Data Set"

    source: bpy.props.EnumProperty(name="Shapes", items=DATASET_SOURCES)  # type: ignore[valid-type]
    count: bpy.props.IntProperty(name="Shapes", default=200, min=1, max=100_000)  # type: ignore[valid-type]
    views: bpy.props.IntProperty(name="Views", default=4, min=1, max=1000)  # type: ignore[valid-type]
    size: bpy.props.IntProperty(name="Size", default=64, min=16, max=1024)  # type: ignore[valid-type]
    samples: bpy.props.IntProperty(name="Samples", default=4, min=1, max=1024)  # type: ignore[valid-type]
    seed: bpy.props.IntProperty(name="Seed", default=0, min=0)  # type: ignore[valid-type]
    dataset: bpy.props.StringProperty(name="Name", default="chairs")  # type: ignore[valid-type]
    colours: bpy.props.BoolProperty(name="Colours", options={"SKIP_SAVE"})  # type: ignore[valid-type]

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        server = get_session(context).state.server
        if not get_session(context).online or server is None:
            cls.poll_message_set(translate("Connect first"))
            return False
        if KIND not in server.capabilities:
            cls.poll_message_set(translate("This generator renders no data sets: update it"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.sent_meshes import MeshProblem, selected_meshes

        session = get_session(context)
        try:
            meshes = selected_meshes(context) if self.source == OBJECTS else None
            count = len(meshes) // 2 if meshes is not None else self.count
            wanted = DatasetSettings(
                self.dataset, self.source, count, self.views, self.size, self.samples, self.seed, self.colours
            )
            submit_dataset(session, wanted, meshes)
        except ValueError as error:
            self.report({"ERROR"}, translate(str(error)))
            return {"CANCELLED"}
        except MeshProblem as error:
            self.report({"ERROR"}, problem_text(error.problem))
            return {"CANCELLED"}
        settings = get_settings(context)
        settings.dataset_name = free_name(settings.dataset_name, [*dataset_names(session), self.dataset])
        return {"FINISHED"}


class UNRENDER_OT_use_dataset(bpy.types.Operator):
    """Choose this data set for the next training"""

    bl_idname = "unrender.use_dataset"
    bl_label = "Train on This"

    dataset: bpy.props.StringProperty(options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = get_settings(context)
        settings.train_source = "DATASET"
        settings.train_dataset = self.dataset
        return {"FINISHED"}


class UNRENDER_OT_use_folder(bpy.types.Operator):
    """Choose the images in this folder for the next training"""

    bl_idname = "unrender.use_folder"
    bl_label = "Train on These"

    directory: bpy.props.StringProperty(options={"SKIP_SAVE"}, subtype="DIR_PATH")  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = get_settings(context)
        settings.train_source = "PHOTOS"
        settings.train_folder = self.directory
        session = get_session(context)
        with contextlib.suppress(TypeError):  # a generator that does not have it
            settings.train_preset = usual_preset(session, method_named(session, settings.train_method), "renders")
        return {"FINISHED"}


CLASSES = (UNRENDER_OT_render_dataset, UNRENDER_OT_use_dataset, UNRENDER_OT_use_folder)
