# SPDX-License-Identifier: Apache-2.0
"""Cases for the side panel: what it shows in every state, its pictures, and the operators of training and data sets."""

from __future__ import annotations

import dataclasses
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from tests.blender_addon.blender_cases.addon_cases import (
    error_of,
    generate,
    ours,
    part,
    poll,
    served,
    session,
    settings,
    some_photos,
    train,
)
from tests.blender_addon.blender_cases.fake_layout import draw
from tests.blender_addon.fake_server import wait_until
from unrender_protocol import messages

PANELS = ("status", "generate", "train", "datasets", "jobs")


def pictures() -> Any:
    return bpy.context.window_manager.unrender_pictures


def shown(panel: str) -> str:
    """All that the panels of one file show now."""
    return " ".join(draw(cls) for cls in part(f"panels.{panel}").CLASSES)


def add_box(name: str, size: float = 1.0) -> Any:
    """A selected cube of 12 triangles."""
    corners = [(x * size, y * size, z * size) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], faces)
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.view_layer.update()
    thing.select_set(True)
    return thing


def case_every_panel_draws_in_every_state_of_the_connection() -> None:
    states, problems = part("connection.states"), part("connection.problems")
    before = session().state
    now = time.monotonic()
    known = [value for value in vars(problems).values() if isinstance(value, problems.Problem)]
    assert len(known) > 10
    server = states.Server("1.0", 1, "Device", (states.ModelCard("chairs", "Chairs", "abc"),), free_memory=3 * 2**30)
    try:
        for status in states.Status:
            for problem in (None, *known):
                session().state = dataclasses.replace(
                    before, status=status, since=now, retry_at=now + 3, problem=problem, server=server
                )
                for panel in PANELS:
                    assert shown(panel)
                text = shown("status")
                assert (problem is None) or problem.message in text
                assert ("unrender.disconnect" in text) == (status is not states.Status.OFFLINE)
                assert ("3.0 GB free" in text) == (status in states.ONLINE)
                assert "unrender.open_preferences" in text
    finally:
        session().state = before


def case_every_next_step_has_its_button() -> None:
    layout, problems = part("panels.layout"), part("connection.problems")
    fake = import_module("tests.blender_addon.blender_cases.fake_layout")
    for action in problems.NextStep:
        drawn: list[str] = []
        problem = problems.Problem("tag", "It failed.", "Do this.", action, "a command")
        layout.draw_problem(fake.CheckedLayout(drawn), bpy.context, problem, "00" * 16)
        buttons = [line for line in drawn if line.startswith("unrender.")]
        expected = [] if action is problems.NextStep.NONE else [layout._BUTTONS[action][0]]
        assert [line.split()[0] for line in buttons] == list(
            dict.fromkeys([*expected, "unrender.copy_install_command"])
        )


def case_every_state_of_a_job_has_its_word_and_buttons() -> None:
    jobs, problems = part("connection.jobs"), part("connection.problems")
    cancel, again, remove = "unrender.job_cancel", "unrender.job_retry", "unrender.job_remove"
    expected = {
        "READING": {cancel},
        "QUEUED": {cancel},
        "RUNNING": {cancel},
        "CANCELLING": set(),
        "CANCELLED": {again, remove},
        "DONE": {"unrender.job_open", again, remove},
        "IMPORTED": {again, remove},
        "FAILED": {again, remove},
        "DETACHED": {cancel},
    }
    assert set(expected) == {status.name for status in jobs.JobStatus}
    before = dict(session().jobs)
    try:
        for kind in ("generate", "train", "render_dataset"):
            for status in jobs.JobStatus:
                problem = problems.FORGOTTEN if status.name == "FAILED" else None
                job = jobs.Job(b"j" * 16, kind, "A job", {"name": "plums"}, status, problem=problem)
                session().jobs = {job.id: dataclasses.replace(job, total=4, done=1, eta_seconds=70.0)}
                text = shown("jobs")
                for button in (cancel, again, remove, "unrender.job_open"):
                    assert (button in text) == (button in expected[status.name]), (kind, status, button)
                assert ("25%" in text and "1:10 left" in text) == (status in jobs.UNFINISHED)
                assert ("no longer knows" in text) == (problem is not None)
                assert shown("train")
                assert shown("datasets")
    finally:
        session().jobs = before


def case_of_many_jobs_the_newest_are_shown() -> None:
    jobs = part("connection.jobs")
    before = dict(session().jobs)
    try:
        many = [jobs.Job(bytes([index]) * 16, "generate", f"Job number {index};") for index in range(20)]
        session().jobs = {job.id: job for job in many}
        text = shown("jobs")
        assert "Job number 19;" in text
        assert "Job number 11;" not in text
        assert "and 12 older ones" in text
    finally:
        session().jobs = before


def case_the_chosen_model_is_a_card_with_its_picture() -> None:
    with served():
        wait_until(lambda: bool(pictures().model("abc")), poll)
        (icon,) = pictures().model("abc")
        assert f"{icon} " in shown("generate")
        drawn = pictures()._collection["model abc 0"]
        assert tuple(drawn.image_size) == (8, 8)


def case_a_training_shows_sheet_curve_time_and_buttons_and_can_be_paused(folder: Path) -> None:
    photos = some_photos(folder)
    assert "unrender.train_start" in shown("train")
    with served() as server:
        server.behaviour.hold.clear()
        settings().train_folder = str(photos)
        assert settings().train_name == "photos"
        job = train(photos, run="plums")
        wait_until(lambda: bool(pictures().sheet(job().key)) and pictures().curve(job().key)[1] is not None, poll)
        (icon, *_) = pictures().sheet(job().key)
        text = shown("train")
        for part_of_it in (
            f"template_icon {icon}"[14:],
            "plums: running",
            "75%",
            "1:30 left",
            "Best 0.1",
            "3.0k images",
            "There are few photos.",
        ):
            assert part_of_it in text
        assert "unrender.job_pause" in text
        assert "unrender.job_cancel" in text
        assert "unrender.train_start" not in text, "one at a time"
        assert bpy.ops.unrender.job_pause(job=job().key) == {"FINISHED"}
        wait_until(lambda: job().paused, poll)
        text = shown("train")
        assert "plums: paused" in text
        assert "Resume" in text
        assert "unrender.train_start" in text
        assert pictures().sheet(job().key), "the last sheet stays"
        key = job().key
        assert bpy.ops.unrender.job_remove(job=key) == {"FINISHED"}
        wait_until(lambda: not pictures().sheet(key), poll)


def case_an_updated_picture_keeps_its_icon_and_is_freed_with_the_add_on() -> None:
    key = b"k" * 16
    shades = []
    try:
        for shade in (10, 200):
            session().previews[key] = np.full((6, 8, 3), shade, np.uint8)
            session().revision += 1
            while pictures().refresh(session()):
                pass
            (icon,) = pictures().sheet(key.hex())
            preview = pictures()._collection[f"sheet {key.hex()} 0"]
            assert preview.icon_id == icon
            pixels = np.empty(6 * 8 * 4, np.float32)
            preview.image_pixels_float.foreach_get(pixels)
            shades.append((icon, round(float(pixels[0]) * 255)))
        assert shades == [(shades[0][0], 10), (shades[0][0], 200)]
    finally:
        session().previews.pop(key, None)
    pictures().close()
    assert pictures()._collection is None
    assert pictures().sheet(key.hex()) == ()


def case_pictures_are_turned_split_and_reduced() -> None:
    icon_pixels = part("pictures").icon_pixels
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[0, 0] = (1, 2, 3)
    (turned,) = icon_pixels(picture)
    assert turned[3, 0].tolist() == [1, 2, 3, 255], "Blender's rows begin at the bottom"
    assert icon_pixels(np.full((2, 2, 4), 7, np.uint8))[0][0, 0].tolist() == [7, 7, 7, 7]
    left, right = icon_pixels(np.concatenate([np.zeros((8, 8, 3)), np.ones((8, 8, 3))], axis=1).astype(np.uint8))
    assert (left[..., 0].max(), right[..., 0].min()) == (0, 1)
    (large,) = icon_pixels(np.tile(np.array([[0, 100], [100, 200]], np.uint8)[..., None], (700, 700, 3)))
    assert large.shape == (466, 466, 4)
    (even,) = icon_pixels(np.tile(np.array([[0, 100], [100, 200]], np.uint8)[..., None], (500, 500, 3)))
    assert even.shape == (500, 500, 4)
    assert set(even[..., 0].ravel()) == {100}, "squares of pixels are averaged"


def case_a_sheet_of_nine_columns_and_six_rows_is_one_picture_with_no_tile_cut() -> None:
    (whole,) = part("pictures").icon_pixels(np.zeros((342, 512, 3), np.uint8))
    assert whole.shape == (342, 512, 4)


def case_a_curve_falls_from_left_to_right() -> None:
    module = part("score_curve")
    scores = np.array([[0, 0.4], [500, 0.2], [1000, 0.1], [1500, np.nan]], np.float32)
    picture, curve = module.draw_curve(scores)
    assert (round(curve.newest, 3), round(curve.best, 3), round(curve.top, 3), curve.images) == (0.1, 0.1, 0.4, 1000)
    inked = (picture == module._INKS[0]).all(axis=2)
    rows = [float(np.nonzero(inked[:, column])[0].mean()) for column in (8, module.SIDE // 2, module.SIDE - 9)]
    assert rows == sorted(rows)
    assert rows[0] < 0.1 * module.SIDE
    assert 0.6 * module.SIDE < rows[2] < 0.9 * module.SIDE
    assert module.draw_curve(np.full((1, 2), np.nan, np.float32))[1].images == 0


def case_two_lines_share_an_axis_that_reaches_below_0_where_they_do() -> None:
    module = part("score_curve")
    first = np.array([[0, 1.0], [100, -1.0]], np.float32)
    second = np.array([[0, 0.0], [200, 3.0]], np.float32)
    picture, curve = module.draw_curve(first, second)
    assert (curve.foot, curve.top, curve.images, curve.ends) == (-1.0, 3.0, 200, (-1.0, 3.0))
    ends = []
    for ink in module._INKS:
        rows, columns = np.nonzero((picture == ink).all(axis=2))
        ends.append((columns.max() / module.SIDE, rows[columns == columns.max()].mean() / module.SIDE))
    assert 0.45 < ends[0][0] < 0.55, "the first line ends in the middle,"
    assert ends[0][1] > 0.9, "at the foot"
    assert ends[1][0] > 0.9
    assert ends[1][1] < 0.1


def case_curves_of_a_training_are_chosen_from(folder: Path) -> None:
    photos = some_photos(folder)
    with served() as server:
        server.behaviour.hold.clear()
        job = train(photos, run="plums")
        losses = part("connection.curves").LOSSES
        wait_until(lambda: pictures().curve(job().key, losses)[1] is not None, poll)
        wait_until(lambda: pictures().curve(job().key)[1] is not None, poll)
        assert "train_curve" in shown("train")
        settings().train_curve = "LOSSES"
        text = shown("train")
        assert "Generator 0.12" in text
        assert "Discriminator 0.24" in text
        assert "Axis 0 - 0.6" in text
        settings().train_curve = "FID"
        assert "has not measured that" in shown("train").replace(" NONE", "")
        settings().train_curve = "KID"
        assert "Best 0.1" in shown("train")
        assert sorted(session().curves[job().id]) == ["LOSSES"], "what is no line is not drawn"
        assert bpy.ops.unrender.job_cancel(job=job().key) == {"FINISHED"}
        wait_until(lambda: job().status.value == "CANCELLED", poll)
        key = job().key
        assert bpy.ops.unrender.job_remove(job=key) == {"FINISHED"}
        wait_until(lambda: not pictures().curve(key, losses)[0], poll)


def case_methods_and_presets_are_those_that_the_server_tells(folder: Path) -> None:
    photos = some_photos(folder)
    properties = part("properties")

    def items(name: str) -> list[str]:
        kinds = {"train_preset": properties._preset_items, "train_method": properties._method_items}
        return [item[0] for item in kinds[name](settings(), bpy.context)]

    assert items("train_preset") == ["iggan-photos-32", "iggan-32"], "what an older generator has"
    assert items("train_method") == ["iggan"]
    with served() as server:
        assert items("train_method") == ["iggan", "visual_hull", "textured_mesh"]
        assert items("train_preset") == ["iggan-photos-32", "iggan-16", "iggan-32", "newest-64"]
        assert settings().train_preset == "iggan-photos-32"
        assert "For photos" in shown("train")
        settings().train_preset = "newest-64"
        assert "Made after this add-on" in shown("train")
        settings().train_source = "DATASET"
        assert settings().train_preset == "iggan-32", "what suits pictures of another kind"
        assert items("train_preset")[:2] == ["iggan-32", "iggan-16"]
        settings().train_source = "PHOTOS"
        settings().train_method, settings().train_preset = "visual_hull", "newest-64"
        settings().train_folder, settings().train_name = str(photos), "plums"
        text = shown("train")
        assert "Outlines only" in text
        words = part("operators.commands").training_words(session(), settings())
        assert words[:5] == ["unrender", "train", "voxel_gan", "--config", "newest-64"]
        assert words[-2:] == ["--set", "route=visual_hull"]
        train = part("panels.train")
        button = type("Button", (), {})()
        train.fill_training(button, settings())
        assert bpy.ops.unrender.train_start(**vars(button)) == {"FINISHED"}
        (job,) = session().jobs
        wait_until(lambda: job in server.parameters, poll)
        sent = server.parameters[job]
        assert (sent["method"], sent["config"]) == ("voxel_gan", "newest-64")
        assert sent["overrides"] == {"route": "visual_hull"}
        assert "images" not in sent, "which is for objects"
        wait_until(lambda: session().jobs[job].status.value == "IMPORTED", poll)


def case_the_textured_method_has_its_presets_and_says_what_it_needs(folder: Path) -> None:
    photos = some_photos(folder)
    with served() as server:
        settings().train_folder, settings().train_name = str(photos), "plums"
        settings().train_preset = "newest-64"
        settings().train_method = "textured_mesh"
        assert settings().train_preset == "textured-photos-64", "not the preset of another method"
        names = [item[0] for item in part("properties")._preset_items(settings(), bpy.context)]
        assert names == ["textured-photos-64", "textured-16", "textured-mushrooms-64"]
        text = " ".join(shown("train").replace(" INFO", "").split())
        assert "Shapes with their colours" in text
        assert "no masks, and backgrounds may differ" in text
        settings().train_source = "OBJECTS"
        assert settings().train_preset == "textured-mushrooms-64"
        assert "without their materials" in " ".join(shown("train").replace(" INFO", "").split())
        settings().train_source = "DATASET"
        assert "rendered with colours" in " ".join(shown("train").replace(" INFO", "").split())
        settings().train_source = "PHOTOS"
        words = part("operators.commands").training_words(session(), settings())
        assert words[:5] == ["unrender", "train", "textured_mesh_gan", "--config", "textured-photos-64"]
        job = train(photos, run="plums", method="textured_mesh")
        wait_until(lambda: job().id in server.parameters, poll)
        wait_until(lambda: bool(pictures().sheet(job().key)), poll)
        assert "then five other sides" in " ".join(shown("train").replace(" NONE", "").split())
        sent = server.parameters[job().id]
        assert (sent["method"], sent["config"]) == ("textured_mesh_gan", "textured-photos-64")
        assert (sent["overrides"], "images" in sent) == ({}, False)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
        assert bpy.ops.unrender.use_folder(directory=str(folder)) == {"FINISHED"}
        assert settings().train_preset == "textured-mushrooms-64", "its images have transparency"
        settings().train_method = "iggan"
        assert settings().train_preset == "iggan-photos-32"


def case_a_collection_is_rendered_and_learned_from_in_one_go() -> None:
    shown_box, other = add_box("box"), add_box("other")
    group = bpy.data.collections.new("stools")
    bpy.context.scene.collection.children.link(group)
    group.objects.link(shown_box)
    other.select_set(True)
    with served() as server:
        settings().train_source = "OBJECTS"
        settings().train_objects = "COLLECTION"
        assert "train_collection" in shown("train")
        button = {"source": "OBJECTS", "objects": "COLLECTION", "run": "boxes", "images": 300, "cameras": "above"}
        assert "No mesh" in error_of(bpy.ops.unrender.train_start, **button, collection="unheard-of")
        assert bpy.ops.unrender.train_start(**button, collection="stools") == {"FINISHED"}
        (job,) = session().jobs
        wait_until(lambda: job in server.uploads, poll)
        assert sorted(server.uploads[job]) == ["faces_0", "vertices_0"]
        sent = server.parameters[job]
        assert (sent["images"], sent["cameras"], sent["config"]) == (300, "above", "iggan-32")
        assert sent["resume"] is False
        wait_until(lambda: session().jobs[job].status.value == "IMPORTED", poll)
        wait_until(lambda: "boxes" in [card.name for card in session().state.server.models], poll)
        assert bpy.ops.unrender.use_model(model="boxes") == {"FINISHED"}
        assert settings().model == "boxes", "the Generate panel has the run"


def case_images_in_a_folder_are_trained_on_by_one_button(folder: Path) -> None:
    with served():
        assert bpy.ops.unrender.use_folder(directory=str(folder / "my stools")) == {"FINISHED"}
        assert (settings().train_source, settings().train_folder) == ("PHOTOS", str(folder / "my stools"))
        assert settings().train_preset == "iggan-32"
        assert settings().train_name == "my-stools"


def case_what_a_training_failed_on_is_shown_whole(folder: Path) -> None:
    photos = some_photos(folder)
    message = (
        "The folder holds 7 pictures, and at least 16 are needed: " + "with so few the model only repeats them, " * 6
    )
    with served() as server:
        server.behaviour.fail_with = messages.JobFailed(
            bytes(16), "bad_data", message + "as a test has shown.", "Add 9."
        )
        job = train(photos, run="plums")
        wait_until(lambda: job().status.value == "FAILED", poll)
        for panel in ("train", "jobs"):
            text = " ".join(shown(panel).split())
            assert message.strip() in text
            assert "as a test has shown." in text
            assert "Add 9." in text


def case_a_data_set_is_rendered_shown_and_chosen_for_training() -> None:
    assert not bpy.ops.unrender.render_dataset.poll()
    with served() as server:
        settings().dataset_source = "couch"
        assert settings().dataset_name == "couches"
        button: dict[str, Any] = {"source": "couch", "count": 2, "views": 2, "size": 32, "dataset": "couches"}
        assert bpy.ops.unrender.render_dataset(**button) == {"FINISHED"}
        (job,) = session().jobs
        wait_until(lambda: session().jobs[job].result.get("dataset") == "couches", poll)
        sent = server.parameters[job]
        assert sent["name"] == "couches"
        assert {key: sent[key] for key in ("source", "count", "views", "size")} == {
            key: button[key] for key in ("source", "count", "views", "size")
        }
        wait_until(lambda: bool(pictures().sheet(job.hex())), poll)
        assert "unrender.use_dataset" in shown("datasets")
        assert settings().dataset_name == "couches-2", "the next one is another one"
        assert bpy.ops.unrender.use_dataset(dataset="couches") == {"FINISHED"}
        assert (settings().train_source, settings().train_dataset) == ("DATASET", "couches")
        assert settings().train_name == "couches"
        properties = part("properties")
        assert properties.dataset_names(session()) == ["couches", "stools"]
        assert bpy.ops.unrender.train_start(source="DATASET", dataset="couches", run="sofas") == {"FINISHED"}
        (*_, training) = session().jobs
        wait_until(lambda: training in server.parameters, poll)
        assert server.parameters[training]["dataset"] == "couches"
        assert server.parameters[training]["config"] == "iggan-32"
        assert server.parameters[training]["resume"] is False
        wait_until(lambda: session().jobs[training].status.value == "IMPORTED", poll)


def case_classes_with_colours_are_rendered_in_them_where_that_is_wanted() -> None:
    with served() as server:
        settings().dataset_source = "couch"
        assert "dataset_colours" not in shown("datasets")
        settings().dataset_source = "mushroom"
        assert "dataset_colours" in shown("datasets")
        commands = part("operators.commands")
        assert "--materials" not in commands.dataset_words(settings())
        settings().dataset_colours = True
        words = commands.dataset_words(settings())
        assert words[words.index("--materials") + 1] == "keep"
        for source, wanted, sent in (("mushroom", True, "keep"), ("mushroom", False, None), ("couch", True, None)):
            button = {"source": source, "dataset": f"{source}-{wanted}".lower(), "colours": wanted}
            assert bpy.ops.unrender.render_dataset(**button) == {"FINISHED"}
            (*_, job) = session().jobs
            wait_until(lambda job=job: job in server.parameters, poll)
            assert server.parameters[job].get("materials") == sent
            assert "colours" not in server.parameters[job]
            wait_until(lambda job=job: session().jobs[job].status.value == "IMPORTED", poll)


def case_selected_objects_are_sent_as_their_modifiers_make_them_in_world_axes() -> None:
    moved, mirrored = add_box("moved"), add_box("mirrored")
    moved.location = (5.0, 0.0, 0.0)
    moved.modifiers.new("more", "SUBSURF").subdivision_type = "SIMPLE"
    mirrored.scale = (-1.0, 1.0, 1.0)
    bpy.context.view_layer.update()
    with served() as server:
        assert "Mesh objects selected: 2" in shown("train") or settings().train_source != "OBJECTS"
        assert bpy.ops.unrender.train_start(source="OBJECTS", run="boxes") == {"FINISHED"}
        (job,) = session().jobs
        wait_until(lambda: job in server.uploads, poll)
        arrays = server.uploads[job]
        assert sorted(arrays) == ["faces_0", "faces_1", "vertices_0", "vertices_1"]
        by_faces = sorted((len(arrays[f"faces_{index}"]), index) for index in (0, 1))
        (plain_count, plain), (fine_count, fine) = by_faces
        assert (plain_count, fine_count) == (12, 48)
        assert arrays[f"vertices_{fine}"][:, 0].min() == 5.0
        assert (arrays[f"vertices_{plain}"].dtype, arrays[f"faces_{plain}"].dtype) == (np.float32, np.int32)
        corners = arrays[f"vertices_{plain}"][arrays[f"faces_{plain}"]]
        middle = arrays[f"vertices_{plain}"].mean(axis=0)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        outwards = ((corners.mean(axis=1) - middle) * normals).sum(axis=1)
        assert (outwards > 0).all() or (outwards < 0).all()
        straight = bpy.data.objects["moved"]
        assert len(straight.data.polygons) == 6, "the object itself is as it was"
        wait_until(lambda: session().jobs[job].status.value == "IMPORTED", poll)
        assert bpy.ops.unrender.render_dataset(source="objects", views=3, dataset="both") == {"FINISHED"}
        (*_, second) = session().jobs
        wait_until(lambda: second in server.uploads, poll)
        assert sorted(server.uploads[second]) == sorted(arrays)
        assert server.parameters[second]["source"] == "objects"
        wait_until(lambda: session().jobs[second].status.value == "IMPORTED", poll)


def case_what_cannot_be_sent_is_one_sentence() -> None:
    with served():
        assert "No mesh" in error_of(bpy.ops.unrender.train_start, source="OBJECTS")
        assert "No mesh" in error_of(bpy.ops.unrender.render_dataset, source="objects")
        assert "Choose a data set" in error_of(bpy.ops.unrender.train_start, source="DATASET")
        assert "letters, digits" in error_of(bpy.ops.unrender.render_dataset, dataset="my set")
        sent = part("scene.sent_meshes")
        before, sent.MOST_OBJECTS = sent.MOST_OBJECTS, 1
        try:
            add_box("a"), add_box("b")
            assert "2 objects are selected" in error_of(bpy.ops.unrender.train_start, source="OBJECTS")
        finally:
            sent.MOST_OBJECTS = before
        assert session().jobs == {}


def case_the_command_line_says_what_the_panel_is_set_to() -> None:
    commands = part("operators.commands")
    group = settings()
    group.train_source, group.train_folder, group.train_name = "PHOTOS", "/data/my plums", "plums"
    group.train_settings = "total_images=20000 renderer.samples=2"
    words = commands.training_words(session(), group)
    assert words[:7] == ["unrender", "train", "voxel_gan", "--config", "iggan-photos-32", "--data", "/data/my plums"]
    assert words[-4:] == ["--set", "total_images=20000", "--set", "renderer.samples=2"]
    group.train_name, group.train_settings = "plums", ""
    assert Path(commands.training_words(session(), group)[-1]).parts[-2:] == ("runs", "plums")
    group.dataset_source, group.dataset_count, group.dataset_views = "table", 30, 2
    words = commands.dataset_words(group)
    assert words[:8] == ["unrender", "render-dataset", "--source", "table", "--count", "30", "--views", "2"]
    assert Path(words[-1]).parts[-2:] == ("datasets", "tables")
    assert bpy.ops.unrender.copy_command(work="DATASET") == {"FINISHED"}
    group.train_source = "OBJECTS"
    assert "Only Blender" in error_of(bpy.ops.unrender.copy_command, work="TRAIN")
    group.train_source, group.train_folder = "PHOTOS", ""
    assert "Choose the folder" in error_of(bpy.ops.unrender.copy_command, work="TRAIN")


def case_objects_are_saved_in_every_format_that_this_blender_has(folder: Path) -> None:
    with served():
        job = generate(count=1)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
    (made,) = ours()
    place = tuple(made.location)
    formats = [item[0] for item in part("scene.export_formats").available_formats()]
    assert {"GLB", "OBJ", "STL", "PLY"} <= set(formats)
    for name in formats:
        assert bpy.ops.unrender.export(directory=str(folder), file_format=name) == {"FINISHED"}
        (saved,) = [path for path in folder.iterdir() if path.stem == "chair_0007" and path.suffix != ".mtl"]
        assert saved.stat().st_size > 100
        for path in folder.iterdir():
            path.unlink()
    assert tuple(made.location) == place
