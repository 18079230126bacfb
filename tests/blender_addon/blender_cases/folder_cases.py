# SPDX-License-Identifier: Apache-2.0
"""Cases for data sets in a folder: rendered by a second Blender from the artist's scene, which stays as it is."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import bpy

from tests.blender_addon.blender_cases.addon_cases import error_of, part, poll, settings
from tests.blender_addon.blender_cases.panel_cases import add_box, pictures, shown
from tests.blender_addon.fake_server import wait_until

SECONDS = 120.0
MATERIAL = "red paint"


def renderer() -> Any:
    return bpy.context.window_manager.unrender_folder_renderer


def set_panel(folder: Path | None = None, **others: Any) -> Any:
    """The panel, set to two small images of each selected object."""
    group = settings()
    group.dataset_target = "FOLDER"
    group.folder_path = str(folder) if folder is not None else ""
    group.folder_views, group.folder_size, group.folder_samples = 2, 32, 1
    for name, value in others.items():
        setattr(group, name, value)
    return group


def two_boxes() -> tuple[Any, Any]:
    """Two selected boxes, one of them red; the scene has a third one."""
    wide, small, unchosen = add_box("wide"), add_box("small", 0.5), add_box("unchosen")
    material = bpy.data.materials.new(MATERIAL)
    material.diffuse_color = (1, 0, 0, 1)
    wide.data.materials.append(material)
    unchosen.select_set(False)
    return wide, small


def finished() -> Any:
    """The run, when it has ended."""
    wait_until(lambda: not renderer().run.is_under_way, poll, SECONDS)
    return renderer().run


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def images(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "images").glob("*.png"))}


def scene_facts() -> dict[str, Any]:
    """Everything of the file that rendering must leave alone."""
    kinds = ("objects", "meshes", "materials", "collections", "scenes", "libraries", "images", "cameras", "lights")
    return {
        "path": bpy.data.filepath,
        "dirty": bpy.data.is_dirty,  # always true without a window; the test in a window sees more
        "selected": sorted(item.name for item in bpy.context.selected_objects),
        "active": getattr(bpy.context.view_layer.objects.active, "name", None),
        "blocks": {kind: [(item.name, item.users) for item in getattr(bpy.data, kind)] for kind in kinds},
        "places": {item.name: [tuple(row) for row in item.matrix_world] for item in bpy.data.objects},
        "of": {item.name: [owner.name for owner in item.users_collection] for item in bpy.data.objects},
        "fake": [item.name for item in bpy.data.objects if item.use_fake_user],
    }


def case_objects_are_rendered_and_the_scene_stays_as_it_is(folder: Path) -> None:
    two_boxes()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "mine.blend"))
    out = folder / "renders"
    set_panel(out, folder_passes={"mask", "depth"})
    before = scene_facts()
    bytes_before = (folder / "mine.blend").read_bytes()
    assert bpy.ops.unrender.folder_render() == {"FINISHED"}
    assert renderer().run.is_under_way, "it goes on while the artist works"
    assert not bpy.ops.unrender.folder_render.poll()
    assert scene_facts() == before
    run = finished()
    assert (run.status.value, run.problem, run.done, run.total) == ("DONE", None, 4, 4), run
    assert scene_facts() == before
    assert (folder / "mine.blend").read_bytes() == bytes_before
    assert {record["name"] for record in records(out)} == {"small", "wide"}
    for place in ("images/000003.png", "mask/000003.png", "depth/000003.exr", "contact_sheet.png", "source.blend"):
        assert (out / place).is_file(), place
    wait_until(lambda: pictures().sheet(str(out)), poll)
    text = shown("datasets")
    assert "renders: done" in text
    assert "4 images" in text
    assert "wm.path_open" in text
    assert bpy.ops.unrender.folder_dismiss() == {"FINISHED"}
    assert "renders: done" not in shown("datasets")


def case_the_copied_command_renders_the_same_images(folder: Path) -> None:
    two_boxes()
    out = folder / "renders here"
    set_panel(out)
    words = part("operators.folder_datasets").folder_words(bpy.context)
    assert (out / "source.blend").is_file(), "the command's objects are there, whatever happens to the scene"
    assert bpy.ops.unrender.copy_command(work="FOLDER") == {"FINISHED"}
    ran = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    assert ran.returncode == 0, ran.stderr
    by_command = images(out)
    assert len(by_command) == 4
    again = folder / "again"
    set_panel(again)
    assert bpy.ops.unrender.folder_render() == {"FINISHED"}
    assert finished().status.value == "DONE"
    assert images(again) == by_command
    lost = out / "images" / "000002.png"
    lost.unlink()
    set_panel(out, folder_size=64)
    words = part("operators.folder_datasets").folder_words(bpy.context)
    assert "32" in words, "a data set that is there is continued as it was begun"
    subprocess.run(words, check=True, capture_output=True, timeout=SECONDS, stdin=subprocess.DEVNULL)
    assert images(out) == by_command


def case_an_estimate_leaves_nothing_behind(folder: Path) -> None:
    two_boxes()
    set_panel(None, folder_views=50)
    before = scene_facts()
    assert bpy.ops.unrender.folder_estimate() == {"FINISHED"}
    place = renderer().run.folder
    assert place.is_dir()
    run = finished()
    assert (run.status.value, run.problem, run.total) == ("DONE", None, 100), run
    assert run.per_second > 0
    assert run.estimate_seconds > 99 / run.per_second
    assert run.sheet.shape[0] == run.sheet.shape[1], "one icon, which cuts no image in two"
    assert not place.exists()
    assert scene_facts() == before
    text = shown("datasets")
    assert "100 images take about" in text
    assert "images/s" in text


def case_a_stopped_run_is_continued(folder: Path) -> None:
    two_boxes()
    out = folder / "renders"
    set_panel(out, folder_views=200)
    assert bpy.ops.unrender.folder_render() == {"FINISHED"}
    wait_until(lambda: renderer().run.done >= 5, poll, SECONDS)
    text = shown("datasets")
    assert "of 400" in text
    assert "left" in text
    assert bpy.ops.unrender.folder_cancel() == {"FINISHED"}
    run = finished()
    assert (run.status.value, run.problem) == ("STOPPED", None)
    assert run.done < 400
    bpy.data.objects["wide"].scale = (9, 1, 1)  # the data set is of the objects as they were
    assert "holds a data set already" in error_of(bpy.ops.unrender.folder_render)
    assert "Press Resume" in shown("datasets")
    set_panel(out, folder_views=3)  # what was begun goes on
    assert bpy.ops.unrender.folder_resume() == {"FINISHED"}
    run = finished()
    assert (run.status.value, run.done, run.total) == ("DONE", 400, 400), run
    assert len(records(out)) == len(images(out)) == 400


def case_a_collection_is_rendered_without_what_renders_do_not_show(folder: Path) -> None:
    wide, small = two_boxes()
    group = bpy.data.collections.new("Furniture")
    bpy.context.scene.collection.children.link(group)
    cutter = add_box("cutter", 0.2)
    cutter.hide_render = True
    lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "POINT"))
    for item in (wide, small, cutter, lamp):
        group.objects.link(item)
    small.parent = wide
    modifier = wide.modifiers.new("hole", "BOOLEAN")
    modifier.object = cutter
    bpy.ops.object.select_all(action="DESELECT")
    set_panel(folder / "renders", folder_source="COLLECTION", folder_collection="Furniture")
    assert "1 objects, 2 images" in shown("datasets")
    assert bpy.ops.unrender.folder_render() == {"FINISHED"}
    run = finished()
    assert (run.status.value, run.done) == ("DONE", 2), run
    assert {record["name"] for record in records(folder / "renders")} == {"wide"}, "the small one is a part of it"


def case_every_mistake_has_its_sentence(folder: Path) -> None:
    render, resume = bpy.ops.unrender.folder_render, bpy.ops.unrender.folder_resume
    set_panel(folder / "renders")
    assert "No object that can be rendered" in error_of(render)
    assert not (folder / "renders").exists()
    assert "No object that can be rendered" in error_of(bpy.ops.unrender.folder_estimate)
    assert "Select mesh objects" in shown("datasets")
    two_boxes()
    set_panel(None)
    assert "no folder for the images yet" in error_of(render)
    set_panel().folder_path = "//renders"
    assert "not saved yet" in error_of(render)
    set_panel(folder / "file" / "renders")
    (folder / "file").write_text("no folder")
    assert "cannot be written to" in error_of(render)
    assert "cannot be written to" in error_of(bpy.ops.unrender.copy_command, work="FOLDER")
    (folder / "photos" / "images").mkdir(parents=True)
    set_panel(folder / "photos")
    assert "other images" in error_of(render)
    (folder / "work").mkdir()
    (folder / "work" / "source.blend").write_text("the artist's own")
    set_panel(folder / "work")
    assert "Choose another folder" in error_of(render)
    assert (folder / "work" / "source.blend").read_text() == "the artist's own"
    assert "nothing that can be continued" in error_of(resume)
    set_panel(folder / "renders", folder_engine="workbench", folder_passes={"index"})
    assert render() == {"FINISHED"}
    run = finished()
    assert run.status.value == "FAILED"
    assert "has no pass index" in run.problem.message
    assert "has no pass index" in shown("datasets")
    set_panel(folder / "renders", folder_engine="cycles")
    assert render() == {"FINISHED"}, "nothing was begun, so the folder can be used"
    assert finished().status.value == "DONE"


def case_a_blender_that_dies_is_told(folder: Path) -> None:
    two_boxes()
    set_panel(folder / "renders", folder_views=500)
    assert bpy.ops.unrender.folder_render() == {"FINISHED"}
    wait_until(lambda: renderer().run.done >= 2, poll, SECONDS)
    os.kill(renderer()._process.pid, 9)
    run = finished()
    assert run.status.value == "FAILED"
    assert "has ended" in run.problem.message
    assert "Press Resume" in run.problem.hint
    time.sleep(0.2)
    assert renderer()._process is None
