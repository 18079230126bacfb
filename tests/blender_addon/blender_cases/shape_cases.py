# SPDX-License-Identifier: Apache-2.0
"""Cases for the sliders of selected shapes: another mesh at once, in place, one undo step per change."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import bpy

from tests.blender_addon.blender_cases.addon_cases import generate, ours, part, poll, served, session, settings
from tests.blender_addon.blender_cases.panel_cases import shown
from tests.blender_addon.fake_server import FakeServer, wait_until


def make(count: int = 1) -> list[Any]:
    """Generated boxes, all of them selected, as names."""
    job = generate(count=count)
    wait_until(lambda: job().status.value == "IMPORTED", poll)
    part("scene.objects").select_only(bpy.context, ours())
    bpy.ops.ed.undo_push(message="select")
    return [thing.name for thing in ours()]


def settle() -> None:
    """Until nothing is wished for any more."""
    remeshing = session().remeshing
    wait_until(lambda: all(remeshing.wanted(thing.name) is None for thing in ours()), poll)


def width(name: str) -> float:
    """Of a box: the threshold that it was meshed at."""
    return round(bpy.data.objects[name].dimensions.x, 3)


def case_a_slider_gives_the_selected_shapes_other_meshes_in_place() -> None:
    with served() as server:
        first, second = make(2)
        thing = bpy.data.objects[first]
        red = bpy.data.materials.new("Red")
        thing.data.materials[0] = red
        thing.location, thing.rotation_euler = (1.0, 2.0, 3.0), (0.1, 0.2, 0.3)
        thing.modifiers.new("bevel", "BEVEL")
        mesh = thing.data.name
        settings().shape_threshold = 0.25
        settle()
        assert [width(name) for name in (first, second)] == [0.25, 0.25]
        assert {asked.seed for asked in server.meshes_asked} == {7, 8}
        assert server.meshes_asked[0].max_faces == part("preferences").get_preferences(bpy.context).face_limit
        thing = bpy.data.objects[first]
        assert (thing.data.name, [slot.name for slot in thing.material_slots]) == (mesh, ["Red"])
        assert tuple(round(value, 3) for value in thing.location) == (1.0, 2.0, 3.0)
        assert [modifier.name for modifier in thing.modifiers] == ["bevel"]
        assert round(thing["unrender_threshold"], 3) == 0.25
        assert thing["unrender_smoothing"] == 1.0
        assert round(settings().shape_threshold, 3) == 0.25
        settings().shape_smoothing = 0.5
        settings().shape_resolution = "2"
        settle()
        thing = bpy.data.objects[first]
        assert round(thing.dimensions.z, 2) == 3.5, "smoothing 0.5, and a second box above the first"
        assert len(thing.data.polygons) == 24
        assert (thing["unrender_smoothing"], thing["unrender_resolution"]) == (0.5, 2)
        assert round(thing["unrender_threshold"], 3) == 0.25, "what was not moved stays"
        assert all(len(set(face.vertices)) == 3 for face in thing.data.polygons)
        assert not thing.data.validate(verbose=True)


def case_while_a_mesh_is_awaited_only_the_newest_value_is_asked_for() -> None:
    with served() as server:
        (name,) = make()
        server.behaviour.held_meshes = True
        for step in range(1, 20):
            settings().shape_threshold = 0.1 + 0.01 * step
            poll()
            assert round(settings().shape_threshold, 3) == round(0.1 + 0.01 * step, 3), "the slider is where it was put"
        wait_until(lambda: len(server.meshes_asked) == 1, poll)
        server.behaviour.held_meshes = False
        settle()
        assert [round(asked.threshold, 3) for asked in server.meshes_asked] == [0.11, 0.29]
        assert width(name) == 0.29


def case_without_undo_steps_as_in_scripts_a_drag_harms_nothing() -> None:
    with served():
        job = generate(count=1)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
        (name,) = (thing.name for thing in ours())
        for value in (0.3, 0.31, 0.32):
            settings().shape_threshold = value
            settle()
            assert width(name) == value


@contextlib.contextmanager
def undo_steps() -> Iterator[None]:
    """As in a window, where there are undo steps. `make` makes the first one."""
    ticker = part("ticker")
    before, ticker.undo_is_kept = ticker.undo_is_kept, lambda: True
    try:
        yield
    finally:
        ticker.undo_is_kept = before


def case_a_drag_is_one_undo_step_and_two_changes_are_two() -> None:
    with served() as server, undo_steps():
        (name,) = make()
        before = width(name)
        for value in (0.3, 0.31, 0.32):
            settings().shape_threshold = value
            settle()
        assert width(name) == 0.32
        settings().shape_smoothing = 0.5
        settle()
        assert len(server.meshes_asked) == 4
        bpy.ops.ed.undo()
        assert (width(name), bpy.data.objects[name]["unrender_smoothing"]) == (0.32, 1.0)
        bpy.ops.ed.undo()
        assert width(name) == before, "three meshes of one drag are one step"
        assert round(settings().shape_threshold, 2) == 0.5, "the slider follows"
        bpy.ops.ed.redo()
        assert width(name) == 0.32
        bpy.ops.ed.redo()
        assert bpy.data.objects[name]["unrender_smoothing"] == 0.5


def case_several_shapes_change_in_one_step() -> None:
    with served(), undo_steps():
        names = make(3)
        before = [width(name) for name in names]
        settings().shape_threshold = 0.7
        settle()
        assert [width(name) for name in names] == [0.7] * 3
        bpy.ops.ed.undo()
        assert [width(name) for name in names] == before


def case_what_is_undone_is_not_done_again_by_a_late_mesh() -> None:
    with served() as server, undo_steps():
        (name,) = make()
        settings().shape_threshold = 0.3
        settle()
        server.behaviour.held_meshes = True
        settings().shape_threshold = 0.4
        wait_until(lambda: len(server.meshes_asked) == 2, poll)
        bpy.ops.ed.undo()
        server.behaviour.held_meshes = False
        settings().shape_smoothing = 0.2
        settle()
        assert round(bpy.data.objects[name]["unrender_threshold"], 3) == 0.5
        assert width(name) == 0.5
        bpy.ops.ed.undo()
        assert bpy.data.objects[name]["unrender_smoothing"] == 1.0


def case_an_empty_shape_is_a_sentence_and_the_old_mesh_stays() -> None:
    with served():
        (name,) = make()
        settings().shape_threshold = 0.3
        settle()
        settings().shape_threshold = 0.93
        wait_until(lambda: session().remeshing.problem is not None, poll)
        text = shown("generate")
        assert "Seed 7 gives an empty shape at threshold 0.93." in text
        assert "Lower the threshold." in text
        settle()
        assert width(name) == 0.3
        assert round(settings().shape_threshold, 3) == 0.3, "the slider goes back"
        settings().shape_threshold = 0.6
        settle()
        assert session().remeshing.problem is None
        assert "empty shape" not in shown("generate")


def case_a_changed_model_an_older_server_and_no_server_are_sentences() -> None:
    with served() as server:
        (name,) = make()
        bpy.data.objects[name]["unrender_model_hash"] = "another"
        settings().shape_threshold = 0.3
        wait_until(lambda: session().remeshing.problem is not None, poll)
        assert "trained further" in shown("generate")
        session().disconnect()
        settings().shape_threshold = 0.35
        assert session().remeshing.problem.tag == "not_connected"
        assert "unrender.connect" in shown("generate")
        assert round(settings().shape_threshold, 2) == 0.5
        assert len(server.meshes_asked) == 1
    with older_server() as older:
        make()
        settings().shape_threshold = 0.3
        assert "The generator is older than this add-on, and cannot change meshes afterwards." in shown("generate")
        assert older.meshes_asked == []


def older_server() -> Any:
    """As `served`, but it announces no meshes."""
    fake = import_module("tests.blender_addon.blender_cases.addon_cases")

    class Older(FakeServer):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.behaviour.makes_meshes = False

    before, fake.FakeServer = fake.FakeServer, Older
    manager = fake.served()

    class Restoring:
        def __enter__(self) -> Any:
            entered = manager.__enter__()
            fake.FakeServer = before
            return entered

        def __exit__(self, *error: Any) -> Any:
            return manager.__exit__(*error)

    return Restoring()


def case_what_cannot_be_meshed_anew_is_named() -> None:
    with served() as server:
        keyed, edited, spoilt, good = make(4)
        bpy.data.objects[keyed].shape_key_add(name="Basis")
        curve = bpy.data.objects[spoilt]
        curve["unrender_seed"] = "seven"
        settings().shape_threshold = 0.3
        settle()
        assert "shape keys" in shown("generate") or "not the shape any more" in shown("generate")
        assert (width(good), width(edited)) == (0.3, 0.3)
        assert {asked.seed for asked in server.meshes_asked} == {8, 10}
        assert round(bpy.data.objects[keyed]["unrender_threshold"], 2) == 0.5


def case_a_mesh_waits_for_object_mode_and_finds_no_object_that_is_gone() -> None:
    with served() as server:
        first, second = make(2)
        server.behaviour.held_meshes = True
        settings().shape_threshold = 0.3
        wait_until(lambda: len(server.meshes_asked) == 1, poll)
        bpy.data.objects[first].name = "Throne"
        bpy.data.objects.remove(bpy.data.objects[second])
        server.behaviour.held_meshes = False
        wait_until(lambda: len(server.meshes_asked) == 2 and session().remeshing.next_result() is None, poll)
        for _ in range(20):
            poll()
        assert round(bpy.data.objects["Throne"].dimensions.x, 3) == 0.4
        part("scene.objects").select_only(bpy.context, ours())
        bpy.ops.object.mode_set(mode="EDIT")
        settings().shape_threshold = 0.35
        assert "is being edited" in shown("generate")
        bpy.ops.object.mode_set(mode="OBJECT")
        settings().shape_threshold = 0.36
        bpy.ops.object.mode_set(mode="EDIT")
        wait_until(lambda: session().remeshing.next_result() is not None, poll)
        for _ in range(20):
            poll()
        assert session().remeshing.next_result() is not None, "it waits"
        bpy.ops.object.mode_set(mode="OBJECT")
        settle()
        assert width("Throne") == 0.36


def case_a_damaged_mesh_is_refused() -> None:
    with served() as server:
        (name,) = make()
        before = width(name)
        server.behaviour.damage = lambda arrays: {**arrays, "faces": arrays["faces"] + 100}
        settings().shape_threshold = 0.3
        wait_until(lambda: session().remeshing.problem is not None, poll)
        assert "did not make the mesh" in shown("generate")
        assert width(name) == before


def case_the_panel_shows_the_active_shape_and_nothing_without_one() -> None:
    with served():
        first, second = make(2)
        assert f"{second} and 1 more" in shown("generate")
        bpy.data.objects[first].select_set(False)
        bpy.context.view_layer.objects.active = bpy.data.objects[first]
        assert second in shown("generate")
        settings().shape_threshold = 0.3
        settle()
        assert round(bpy.data.objects[first]["unrender_threshold"], 2) == 0.5
        bpy.data.objects[second].select_set(False)
        assert "shape_threshold" not in shown("generate")
        settings().shape_threshold = 0.4
        assert session().remeshing.next_to_ask(0.0) is None


def case_new_shapes_come_with_the_smoothing_and_resolution_of_the_panel() -> None:
    with served() as server:
        generate(count=1)
        settings().smoothing, settings().resolution = 0.25, "2"
        job = generate(count=1)
        wait_until(lambda: job().status.value == "IMPORTED", poll)
        first, second = (server.parameters[key] for key in server.submissions)
        assert "smoothing" not in first, "older generators refuse a word that they do not know"
        assert (second["smoothing"], second["resolution"]) == (0.25, 2)
        newest = max(ours(), key=lambda thing: thing.get("unrender_resolution", 0))
        assert (newest["unrender_smoothing"], newest["unrender_resolution"]) == (0.25, 2)


def case_scripts_change_meshes_without_a_window() -> None:
    with served():
        names = make(2)
        headless = part("headless")
        driver = headless.Driver()
        driver.change_meshes(names, threshold=0.3, resolution=2)
        assert len(bpy.data.objects[names[0]].data.polygons) == 24
        assert round(bpy.data.objects[names[1]]["unrender_threshold"], 3) == 0.3
        said = ""
        try:
            driver.change_meshes(names, threshold=0.94)
        except headless.HeadlessError as error:
            said = str(error)
        assert "empty shape" in said
