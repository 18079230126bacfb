# SPDX-License-Identifier: Apache-2.0
"""Cases for the timer's work in Blender's Python: budget, redraws, undo steps, files that are opened meanwhile."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from tests.blender_addon.blender_cases.addon_cases import draw, generate, ours, part, poll, served, session
from tests.blender_addon.fake_server import wait_until


def ticker() -> Any:
    return bpy.context.window_manager.unrender_ticker


def names() -> list[str]:
    return sorted(thing.name for thing in ours())


def import_some(count: int) -> None:
    """Let the timer work until so many shapes are in the scene."""
    wait_until(lambda: len(ours()) >= count, poll)
    assert len(ours()) == count


def can_be_undone() -> Any:
    """Begin to record steps, which Blender does without a window only when it is asked to; returns the operators."""
    bpy.ops.ed.undo_push(message="before")
    return bpy.ops.ed


def case_one_tick_imports_at_most_one_shape() -> None:
    with served():
        job = generate(count=5)
        wait_until(lambda: session().next_import() is not None, session().poll)
        counts = []
        while job().status.value != "IMPORTED":
            poll()
            counts.append(len(ours()))
        assert set(np.diff([0, *counts])) <= {0, 1}
        assert counts[-1] == 5


def case_an_import_that_finds_its_tick_used_up_by_news_begins_the_next_one() -> None:
    with served():
        generate(count=3)
        wait_until(lambda: session().next_import() is not None, session().poll)
        real = session().poll
        handled = []

        def slow(budget: float) -> bool:
            handled.append(budget)
            time.sleep(2 * part("ticker").BESIDE_CHORE_SECONDS)
            return real(budget)

        session().poll = slow
        try:
            assert ticker().poll()
            assert ours() == []
            assert ticker().poll()
            assert len(ours()) == 1
            assert len(handled) == 1 or 0 < handled[1] < part("ticker").POLL_SECONDS, "the news gets what is left"
        finally:
            del session().poll
        import_some(3)


def case_nothing_is_imported_in_the_middle_of_an_edit() -> None:
    mesh = bpy.data.objects.new("Mine", bpy.data.meshes.new("Mine"))
    bpy.context.scene.collection.objects.link(mesh)
    bpy.context.view_layer.objects.active = mesh
    with served():
        job = generate(count=2)
        bpy.ops.object.mode_set(mode="EDIT")
        wait_until(lambda: job().status.value == "DONE" and job().result_here, poll)
        for _ in range(20):
            poll()
        assert ours() == []
        assert bpy.context.view_layer.objects.active == mesh
        assert "waits for Object Mode" in draw(bpy.types.UNRENDER_PT_jobs)
        before = session().revision
        bpy.ops.object.mode_set(mode="OBJECT")
        import_some(1)
        assert session().revision > before, "the panel is drawn again"
        assert "waits for Object Mode" not in draw(bpy.types.UNRENDER_PT_jobs)
        import_some(2)


def case_a_result_that_is_taken_off_the_list_is_not_waited_for() -> None:
    mesh = bpy.data.objects.new("Mine", bpy.data.meshes.new("Mine"))
    bpy.context.scene.collection.objects.link(mesh)
    bpy.context.view_layer.objects.active = mesh
    with served():
        job = generate(count=1)
        bpy.ops.object.mode_set(mode="EDIT")
        wait_until(lambda: session().held_import == job().id, poll)
        bpy.ops.unrender.job_remove(job=job().key)
        wait_until(lambda: session().held_import is None, poll)
        bpy.ops.object.mode_set(mode="OBJECT")
        assert ours() == []


def case_panels_are_redrawn_when_what_they_show_has_changed_and_once_per_second_while_they_count() -> None:
    redraws = []
    module = part("ticker")
    real, module._redraw_side_panels = module._redraw_side_panels, lambda: redraws.append(1)
    try:
        with served() as server:
            server.behaviour.hold.clear()
            job = generate(count=1)
            wait_until(lambda: job().done == 3, ticker().tick)
            redraws.clear()
            for _ in range(50):
                ticker().tick()
            assert len(redraws) <= 1, "nothing new had come"
            session().revision += 1
            ticker().tick()
            ticker().tick()
            assert len(redraws) <= 2
            assert redraws
            server.__exit__(None, None, None)
            wait_until(lambda: session().state.status.value == "LOST", ticker().tick)
            ticker().tick()
            clock, module.time = module.time, FixedClock(module.time)
            try:
                shown = []
                for seconds in (100.0, 100.3, 100.9, 101.1, 101.2):
                    module.time.seconds = seconds
                    session().poll = lambda _budget: False
                    redraws.clear()
                    ticker()._redraw()
                    shown.append(len(redraws))
                assert shown == [1, 0, 0, 1, 0]
            finally:
                module.time = clock
                del session().poll
    finally:
        module._redraw_side_panels = real


class FixedClock:
    """Stands in for the module `time`: its seconds are what a test says."""

    def __init__(self, real: Any) -> None:
        self.perf_counter = real.perf_counter
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def case_ticks_are_counted_by_their_length_for_the_report() -> None:
    before = ticker().statistics.count
    ticker().tick()
    ticker().tick()
    assert ticker().statistics.count == before + 2
    statistics = part("tick_statistics").TickStatistics()
    for milliseconds in (0.4, 1.0, 1.5, 14.9, 15.1, 2000.0):
        statistics.add(milliseconds / 1000.0)
    assert (statistics.over(10), statistics.over(15), statistics.count) == (3, 2, 6)
    assert statistics.summary() == ("6 ticks, longest 2000.0 ms; up to 1 ms: 2, 2 ms: 1, 15 ms: 1, 30 ms: 1, longer: 1")
    written = []
    module = part("operators.connect")
    real, module.write_report = module.write_report, lambda _session, versions, _home: written.append(versions) or ""
    try:
        assert bpy.ops.unrender.copy_report() == {"FINISHED"}
    finally:
        module.write_report = real
    assert "ticks, longest" in written[0]["timer"]


def case_every_result_is_taken_back_and_brought_again_by_a_step_of_its_own() -> None:
    with served():
        edit = can_be_undone()
        job = generate(count=3)
        import_some(3)
        assert job().status.value == "IMPORTED"
        for left in (["Chair 0007", "Chair 0008"], ["Chair 0007"], []):
            assert edit.undo() == {"FINISHED"}
            assert names() == left
            poll()
            assert names() == left, "what was taken back stays away"
        for count in (1, 2, 3):
            assert edit.redo() == {"FINISHED"}
            assert len(ours()) == count
        assert [thing.name for thing in bpy.context.selected_objects] == ["Chair 0009"]


def case_undo_in_the_middle_of_an_import_takes_back_one_shape_and_the_others_still_come() -> None:
    with served() as server:
        edit = can_be_undone()
        job = generate(count=5)
        import_some(2)
        assert edit.undo() == {"FINISHED"}
        assert names() == ["Chair 0007"]
        wait_until(lambda: job().status.value == "IMPORTED" and job().acknowledged, poll)
        assert names() == ["Chair 0007", "Chair 0009", "Chair 0010", "Chair 0011"]
        assert server.acknowledged == [job().id]
        for thing in ours():
            assert thing.users_collection == (bpy.data.collections["Unrender"],)
            assert thing.active_material.name == "Unrender"
        for _ in range(4):
            edit.undo()
        assert names() == []
        assert edit.redo() == {"FINISHED"}
        assert names() == ["Chair 0007"]


def case_a_large_mesh_is_made_in_a_tick_of_its_own_and_an_undo_before_its_import_harms_nothing() -> None:
    module = part("scene.importing")
    real, module.takes_most_of_a_tick = module.takes_most_of_a_tick, lambda _faces: True
    try:
        with served():
            edit = can_be_undone()
            job = generate(count=3)
            wait_until(lambda: len(bpy.data.meshes) == 1, poll)
            assert ours() == []
            poll()
            assert names() == ["Chair 0007"]
            assert bpy.data.objects["Chair 0007"].data.name == "Chair 0007"
            bpy.ops.ed.undo_push(message="something of the artist's")
            poll()
            assert len(bpy.data.meshes) == 2
            assert edit.undo() == {"FINISHED"}
            import_some(3)
            assert job().status.value == "IMPORTED"
            assert sorted(mesh.name for mesh in bpy.data.meshes) == ["Chair 0007", "Chair 0008", "Chair 0009"]
            for left in (2, 1):
                edit.undo()
                assert len(ours()) == left
    finally:
        module.takes_most_of_a_tick = real


def case_after_undo_again_makes_the_same_shapes() -> None:
    with served():
        edit = can_be_undone()
        job = generate(seed=7, count=1)
        import_some(1)
        edit.undo()
        assert ours() == []
        assert bpy.ops.unrender.job_open(job=job().key) == {"CANCELLED"}, "the generator has forgotten the result"
        assert bpy.ops.unrender.job_retry(job=job().key) == {"FINISHED"}
        import_some(1)
        assert names() == ["Chair 0007"]


def case_what_was_asked_for_in_another_file_waits_for_the_artist() -> None:
    with served() as server:
        server.behaviour.hold.clear()
        job = generate(count=2)
        wait_until(lambda: job().status.value == "RUNNING", poll)
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        server.behaviour.hold.set()
        wait_until(lambda: job().result_here, poll)
        for _ in range(20):
            poll()
        assert job().status.value == "DONE"
        assert ours() == []
        assert server.acknowledged == []
        assert bpy.ops.unrender.job_open(job=job().key) == {"FINISHED"}
        import_some(2)
        assert job().status.value == "IMPORTED"


def case_another_file_in_the_middle_of_an_import_gets_nothing_until_it_is_asked_for_all() -> None:
    with served():
        job = generate(count=4)
        import_some(2)
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        for _ in range(20):
            poll()
        assert ours() == []
        assert bpy.ops.unrender.job_open(job=job().key) == {"FINISHED"}
        import_some(4)


def case_a_file_that_is_opened_again_gets_what_it_does_not_hold(folder: Path) -> None:
    with served():
        job = generate(count=4)
        import_some(1)
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "a.blend"))
        import_some(3)
        bpy.ops.wm.open_mainfile(filepath=str(folder / "a.blend"))
        assert names() == ["Chair 0007"]
        import_some(4)
        assert names() == ["Chair 0007", "Chair 0008", "Chair 0009", "Chair 0010"]
        assert job().status.value == "IMPORTED"


def case_an_import_that_was_left_brings_only_what_the_file_does_not_hold() -> None:
    with served():
        job = generate(count=3)
        import_some(2)
        session().stop_importing(job().id, "a test")
        bpy.data.objects.remove(bpy.data.objects["Chair 0007"])
        assert bpy.ops.unrender.job_open(job=job().key) == {"FINISHED"}
        import_some(3)
        assert names() == ["Chair 0007", "Chair 0008", "Chair 0009"]


def handlers_of_ours() -> int:
    package = part("ticker").__package__
    both = (*bpy.app.handlers.load_pre, *bpy.app.handlers.load_post)
    return sum(handler.__module__.startswith(package) for handler in both)


def case_handlers_and_timer_are_gone_when_the_add_on_is() -> None:
    module = sys.modules[part("ticker").__package__]
    callback = ticker()._callback
    assert handlers_of_ours() == 2
    module.unregister()
    try:
        assert handlers_of_ours() == 0
        assert not bpy.app.timers.is_registered(callback)
    finally:
        module.register()
    assert ticker()._callback is not callback
    assert handlers_of_ours() == 2


def case_a_mesh_is_what_blender_would_have_made_of_it() -> None:
    shape_of = part("connection.topology").find_topology
    create_mesh = part("scene.meshes").create_mesh
    vertices, faces = bumpy_sphere()
    mesh = create_mesh("fast", vertices, faces, shape_of(vertices, faces))
    plain = bpy.data.meshes.new("plain")
    plain.from_pydata(vertices.tolist(), [], faces.tolist())
    assert mesh.validate(verbose=True) is False
    assert (len(mesh.vertices), len(mesh.edges), len(mesh.loops), len(mesh.polygons)) == (
        len(plain.vertices), len(plain.edges), len(plain.loops), len(plain.polygons)
    )  # fmt: skip
    assert {tuple(sorted(edge.vertices)) for edge in mesh.edges} == {
        tuple(sorted(edge.vertices)) for edge in plain.edges
    }
    assert all(polygon.use_smooth for polygon in mesh.polygons)
    for loop, following in zip(mesh.loops, np.roll(faces, -1, axis=1).ravel(), strict=True):
        assert set(mesh.edges[loop.edge_index].vertices) == {loop.vertex_index, following}
    if hasattr(mesh, "set_sharp_from_angle"):
        sharp = [edge.use_edge_sharp for edge in mesh.edges]
        mesh.set_sharp_from_angle(angle=math.radians(50.0))
        assert [edge.use_edge_sharp for edge in mesh.edges] == sharp
        assert 10 < sum(sharp) < len(sharp) / 2


def bumpy_sphere() -> tuple[np.ndarray, np.ndarray]:
    """A closed mesh with smooth and with sharp edges: vertices [N, 3], faces [F, 3]."""
    import bmesh

    ball = bmesh.new()
    bmesh.ops.create_icosphere(ball, subdivisions=3, radius=1.0)
    noise = np.random.default_rng(0).uniform(0.75, 1.0, len(ball.verts))
    vertices = np.array([vertex.co * scale for vertex, scale in zip(ball.verts, noise, strict=True)], np.float32)
    faces = np.array([[vertex.index for vertex in face.verts] for face in ball.faces], np.int32)
    ball.free()
    return vertices, faces


def case_selecting_passes_over_what_cannot_be_selected() -> None:
    select_only = part("scene.objects").select_only
    scene = bpy.context.scene
    shown, hidden, elsewhere = (bpy.data.objects.new(name, None) for name in ("shown", "hidden", "elsewhere"))
    for thing in (shown, hidden):
        scene.collection.objects.link(thing)
    hidden.hide_set(True)
    select_only(bpy.context, [hidden, shown, elsewhere])
    assert [thing.name for thing in bpy.context.selected_objects] == ["shown"]
    assert bpy.context.view_layer.objects.active == shown
    select_only(bpy.context, [elsewhere])
    assert bpy.context.selected_objects == []
    assert bpy.context.view_layer.objects.active is None


def case_the_panel_stays_as_it_is_set_when_a_file_is_opened(folder: Path) -> None:
    def panel() -> Any:
        return bpy.context.window_manager.unrender

    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "other.blend"), copy=True)
    panel().train_folder, panel().train_name = str(folder / "plums"), "my-plums"
    panel().seed, panel().seed_locked, panel().dataset_source = 1234, True, "table"
    for opened in (
        lambda: bpy.ops.wm.open_mainfile(filepath=str(folder / "other.blend")),
        lambda: bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True),
    ):
        opened()
        assert (panel().train_folder, panel().train_name) == (str(folder / "plums"), "my-plums")
        assert (panel().seed, panel().seed_locked, panel().dataset_source) == (1234, True, "table")
        assert not panel().is_property_set("threshold"), "a default that changes with the add-on changes here"
