# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering objects of the scene into a folder, by a Blender of its own and without a generator."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import bpy

from ..connection.folder_command import (
    FolderProblem,
    claim,
    command_words,
    estimate_words,
    is_begun,
    read_flags,
    source_in,
    write_flags,
)
from ..connection.folder_render import FolderRenderer, Work
from ..properties import UNRENDER_PG_settings, get_folder_renderer, get_settings
from ..translation import problem_text, translate

PROGRAM = Path(__file__).resolve().parent.parent / "render_dataset.py"
_OF_A_PANEL = ("--json", "--exit-with-parent")


class _FolderOperator:
    """Mix-in: reports a problem, and shows it in the panel as well."""

    work = Work.RENDER

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        run = get_folder_renderer(context).run
        if run is not None and run.is_under_way:
            cls.poll_message_set(translate("Another data set is being rendered"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        folder = Path()
        try:
            folder = Path() if self.work is Work.ESTIMATE else chosen_folder(get_settings(context))
            self.begin(context, get_folder_renderer(context), folder)
        except FolderProblem as error:
            get_folder_renderer(context).refuse(self.work, folder, error.problem)
            self.report({"ERROR"}, problem_text(error.problem))
            return {"CANCELLED"}
        return {"FINISHED"}


class UNRENDER_OT_folder_estimate(_FolderOperator, bpy.types.Operator):
    """Render five of the images into a folder that is removed again, and show how long all of them will take"""

    bl_idname = "unrender.folder_estimate"
    bl_label = "Estimate"

    work = Work.ESTIMATE

    def begin(self, context: bpy.types.Context, renderer: FolderRenderer, _folder: Path) -> None:
        from ..scene.chosen_objects import count_objects, write_copy

        settings = get_settings(context)
        objects = objects_of(context, settings)
        try:
            folder = Path(tempfile.mkdtemp(prefix="unrender-estimate-", dir=bpy.app.tempdir or None))
        except OSError as error:
            raise FolderProblem(
                "no_temporary_folder",
                f"There is no room for an estimate: {error.strerror}.",
                "Make room on the disk, or set Temporary Files in the preferences.",
            ) from None
        try:
            name = write_copy(objects, source_in(folder))
        except FolderProblem:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        images = count_objects(objects) * settings.folder_views
        words = estimate_words(program_words(), source_in(folder), folder, render_flags(settings, name), images)
        renderer.start([*words, *_OF_A_PANEL], Work.ESTIMATE, folder)


class UNRENDER_OT_folder_render(_FolderOperator, bpy.types.Operator):
    """Render the objects from all sides into the folder; the scene stays as it is, and you can go on working"""

    bl_idname = "unrender.folder_render"
    bl_label = "Render"

    def begin(self, context: bpy.types.Context, renderer: FolderRenderer, folder: Path) -> None:
        if is_begun(folder):
            raise FolderProblem(
                "folder_begun",
                f"The folder {folder} holds a data set already.",
                "Press Resume to continue it, or choose another folder.",
            )
        flags = prepare(context, folder)
        renderer.start([*command_words(program_words(), folder, flags), *_OF_A_PANEL], Work.RENDER, folder)


class UNRENDER_OT_folder_resume(_FolderOperator, bpy.types.Operator):
    """Continue the data set in the folder, with the objects and settings that it was begun with"""

    bl_idname = "unrender.folder_resume"
    bl_label = "Resume"

    def begin(self, _context: bpy.types.Context, renderer: FolderRenderer, folder: Path) -> None:
        if not is_begun(folder):
            raise FolderProblem(
                "nothing_begun",
                f"The folder {folder} holds nothing that can be continued.",
                "Press Render, or choose another folder.",
            )
        words = command_words(program_words(), folder, read_flags(folder))
        renderer.start([*words, *_OF_A_PANEL], Work.RENDER, folder)


class UNRENDER_OT_folder_cancel(bpy.types.Operator):
    """Stop rendering; the images that are there stay, and Resume continues"""

    bl_idname = "unrender.folder_cancel"
    bl_label = "Stop Rendering"

    def execute(self, context: bpy.types.Context) -> set[str]:
        get_folder_renderer(context).cancel()
        return {"FINISHED"}


class UNRENDER_OT_folder_dismiss(bpy.types.Operator):
    """Show this no longer; the folder stays as it is"""

    bl_idname = "unrender.folder_dismiss"
    bl_label = "Clear"

    def execute(self, context: bpy.types.Context) -> set[str]:
        get_folder_renderer(context).dismiss()
        return {"FINISHED"}


def chosen_folder(settings: UNRENDER_PG_settings) -> Path:
    """The folder of the panel, as a whole path. Raises FolderProblem."""
    if not settings.folder_path.strip():
        raise FolderProblem("no_folder", "There is no folder for the images yet.", "Choose one under Folder.")
    folder = Path(bpy.path.abspath(settings.folder_path.strip())).expanduser()
    if not folder.is_absolute():
        raise FolderProblem(
            "relative_folder",
            f"The folder {settings.folder_path} lies beside a file that is not saved yet.",
            "Save the file, or choose a folder by its whole path.",
        )
    return Path(os.path.normpath(folder))


def objects_of(context: bpy.types.Context, settings: UNRENDER_PG_settings) -> list[bpy.types.Object]:
    """What the panel is set to render."""
    from ..scene.chosen_objects import chosen_objects

    return chosen_objects(context, settings.folder_source, settings.folder_collection)


def prepare(context: bpy.types.Context, folder: Path) -> list[str]:
    """Put the copy of the objects into the folder; returns the flags of the data set. Raises FolderProblem."""
    from ..scene.chosen_objects import write_copy

    settings = get_settings(context)
    objects = objects_of(context, settings)
    if not objects:
        write_copy(objects, source_in(folder))  # which says so, before there is a folder
    claim(folder)
    flags = render_flags(settings, write_copy(objects, source_in(folder)))
    write_flags(folder, flags)
    return flags


def render_flags(settings: UNRENDER_PG_settings, collection: str) -> list[str]:
    """The panel's settings as the renderer's flags."""
    chosen = settings.folder_passes
    passes = ["rgb", *(name for name in ("mask", "depth", "normal", "index", "flow") if name in chosen)]
    threads = max(1, (os.cpu_count() or 2) - 1)  # the last one is the artist's
    return [
        *("--collection", collection, "--views", str(settings.folder_views), "--size", str(settings.folder_size)),
        *("--samples", str(settings.folder_samples), "--cameras", settings.folder_cameras),
        *("--engine", settings.folder_engine, "--device", settings.folder_device),
        *("--passes", ",".join(passes), "--threads", str(threads)),
    ]


def program_words() -> list[str]:
    """How this very Blender starts the renderer that came with the add-on, up to its flags."""
    if bpy.app.binary_path:
        return [bpy.app.binary_path, "-b", "--factory-startup", "-P", str(PROGRAM), "--"]
    return [sys.executable, str(PROGRAM)]  # Blender as a module


def folder_words(context: bpy.types.Context) -> list[str]:
    """The command that does what Render does, in a terminal. Raises ValueError with a sentence.

    A folder that holds a data set gets the command that continues it, or makes lost images again.
    """
    try:
        folder = chosen_folder(get_settings(context))
        flags = read_flags(folder) if is_begun(folder) else prepare(context, folder)
    except FolderProblem as error:
        raise ValueError(problem_text(error.problem)) from None
    return command_words(program_words(), folder, flags)


CLASSES = (
    UNRENDER_OT_folder_estimate,
    UNRENDER_OT_folder_render,
    UNRENDER_OT_folder_resume,
    UNRENDER_OT_folder_cancel,
    UNRENDER_OT_folder_dismiss,
)
