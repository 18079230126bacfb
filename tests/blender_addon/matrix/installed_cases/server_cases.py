# SPDX-License-Identifier: Apache-2.0
"""Cases for every operator with the real server, which the add-on starts itself; the environment says where that is.

UNRENDER_BACKEND names the backend's Python, UNRENDER_BLENDER_PYTHON the Python of this Blender, in which the server
renders. The data home holds the model "stools-8".
"""

from __future__ import annotations

import contextlib
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

from tests.blender_addon.fake_server import wait_until
from unrender_protocol.discovery import data_home, find_local_server, process_is_alive

PACKAGE = "bl_ext.user_default.unrender"
PATIENCE = 240.0  # starting the backend imports torch, and the machine may be busy
TRAINING = (
    "resolution=16 image_size=32 batch_size=4 total_images=100000 evaluate_images=16 sample_minutes=0.0"
    " torch_threads=1 generator.latent=8 generator.channels=[8,8] discriminator.channels=[8,8,8]"
    " proxy.width=8 proxy.pretrain_images=16 renderer.kind=blender renderer.samples=1 renderer.threads=1"
)
# These ask for a window, which this Blender has not: that they are called, and say so, is all that can be seen.
NEED_A_WINDOW = {"open_preferences"}


def session() -> Any:
    return bpy.context.window_manager.unrender_session


def settings() -> Any:
    return bpy.context.window_manager.unrender


def preferences() -> Any:
    return bpy.context.preferences.addons[PACKAGE].preferences


def wait(done: Callable[[], bool]) -> None:
    wait_until(done, bpy.context.window_manager.unrender_ticker.poll, PATIENCE, 0.01)


def ready() -> bool:
    assert session().state.status.value != "FAILED", (session().state.problem, list(session().log))
    return session().state.status.value == "READY"


def wait_for(job: bytes, status: str) -> None:
    """Until the job has that status; a job that fails shows why."""

    def there() -> bool:
        now = session().jobs[job]
        assert now.status.value not in {"FAILED", "CANCELLED"} - {status}, (now, list(session().log)[-20:])
        return now.status.value == status

    wait(there)


def started(operator: Any, **properties: Any) -> bytes:
    """The job that an operator has put into the list."""
    known = set(session().jobs)
    assert operator(**properties) == {"FINISHED"}
    (job,) = set(session().jobs) - known
    return job


def ours() -> list[Any]:
    return [thing for thing in bpy.context.scene.objects if "unrender_uuid" in thing]


@contextlib.contextmanager
def outcomes() -> Iterator[dict[str, set[str]]]:
    """What each operator of the add-on answered while this lasts, whoever called it."""
    seen: dict[str, set[str]] = defaultdict(set)
    classes = sys.modules[f"{PACKAGE}.operators"].CLASSES
    originals = {cls: cls.execute for cls in classes}

    def watched(cls: Any) -> Callable[..., set[str]]:
        def execute(self: Any, context: Any) -> set[str]:
            name = cls.bl_idname.partition(".")[2]
            seen[name].add("CALLED")
            answer = originals[cls](self, context)
            seen[name] |= answer
            return answer

        return execute

    for cls in classes:
        cls.execute = watched(cls)
    try:
        yield seen
    finally:
        for cls in classes:
            cls.execute = originals[cls]


def connect_and_look_around() -> None:
    with contextlib.suppress(RuntimeError):
        bpy.ops.unrender.open_preferences()
    assert bpy.ops.unrender.copy_install_command() == {"FINISHED"}
    assert bpy.ops.unrender.test_connection() == {"FINISHED"}
    wait(lambda: not session().connection_test.running)
    bpy.context.preferences.system.use_online_access = False
    assert bpy.ops.unrender.allow_online() == {"FINISHED"}, "and it connects"
    assert bpy.app.online_access is True
    wait(ready)
    assert bpy.ops.unrender.copy_report() == {"FINISHED"}
    assert bpy.ops.unrender.refresh_models() == {"FINISHED"}
    wait(lambda: any(model.name == "stools-8" for model in session().state.server.models))
    assert bpy.ops.unrender.use_model(model="stools-8") == {"FINISHED"}


def generate_and_handle_the_results(folder: Path) -> None:
    settings().seed, settings().count = 5, 2
    first = started(bpy.ops.unrender.generate)
    wait_for(first, "IMPORTED")
    assert sorted(thing.name for thing in ours()) == ["Stool 0005", "Stool 0006"]
    assert bpy.ops.unrender.roll_seed() == {"FINISHED"}
    most = max(len(thing.data.polygons) for thing in ours())
    preferences().face_limit = max(most // 2, 100)
    simpler = started(bpy.ops.unrender.job_simplify, job=first.hex())
    wait(lambda: session().jobs[simpler].status.value in ("IMPORTED", "DONE", "FAILED"))
    assert session().jobs[simpler].problem is None or most > 2 * preferences().face_limit
    preferences().face_limit = 200_000
    for thing in ours():
        thing.select_set(True)
    assert bpy.ops.unrender.mark_asset() == {"FINISHED"}
    assert all(thing.asset_data is not None and thing.preview is not None for thing in ours())
    drag_the_threshold()
    window = bpy.context.window_manager.windows[0]
    view = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    with bpy.context.temp_override(window=window, area=view):
        assert bpy.ops.unrender.show_textures() == {"FINISHED"}
    formats = sys.modules[f"{PACKAGE}.scene.export_formats"].available_formats()
    for name, *_ in formats:
        assert bpy.ops.unrender.export(directory=str(folder / name), file_format=name) == {"FINISHED"}
        assert len([path for path in (folder / name).iterdir() if path.suffix != ".mtl"]) == len(ours())


def drag_the_threshold() -> None:
    """The selected shapes get other meshes; the second one of a drag takes the place of the first one's undo step."""
    ticker = sys.modules[f"{PACKAGE}.ticker"]
    before, ticker.undo_is_kept = ticker.undo_is_kept, lambda: True  # as in a window
    bpy.ops.ed.undo_push(message="selected")
    try:
        for value in (0.45, 0.44):
            settings().shape_threshold = value
            wait(lambda: all(session().remeshing.wanted(thing.name) is None for thing in ours()))
            assert {round(thing["unrender_threshold"], 2) for thing in ours()} == {value}
    finally:
        ticker.undo_is_kept = before


def open_a_result_later() -> None:
    """A result that was too large at first, and one that is taken off the list."""
    settings().seed, settings().count = 40, 1
    before = len(ours())
    preferences().face_limit = 100
    job = started(bpy.ops.unrender.generate)
    wait(lambda: session().jobs[job].status.value == "DONE" and session().jobs[job].problem is not None)
    assert len(ours()) == before
    preferences().face_limit = 200_000
    assert bpy.ops.unrender.job_open(job=job.hex()) == {"FINISHED"}
    wait_for(job, "IMPORTED")
    assert len(ours()) == before + 1
    assert bpy.ops.unrender.job_remove(job=job.hex()) == {"FINISHED"}
    assert job not in session().jobs


def render_a_dataset() -> str:
    job = started(
        bpy.ops.unrender.render_dataset, source="chair", count=4, views=4, size=32, samples=1, dataset="few-chairs"
    )
    wait_for(job, "IMPORTED")
    assert session().jobs[job].result["images"] == 16
    assert bpy.ops.unrender.use_dataset(dataset="few-chairs") == {"FINISHED"}
    assert bpy.ops.unrender.use_folder(directory=bpy.app.tempdir) == {"FINISHED"}
    assert (settings().train_source, settings().train_folder) == ("PHOTOS", bpy.app.tempdir)
    assert bpy.ops.unrender.use_dataset(dataset="few-chairs") == {"FINISHED"}
    assert bpy.ops.unrender.copy_command(work="TRAIN") == {"FINISHED"}
    return "few-chairs"


def train_with_pauses(dataset: str, folder: Path) -> None:
    """A training that is paused, resumed while a file is loaded, and stopped."""
    job = started(bpy.ops.unrender.train_start, source="DATASET", dataset=dataset, run="few", settings=TRAINING)
    wait(lambda: session().jobs[job].phase == "adversarial" and session().jobs[job].done > 0)
    assert bpy.ops.unrender.job_pause(job=job.hex()) == {"FINISHED"}
    wait_for(job, "CANCELLED")
    assert session().jobs[job].paused
    resumed = started(bpy.ops.unrender.job_retry, job=job.hex())
    wait(lambda: session().jobs[resumed].phase == "adversarial" and job not in session().jobs)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "while training.blend"))
    bpy.ops.ed.undo_push(message="during a training")
    bpy.ops.wm.open_mainfile(filepath=str(folder / "while training.blend"))
    shown = session().jobs[resumed].done
    wait(lambda: session().jobs[resumed].done > shown)
    assert bpy.ops.unrender.train_stop() == {"FINISHED"}
    wait_for(resumed, "CANCELLED")


def render_objects_into_a_folder(folder: Path) -> None:
    """An estimate, and a data set that is stopped and goes on; no generator takes part."""

    def ended() -> Any:
        wait(lambda: not runs.run.is_under_way)
        assert runs.run.problem is None, runs.run
        return runs.run.status.value

    runs = bpy.context.window_manager.unrender_folder_renderer
    mesh = bpy.data.meshes.new("wedge")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], [], [(0, 2, 1), (0, 1, 3), (1, 2, 3), (0, 3, 2)])
    wedge = bpy.data.objects.new("wedge", mesh)
    bpy.context.collection.objects.link(wedge)
    for thing in bpy.context.scene.objects:
        thing.select_set(thing == wedge)
    panel = settings()
    panel.folder_path = str(folder / "wedges")
    panel.folder_views, panel.folder_size, panel.folder_samples = 60, 32, 1
    assert bpy.ops.unrender.folder_estimate() == {"FINISHED"}
    assert ended() == "DONE"
    assert bpy.ops.unrender.folder_dismiss() == {"FINISHED"}
    assert bpy.ops.unrender.folder_render() == {"FINISHED"}
    wait(lambda: runs.run.done > 0)
    assert bpy.ops.unrender.folder_cancel() == {"FINISHED"}
    ended()  # a fast machine may have rendered them all before it was told
    assert bpy.ops.unrender.folder_resume() == {"FINISHED"}
    assert ended() == "DONE"
    assert len(list((folder / "wedges" / "images").glob("*.png"))) == 60


def cancel_a_job_and_end() -> None:
    job = started(
        bpy.ops.unrender.render_dataset, source="chair", count=500, views=4, size=256, samples=64, dataset="many"
    )
    wait(lambda: session().jobs[job].status.value == "RUNNING")
    assert bpy.ops.unrender.job_cancel(job=job.hex()) == {"FINISHED"}
    wait_for(job, "CANCELLED")
    assert bpy.ops.unrender.disconnect() == {"FINISHED"}
    assert session().state.status.value == "OFFLINE"
    assert bpy.ops.unrender.connect() == {"FINISHED"}
    wait(ready)
    server = find_local_server(data_home())
    assert server is not None
    assert bpy.ops.unrender.stop_backend() == {"FINISHED"}
    wait(lambda: not process_is_alive(server.pid))


def case_every_operator_does_its_work_with_the_real_server(folder: Path) -> None:
    with outcomes() as seen:
        connect_and_look_around()
        generate_and_handle_the_results(folder)
        open_a_result_later()
        train_with_pauses(render_a_dataset(), folder)
        render_objects_into_a_folder(folder)
        cancel_a_job_and_end()
    there = {name for name in dir(bpy.ops.unrender) if not name.startswith("_")}
    assert len(there) > 20
    assert there == set(seen), "an operator that no step of this case runs"
    assert {name for name in there - NEED_A_WINDOW if "FINISHED" not in seen[name]} == set()


def case_files_are_loaded_and_steps_are_pushed_while_shapes_arrive(folder: Path) -> None:
    session().disconnect()
    assert bpy.ops.unrender.connect() == {"FINISHED"}
    wait(ready)
    assert bpy.ops.unrender.use_model(model="stools-8") == {"FINISHED"}
    for name in ("asked", "other"):
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / f"{name}.blend"), copy=name == "other")
    settings().seed, settings().count = 100, 12

    reverted = started(bpy.ops.unrender.generate)
    assert session().jobs[reverted].status.value in ("QUEUED", "RUNNING")
    bpy.ops.wm.open_mainfile(filepath=str(folder / "asked.blend"))
    wait(lambda: len(ours()) >= 3)
    bpy.ops.ed.undo_push(message="in the middle")
    bpy.ops.wm.open_mainfile(filepath=str(folder / "asked.blend"))
    assert ours() == []
    wait_for(reverted, "IMPORTED")
    assert len(ours()) == 12, "the file that was opened again gets all of them"

    assert (settings().model, settings().seed, settings().count) == ("stools-8", 112, 12), "settings are of no file"
    left = started(bpy.ops.unrender.generate)
    wait(lambda: len(ours()) >= 15)
    bpy.ops.wm.open_mainfile(filepath=str(folder / "other.blend"))
    wait(lambda: session().next_import() is None)
    assert ours() == [], "another file gets nothing that was not asked for"
    assert bpy.ops.unrender.job_open(job=left.hex()) == {"FINISHED"}
    wait_for(left, "IMPORTED")
    assert len(ours()) == 12

    server = find_local_server(data_home())
    assert server is not None
    assert bpy.ops.unrender.disconnect() == {"FINISHED"}
    wait(lambda: not process_is_alive(server.pid))
