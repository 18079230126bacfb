# SPDX-License-Identifier: Apache-2.0
"""Cases for the real add-on in Blender's Python, against the emulated server over ZeroMQ on loopback."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import struct
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from tests.blender_addon.fake_server import FakeServer, wait_until
from unrender_protocol import messages
from unrender_protocol.pairing import Pairing, new_token, write_pairing_line
from unrender_protocol.security import TokenSecurity
from unrender_protocol.zmq_server import RouterTransport

PACKAGE = "bl_ext.user_default.unrender"


def part(name: str) -> Any:
    """A module of the enabled add-on."""
    return import_module(f"{PACKAGE}.{name}")


def session() -> Any:
    return bpy.context.window_manager.unrender_session


def poll() -> None:
    bpy.context.window_manager.unrender_ticker.poll()


def settings() -> Any:
    return bpy.context.window_manager.unrender


def status() -> str:
    return session().state.status.value


@contextlib.contextmanager
def served() -> Iterator[FakeServer]:
    """A server on a free port, and the add-on connected to it by the operator and a pairing line."""
    token = new_token()
    with FakeServer(RouterTransport(security=TokenSecurity(token)), token) as server:
        preferences = bpy.context.preferences.addons[PACKAGE].preferences
        preferences.location = "REMOTE"
        preferences.pairing = write_pairing_line(Pairing(server.address, token))
        assert bpy.ops.unrender.connect() == {"FINISHED"}
        wait_until(lambda: status() == "READY", poll)
        try:
            yield server
        finally:
            session().disconnect()
            for job in list(session().jobs):
                if session().jobs[job].status.value in ("DONE", "IMPORTED", "FAILED", "CANCELLED"):
                    session().remove(job)
            session().jobs.clear()


def generate(seed: int = 7, count: int = 9) -> Any:
    """Press Generate; returns a function that gives the job as it stands."""
    settings().seed, settings().count = seed, count
    known = set(session().jobs)
    assert bpy.ops.unrender.generate() == {"FINISHED"}
    job = next(key for key in session().jobs if key not in known)
    return lambda: session().jobs[job]


def ours() -> list[Any]:
    return [thing for thing in bpy.context.scene.objects if "unrender_uuid" in thing]


def dense_shape(job: bytes) -> Any:
    """The first shape of a result, with a hundred times its faces."""
    (shape,) = session().shapes[job]
    return dataclasses.replace(shape, faces=np.tile(shape.faces, (100, 1)))


def error_of(operator: Any, **properties: Any) -> str:
    """The error that an operator reports."""
    try:
        operator(**properties)
    except RuntimeError as error:
        return str(error)
    raise AssertionError("no error was reported")


def case_enabling_imports_neither_numpy_nor_zmq_by_itself_and_takes_little_time() -> None:
    module = sys.modules[PACKAGE]
    seconds = []
    for _ in range(20):
        module.unregister()
        assert not hasattr(bpy.types.WindowManager, "unrender_session")
        assert not hasattr(bpy.types, "UNRENDER_OT_generate")
        began = time.perf_counter()
        module.register()
        seconds.append(time.perf_counter() - began)
        assert hasattr(bpy.types, "UNRENDER_OT_generate")
    assert min(seconds) < 0.05, seconds
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("unrender")]
    registered = bpy.app.timers.is_registered(bpy.context.window_manager.unrender_ticker._callback)
    assert registered


def case_without_a_connection_generate_is_greyed_out() -> None:
    assert not bpy.ops.unrender.generate.poll()
    assert bpy.ops.unrender.connect.poll()
    assert not bpy.ops.unrender.disconnect.poll()


def case_nine_shapes_are_generated_and_imported_one_by_one() -> None:
    bpy.context.scene.cursor.location = (10.0, 20.0, 5.0)
    with served() as server:
        job = generate(seed=7, count=9)
        assert status() == "BUSY"
        wait_until(lambda: job().status.value == "IMPORTED" and job().acknowledged, poll)
        made = ours()
        assert sorted(thing.name for thing in made) == [f"Chair {seed:04d}" for seed in range(7, 16)]
        assert server.acknowledged == [job().id]
        sent = server.parameters[job().id]
        assert (sent["model"], sent["seed"], sent["count"], sent["smooth"]) == ("chairs", 7, 9, True)
        collection = bpy.data.collections["Unrender"]
        assert set(collection.objects) == set(made)
        assert settings().seed == 16, "the next shapes are new ones"
        bpy.context.view_layer.update()
        places = set()
        for thing in made:
            corners = np.array([thing.matrix_world @ vertex.co for vertex in thing.data.vertices])
            assert abs(corners[:, 2].min() - 5.0) < 1e-5, "it stands on the ground"
            places.add(tuple(np.round((corners.min(axis=0) + corners.max(axis=0))[:2] / 2, 4)))
            assert all(polygon.use_smooth for polygon in thing.data.polygons)
            assert thing.data.validate() is False, "nothing had to be repaired"
            assert len(thing.data.edges) == 18
            assert thing.active_material.name == "Unrender"
        assert len(places) == 9
        assert np.allclose(np.mean(list(places), axis=0), (10.0, 20.0))
        first = bpy.data.objects["Chair 0007"]
        assert first["unrender_model"] == "chairs"
        assert first["unrender_model_hash"] == "abc"
        assert (first["unrender_seed"], first["unrender_index"]) == (7, 0)
        assert first["unrender_threshold"] == 0.5
        assert first["unrender_versions"].to_dict()["generator"] == "9.9.9"
        assert len({thing["unrender_uuid"] for thing in made}) == 9
        assert [thing.name for thing in bpy.context.selected_objects] == ["Chair 0015"]


def case_each_result_is_one_undo_step_and_asking_for_it_is_none() -> None:
    operators = part("operators")
    declared = {cls.bl_idname: getattr(cls, "bl_options", set()) for cls in operators.CLASSES}
    undoable = {name for name, options in declared.items() if "UNDO" in options}
    assert undoable == {"unrender.import_result", "unrender.change_mesh", "unrender.mark_asset"}
    calls = []
    real = part("scene.importing").import_shape

    def counting(*arguments: Any) -> Any:
        added = real(*arguments)
        calls.append((len(ours()), added.name))
        return added

    part("scene.importing").import_shape = counting
    try:
        with served():
            job = generate(count=3)
            wait_until(lambda: job().status.value == "IMPORTED", poll)
    finally:
        part("scene.importing").import_shape = real
    assert calls == [(1, "Chair 0007"), (2, "Chair 0008"), (3, "Chair 0009")]


def case_deleting_objects_in_the_middle_of_an_import_harms_nothing() -> None:
    with served():
        job = generate(count=4)
        wait_until(lambda: len(ours()) == 2, poll)
        for thing in ours():
            bpy.data.objects.remove(thing)
        bpy.data.collections.remove(bpy.data.collections["Unrender"])
        bpy.data.materials.remove(bpy.data.materials["Unrender"])
        bpy.ops.outliner.orphans_purge(do_recursive=True)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
        assert len(ours()) == 2
        assert all(thing.active_material.name == "Unrender" for thing in ours())


def case_loading_a_file_keeps_connection_and_jobs(folder: Path) -> None:
    with served() as server:
        server.behaviour.hold.clear()
        job = generate(count=2)
        wait_until(lambda: job().status.value == "RUNNING", poll)
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "a.blend"))
        bpy.ops.wm.open_mainfile(filepath=str(folder / "a.blend"))
        assert status() == "BUSY"
        assert settings().model == "chairs"
        server.behaviour.hold.set()
        wait_until(lambda: job().status.value == "IMPORTED", poll)
        assert len(ours()) == 2


def case_nothing_of_jobs_or_connection_is_saved_with_the_file(folder: Path) -> None:
    with served():
        settings().seed = 1234
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "a.blend"), compress=False)
    content = (folder / "a.blend").read_bytes()
    assert b"Test device" not in content
    assert b"seed_locked" not in content


def case_the_seed_can_be_locked_and_rolled() -> None:
    with served():
        settings().seed_locked = True
        job = generate(seed=40, count=2)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
        assert settings().seed == 40
        again = generate(seed=40, count=2)
        wait_until(lambda: again().status.value == "IMPORTED", poll)
        assert sorted(thing.name for thing in ours()) == [
            "Chair 0040",
            "Chair 0040.001",
            "Chair 0041",
            "Chair 0041.001",
        ]
        settings().seed_locked = False
        seeds = set()
        for _ in range(8):
            bpy.ops.unrender.roll_seed()
            seeds.add(settings().seed)
        assert len(seeds) > 1


def case_a_job_can_be_stopped_run_again_and_removed() -> None:
    with served() as server:
        server.behaviour.hold.clear()
        job = generate(count=1)
        wait_until(lambda: job().status.value == "RUNNING", poll)
        key = job().key
        assert bpy.ops.unrender.job_retry(job=key) == {"CANCELLED"}, "it still runs"
        assert bpy.ops.unrender.job_cancel(job=key) == {"FINISHED"}
        assert job().status.value == "CANCELLING"
        wait_until(lambda: job().status.value == "CANCELLED", poll)
        server.behaviour.hold.set()
        assert bpy.ops.unrender.job_retry(job=key) == {"FINISHED"}
        (again,) = session().jobs
        wait_until(lambda: session().jobs[again].status.value == "IMPORTED", poll)
        assert len(ours()) == 1
        assert bpy.ops.unrender.job_remove(job=again.hex()) == {"FINISHED"}
        assert session().jobs == {}
        assert bpy.ops.unrender.job_remove(job="not a job") == {"CANCELLED"}


def case_a_failed_job_shows_its_sentence_and_the_next_step() -> None:
    with served() as server:
        server.behaviour.fail_with = messages.JobFailed(
            b"x" * 16, "out_of_memory", "The GPU is full.", "Ask for fewer."
        )
        job = generate()
        wait_until(lambda: job().status.value == "FAILED", poll)
        shown = draw(part("panels.jobs").UNRENDER_PT_jobs)
        assert "The GPU is full." in shown
        assert "Ask for fewer." in shown
        assert "unrender.job_retry" in shown


def case_a_mesh_above_the_face_limit_is_refused_with_a_sentence_and_can_be_opened_later() -> None:
    preferences = bpy.context.preferences.addons[PACKAGE].preferences
    with served():
        job = generate(count=1)
        wait_until(lambda: session().next_import() is not None, lambda: session().poll())
        preferences.face_limit = 100
        session().shapes[job().id] = (dense_shape(job().id),)
        refused = error_of(bpy.ops.unrender.import_result, job=job().key)
        assert "1200 faces" in refused
        assert "100" in refused
        preferences.face_limit = 200_000
        assert "result" in error_of(bpy.ops.unrender.import_result, job="00" * 16)
        preferences.face_limit = 100
        wait_until(lambda: session().awaited_imports == (), poll)
        preferences.face_limit = 200_000
        poll()
        assert ours() == []
        assert bpy.ops.unrender.job_open(job=job().key) == {"FINISHED"}
        wait_until(lambda: len(ours()) == 1, poll)


def case_assets_have_preview_tags_description_and_catalog(folder: Path) -> None:
    with served():
        job = generate(count=2)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
    assert bpy.ops.unrender.mark_asset() == {"FINISHED"}
    assert bpy.data.objects["Chair 0007"].asset_data is None, "only what is selected"
    part("scene.objects").select_only(bpy.context, ours())
    assert bpy.ops.unrender.mark_asset() == {"FINISHED"}
    headless = part("headless")
    headless.Driver().mark_assets([thing.name for thing in ours()])
    headless.Driver().save_blend(folder / "library.blend")
    catalogs = (folder / "blender_assets.cats.txt").read_text()
    headless.Driver().save_blend(folder / "library.blend")
    assert (folder / "blender_assets.cats.txt").read_text() == catalogs
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(str(folder / "library.blend"), assets_only=True) as (found, wanted):
        assert sorted(found.objects) == ["Chair 0007", "Chair 0008"]
        wanted.objects = ["Chair 0008"]
    (loaded,) = wanted.objects
    data = loaded.asset_data
    assert {tag.name for tag in data.tags} == {"unrender", "generated", "chairs"}
    assert "seed 8" in data.description
    assert 0.1 < covered(loaded) < 0.9
    assert f"{data.catalog_id}:Unrender/Chair:Unrender-Chair" in catalogs


def covered(thing: Any) -> float:
    """The share of an object's preview that is covered; 0 of a blank one."""
    preview = thing.preview_ensure()
    alpha = np.zeros(preview.image_size[0] * preview.image_size[1] * 4, np.float32)
    preview.image_pixels_float.foreach_get(alpha)
    return float((alpha[3::4] > 0.5).mean()) if alpha.size else 0.0


def previews_pending() -> bool:
    return bpy.context.window_manager.unrender_asset_previews.pending


def case_previews_come_one_by_one_and_only_to_objects_that_are_still_there() -> None:
    with served():
        job = generate(count=4)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
    objects = part("scene.objects")
    objects.select_only(bpy.context, ours())
    copy = bpy.data.objects["Chair 0009"].copy()
    objects.own_collection(bpy.context.scene).objects.link(copy)
    assert bpy.ops.unrender.mark_asset() == {"FINISHED"}
    assert all(thing.asset_data is not None and covered(thing) == 0.0 for thing in ours())
    bpy.data.objects.remove(bpy.data.objects["Chair 0007"])
    bpy.data.objects["Chair 0008"].asset_clear()
    bpy.data.objects["Chair 0009"].name = "Throne"
    shown = []
    while previews_pending():
        poll()
        shown.append(sum(covered(thing) > 0.0 for thing in ours()))
    assert max(np.diff([0, *shown])) == 1, "one per tick"
    pictured = sorted(thing.name for thing in ours() if covered(thing) > 0.0)
    assert pictured == ["Chair 0009.001", "Chair 0010", "Throne"], "a copy is known apart from what it is a copy of"


def case_previews_are_there_after_undo_and_redo() -> None:
    with served():
        job = generate(count=2)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
    part("scene.objects").select_only(bpy.context, ours())
    bpy.ops.ed.undo_push(message="select")
    assert bpy.ops.unrender.mark_asset("EXEC_DEFAULT", True) == {"FINISHED"}
    wait_until(lambda: not previews_pending(), poll)
    bpy.ops.ed.undo()
    assert all(thing.asset_data is None for thing in ours()), "marking all of them is one step"
    wait_until(lambda: not previews_pending(), poll)
    bpy.ops.ed.redo()
    wait_until(lambda: not previews_pending(), poll)
    assert len(ours()) == 2
    assert all(thing.asset_data is not None and covered(thing) > 0.1 for thing in ours())


def case_what_has_no_faces_any_more_becomes_an_asset_without_a_preview() -> None:
    with served():
        job = generate(count=2)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
    empty, curve = ours()
    empty.data.clear_geometry()
    turned = bpy.data.objects.new("Curve", bpy.data.curves.new("Curve", "CURVE"))
    turned["unrender_uuid"] = curve["unrender_uuid"]
    bpy.context.scene.collection.objects.link(turned)
    part("scene.objects").select_only(bpy.context, [empty, turned])
    assert bpy.ops.unrender.mark_asset() == {"FINISHED"}
    assert not previews_pending()
    assert empty.asset_data is not None
    assert turned.asset_data is not None


def case_each_object_is_exported_standing_at_the_origin(folder: Path) -> None:
    with served():
        job = generate(count=2)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
    part("scene.objects").select_only(bpy.context, ours())
    before = {thing.name: tuple(thing.location) for thing in ours()}
    assert bpy.ops.unrender.export(directory=str(folder)) == {"FINISHED"}
    assert sorted(path.name for path in folder.iterdir()) == ["chair_0007.glb", "chair_0008.glb"]
    assert {thing.name: tuple(thing.location) for thing in ours()} == before
    assert len(bpy.context.selected_objects) == 2
    content = (folder / "chair_0007.glb").read_bytes()
    length = struct.unpack("<I", content[12:16])[0]
    scene = json.loads(content[20 : 20 + length])
    (node,) = scene["nodes"]
    assert node["name"] == "Chair 0007"
    assert node["extras"]["unrender_seed"] == 7
    low = scene["accessors"][scene["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]["min"]
    # glTF is Y up: the lowest point of the box, moved by the node, is the ground.
    assert abs(low[1] + node.get("translation", [0, 0, 0])[1]) < 1e-5
    (folder / "file").touch()
    assert "cannot be made" in error_of(bpy.ops.unrender.export, directory=str(folder / "file" / "below"))


def case_the_contact_sheet_shows_every_object_and_leaves_the_scene_as_it_was(folder: Path) -> None:
    with served():
        job = generate(count=4)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
    before = {name: len(getattr(bpy.data, name)) for name in ("scenes", "objects", "meshes", "materials", "worlds")}
    names = [thing.name for thing in ours()]
    part("headless").Driver().render_contact_sheet(names, folder / "sheet.png", size=64, samples=4)
    assert before == {name: len(getattr(bpy.data, name)) for name in before}
    image = bpy.data.images.load(str(folder / "sheet.png"))
    assert tuple(image.size) == (64, 64)
    pixels = np.empty(64 * 64 * 4, np.float32)
    image.pixels.foreach_get(pixels)
    reddish = pixels.reshape(64, 64, 4)[..., 0] - pixels.reshape(64, 64, 4)[..., 2] > 0.15
    for rows in (slice(0, 32), slice(32, 64)):
        for columns in (slice(0, 32), slice(32, 64)):
            assert 0.05 < reddish[rows, columns].mean() < 0.7


def case_a_server_that_stops_leaves_a_connection_that_is_looked_for() -> None:
    with served() as server:
        server.behaviour.hold.clear()
        job = generate()
        wait_until(lambda: job().status.value == "RUNNING", poll)
        server.__exit__(None, None, None)
        wait_until(lambda: status() == "LOST", poll)
        assert job().status.value == "DETACHED"
        shown = draw(part("panels.status").UNRENDER_PT_status)
        assert "stopped answering" in shown
        assert "unrender.connect" in shown
        assert bpy.ops.unrender.connect.poll()
        assert not bpy.ops.unrender.generate.poll()


def case_a_bad_pairing_line_is_one_sentence() -> None:
    preferences = bpy.context.preferences.addons[PACKAGE].preferences
    preferences.location = "REMOTE"
    preferences.pairing = "10.0.0.1"
    assert "pairing line" in error_of(bpy.ops.unrender.connect)
    preferences.pairing = write_pairing_line(Pairing("tcp://127.0.0.1:1", "word"))[:-3]
    assert "not complete" in error_of(bpy.ops.unrender.connect)
    assert (status(), session().state.problem.tag) == ("FAILED", "pairing_line")
    assert session().state.problem.action.value == "OPEN_PREFERENCES"


def case_offline_mode_keeps_blender_from_leaving_this_computer() -> None:
    preferences = bpy.context.preferences.addons[PACKAGE].preferences
    preferences.location = "REMOTE"
    bpy.context.preferences.system.use_online_access = False
    try:
        assert bpy.app.online_access is False
        preferences.pairing = "tcp://192.0.2.1:7707"
        assert "offline mode" in error_of(bpy.ops.unrender.connect)
        assert (status(), session().state.problem.action.value) == ("FAILED", "ALLOW_ONLINE")
        preferences.pairing = "tcp://127.0.0.1:9"
        assert bpy.ops.unrender.connect() == {"FINISHED"}, "this computer is not online"
        assert bpy.app.online_access is False
        preferences.pairing = "tcp://192.0.2.1:7707"
        assert bpy.ops.unrender.allow_online() == {"FINISHED"}
        assert bpy.app.online_access is True
        assert status() == "CONNECTING"
    finally:
        bpy.context.preferences.system.use_online_access = True
        session().disconnect()


def case_the_report_goes_to_the_clipboard() -> None:
    assert bpy.ops.unrender.copy_report() == {"FINISHED"}


def train(folder: Path, **properties: Any) -> Any:
    """Start a training; returns a function that gives the job as it stands."""
    known = set(session().jobs)
    assert bpy.ops.unrender.train_start(directory=str(folder), **properties) == {"FINISHED"}
    job = next(key for key in session().jobs if key not in known)
    return lambda: session().jobs[job]


def some_photos(folder: Path) -> Path:
    photos = folder / "photos"
    photos.mkdir()
    for index in range(20):
        (photos / f"{index}.png").write_bytes(bytes([index]) * (index + 1))
    return photos


def case_a_training_is_started_watched_and_its_model_used(folder: Path) -> None:
    photos = some_photos(folder)
    assert not bpy.ops.unrender.train_start.poll()
    with served() as server:
        server.behaviour.hold.clear()
        job = train(photos, run="plums", preset="iggan-32", settings="total_images=64 generator.channels=[16,8]")
        assert job().status.value == "READING", "nothing was read while the button was pressed"
        wait_until(lambda: job().done == 3, poll)
        shown = draw(part("panels.jobs").UNRENDER_PT_jobs)
        assert "Training plums" in shown
        assert "training  75%  1:30 left" in shown
        assert "unrender.use_model" not in shown
        assert session().previews[job().id].shape == (4, 6, 3)
        sent = server.parameters[job().id]
        assert (sent["name"], sent["config"], sent["method"]) == ("plums", "iggan-32", "voxel_gan")
        assert sent["overrides"] == {"total_images": 64, "generator.channels": [16, 8]}
        assert len(server.uploads[job().id]["file_sizes"]) == 20
        server.behaviour.hold.set()
        wait_until(lambda: job().status.value == "IMPORTED" and job().acknowledged, poll)
        wait_until(lambda: "unrender.use_model" in draw(part("panels.jobs").UNRENDER_PT_jobs), poll)
        assert settings().model != "plums"
        assert bpy.ops.unrender.use_model(model="plums") == {"FINISHED"}
        assert settings().model == "plums"
        assert "does not have" in error_of(bpy.ops.unrender.use_model, model="pears")
        assert ours() == []


def case_a_training_is_stopped_and_goes_on(folder: Path) -> None:
    photos = some_photos(folder)
    with served() as server:
        assert not bpy.ops.unrender.train_stop.poll()
        server.behaviour.hold.clear()
        job = train(photos, run="plums")
        wait_until(lambda: job().done == 3, poll)
        assert bpy.ops.unrender.train_stop() == {"FINISHED"}
        wait_until(lambda: job().status.value == "CANCELLED", poll)
        assert not bpy.ops.unrender.train_stop.poll()
        assert bpy.ops.unrender.job_retry(job=job().key) == {"FINISHED"}
        (again,) = session().jobs
        wait_until(lambda: session().jobs[again].done == 3, poll)
        assert server.parameters[again]["resume"] is True
        assert server.uploads[again] == {}
        assert bpy.ops.unrender.train_stop(job=again.hex()) == {"FINISHED"}
        wait_until(lambda: session().jobs[again].status.value == "CANCELLED", poll)
        assert bpy.ops.unrender.train_start(run="plums", resume=True) == {"FINISHED"}
        (*_, third) = session().jobs
        wait_until(lambda: session().jobs[third].done == 3, poll)
        assert server.parameters[third]["resume"] is True
        session().cancel(third)
        wait_until(lambda: session().jobs[third].status.value == "CANCELLED", poll)


def case_what_a_training_cannot_start_with_is_one_sentence(folder: Path) -> None:
    with served():
        assert "Choose the folder" in error_of(bpy.ops.unrender.train_start, directory="")
        assert "letters, digits" in error_of(bpy.ops.unrender.train_start, directory=str(folder), run="my model")
        assert "key=value" in error_of(bpy.ops.unrender.train_start, directory=str(folder), settings="faster")
        assert session().jobs == {}
        job = train(folder)
        wait_until(lambda: job().status.value == "FAILED", poll)
        shown = draw(part("panels.jobs").UNRENDER_PT_jobs)
        assert "There are no photos in" in shown
        assert "unrender.job_retry" in shown


def case_the_panels_draw_in_every_state_and_change_nothing() -> None:
    for name in ("status", "generate", "jobs"):
        for panel in part(f"panels.{name}").CLASSES:
            assert draw(panel)
    with served() as server:
        server.behaviour.hold.clear()
        job = generate(count=1)
        wait_until(lambda: job().done == 3, poll)
        before = session().revision
        assert "Test device" in draw(part("panels.status").UNRENDER_PT_status)
        shown = draw(part("panels.jobs").UNRENDER_PT_jobs)
        assert "75%" in shown
        assert "0:02 left" in shown
        assert "unrender.job_cancel" in shown
        assert "unrender.generate" in draw(part("panels.generate").UNRENDER_PT_generate)
        assert session().revision == before


class FakeLayout:
    """Notes what a panel draws. Any method of a layout gives a layout again."""

    def __init__(self, shown: list[str]) -> None:
        self.shown = shown

    def __getattr__(self, name: str) -> Any:
        def drawn(*arguments: Any, **properties: Any) -> Any:
            self.shown.append(" ".join(str(value) for value in (*arguments, *properties.values())))
            return type("Drawn", (FakeLayout,), {})(self.shown)

        return drawn


def draw(panel: Any) -> str:
    """What a panel shows, as text; wrapped sentences are joined again."""
    shown: list[str] = []
    stand_in = type("Panel", (), {"layout": FakeLayout(shown)})()
    panel.draw(stand_in, bpy.context)
    return " ".join(shown).replace(" False", "").replace(" BLANK1", "").replace(" ERROR", "")
