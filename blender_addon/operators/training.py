# SPDX-License-Identifier: GPL-3.0-or-later
"""Training a model of one's own: from photos, from objects of the scene, or from a data set at the generator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..connection.jobs import UNFINISHED, JobStatus
from ..connection.training import (
    TrainingSettings,
    method_named,
    read_overrides,
    running_training,
    submit_training,
    usual_preset,
)
from ..naming import free_name
from ..properties import (
    FOLDER_SOURCES,
    TRAIN_CAMERAS,
    TRAIN_SOURCES,
    get_session,
    get_settings,
    model_items,
    pictures_of,
    taken_names,
)
from ..translation import problem_text, translate
from .jobs import JobOperator


class UNRENDER_OT_train_start(bpy.types.Operator):
    """Train a new model of one kind of thing; takes minutes to hours, in the background"""

    bl_idname = "unrender.train_start"
    bl_label = "Train"

    source: bpy.props.EnumProperty(name="Learn from", items=TRAIN_SOURCES)  # type: ignore[valid-type]
    directory: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Photos", description="Folder of the photos; folders in it count", subtype="DIR_PATH"
    )
    dataset: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Data set", description="Name of a data set at the generator", options={"SKIP_SAVE"}
    )
    run: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Name", description="What the new model is called: letters, digits, - and _", default="my-model"
    )
    method: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Method", description="How the model learns; the generator's first where empty", options={"SKIP_SAVE"}
    )
    preset: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Preset",
        description="Name of the settings to begin from; those that suit the pictures where empty",
        options={"SKIP_SAVE"},
    )
    objects: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Objects", description="Which objects are learned from", items=FOLDER_SOURCES, options={"SKIP_SAVE"}
    )
    collection: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Collection", description="The collection whose objects are learned from", options={"SKIP_SAVE"}
    )
    images: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Images",
        description="How many images of all objects together are rendered",
        default=2000,
        min=16,
        max=20_000,
        options={"SKIP_SAVE"},
    )
    cameras: bpy.props.EnumProperty(  # type: ignore[valid-type]
        name="Seen", description="Where the camera stands", items=TRAIN_CAMERAS, options={"SKIP_SAVE"}
    )
    settings: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Settings",
        description="For experts: settings of the preset to change, such as total_images=20000 renderer.samples=2",
        options={"SKIP_SAVE"},
    )
    resume: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Continue",
        description="Go on with the run of that name where it stopped, with the photos that it has",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not get_session(context).online:
            cls.poll_message_set(translate("Connect first"))
            return False
        return True

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if self.source != "PHOTOS" or self.directory or self.resume:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from ..scene.sent_meshes import MeshProblem

        try:
            session = get_session(context)
            method = method_named(session, self.method)
            wanted = TrainingSettings(
                self.run,
                self.preset or usual_preset(session, method, pictures_of(self.source)),
                read_overrides(self.settings),
                self._dataset(),
                method,
                self.images,
                self.cameras,
            )
            submit_training(session, wanted, **self._pictures(context))
        except ValueError as error:
            self.report({"ERROR"}, translate(str(error)))
            return {"CANCELLED"}
        except MeshProblem as error:
            self.report({"ERROR"}, problem_text(error.problem))
            return {"CANCELLED"}
        settings = get_settings(context)
        settings.train_name = free_name(settings.train_name, taken_names(get_session(context)))
        return {"FINISHED"}

    def _dataset(self) -> str:
        """The data set to train on; empty for the other sources. Raises ValueError where none is chosen."""
        if self.source != "DATASET" or self.resume:
            return ""
        if not self.dataset:
            raise ValueError("Choose a data set, or render one first")
        return self.dataset

    def _pictures(self, context: bpy.types.Context) -> dict[str, Any]:
        """What travels with the job: a folder or meshes. Raises ValueError or MeshProblem where there are none."""
        if self.resume or self.source == "DATASET":
            return {}
        if self.source == "PHOTOS":
            if not self.directory:
                raise ValueError("Choose the folder with your photos")
            return {"folder": Path(bpy.path.abspath(self.directory))}
        from ..scene.chosen_objects import chosen_objects
        from ..scene.sent_meshes import selected_meshes, sent_meshes

        if self.objects != "COLLECTION":
            return {"meshes": selected_meshes(context)}
        chosen = chosen_objects(context, self.objects, self.collection)
        return {"meshes": sent_meshes(context, [candidate for candidate in chosen if candidate.type == "MESH"])}


class UNRENDER_OT_train_stop(JobOperator, bpy.types.Operator):
    """Stop a training; what it has learned is kept, and Again goes on from there"""

    bl_idname = "unrender.train_stop"
    bl_label = "Stop Training"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if running_training(get_session(context)) is None:
            cls.poll_message_set(translate("Nothing is being trained"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        session = get_session(context)
        newest = running_training(session)
        if not self.job and newest is not None:
            self.job = newest.key
        job = self.find(context, UNFINISHED | {JobStatus.DETACHED})
        if job is None:
            return {"CANCELLED"}
        session.cancel(job.id)
        return {"FINISHED"}


class UNRENDER_OT_use_model(bpy.types.Operator):
    """Generate with this model from now on"""

    bl_idname = "unrender.use_model"
    bl_label = "Use This Model"

    model: bpy.props.StringProperty(options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        if self.model not in [item[0] for item in model_items(get_session(context))]:
            self.report({"ERROR"}, translate("The generator does not have this model"))
            return {"CANCELLED"}
        get_settings(context).model = self.model
        return {"FINISHED"}


CLASSES = (UNRENDER_OT_train_start, UNRENDER_OT_train_stop, UNRENDER_OT_use_model)
