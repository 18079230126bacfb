# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel is set to, as a line for a terminal: the same work without Blender's window."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import bpy

from ..connection.datasets import COLOURED, KEEP_COLOURS, OBJECTS
from ..connection.training import method_named, read_overrides
from ..properties import UNRENDER_PG_settings, get_session, get_settings
from ..translation import translate
from .folder_datasets import folder_words

if TYPE_CHECKING:
    from ..connection.session import Session

WORK = (
    ("TRAIN", "Training", "The training that the panel is set to"),
    ("DATASET", "Data set", "The data set that the panel is set to"),
    ("FOLDER", "Data set in a folder", "The data set of your objects that the panel is set to"),
)


class UNRENDER_OT_copy_command(bpy.types.Operator):
    """Copy the command line that does the same in a terminal"""

    bl_idname = "unrender.copy_command"
    bl_label = "Copy Command Line"

    work: bpy.props.EnumProperty(name="Work", items=WORK, options={"SKIP_SAVE"})  # type: ignore[valid-type]

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = get_settings(context)
        try:
            if self.work == "FOLDER":
                words = folder_words(context)
            else:
                session = get_session(context)
                words = training_words(session, settings) if self.work == "TRAIN" else dataset_words(settings)
        except ValueError as error:
            self.report({"ERROR"}, translate(str(error)))
            return {"CANCELLED"}
        line = subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
        context.window_manager.clipboard = line
        self.report({"INFO"}, translate("Command copied; paste it into a terminal"))
        return {"FINISHED"}


def training_words(session: Session, settings: UNRENDER_PG_settings) -> list[str]:
    """`unrender train ...` for what the panel is set to. Raises ValueError where the terminal has no such thing."""
    from unrender_protocol.discovery import data_home

    if settings.train_source == "OBJECTS":
        raise ValueError("Only Blender has the selected objects: render them into a data set first")
    photos = settings.train_source == "PHOTOS"
    data = bpy.path.abspath(settings.train_folder) if photos else settings.train_dataset
    if not data:
        raise ValueError("Choose the folder with your photos" if photos else "Choose a data set, or render one first")
    method = method_named(session, settings.train_method)
    words = ["unrender", "train", method.method, "--config", settings.train_preset]
    words += ["--data", data if photos else str(data_home() / "datasets" / data)]
    words += ["--out", str(data_home() / "runs" / settings.train_name)]
    for key, value in method.overrides.items():
        words += ["--set", f"{key}={value}"]
    read_overrides(settings.train_settings)
    for assignment in settings.train_settings.split():
        words += ["--set", assignment]
    return words


def dataset_words(settings: UNRENDER_PG_settings) -> list[str]:
    """`unrender render-dataset ...` for what the panel is set to. Raises ValueError for objects of the scene."""
    from unrender_protocol.discovery import data_home

    if settings.dataset_source == OBJECTS:
        raise ValueError("Only Blender has the selected objects: press Render Data Set")
    return [
        *("unrender", "render-dataset", "--source", settings.dataset_source),
        *("--count", str(settings.dataset_count), "--views", str(settings.dataset_views)),
        *("--size", str(settings.dataset_size)),
        *(("--materials", KEEP_COLOURS) if settings.dataset_colours and settings.dataset_source in COLOURED else ()),
        *("--out", str(data_home() / "datasets" / settings.dataset_name)),
    ]


CLASSES = (UNRENDER_OT_copy_command,)
