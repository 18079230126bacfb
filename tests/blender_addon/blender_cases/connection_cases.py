# SPDX-License-Identifier: Apache-2.0
"""Cases for the preferences and the operators around the connection and the list of jobs, in Blender's Python."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy

from tests.blender_addon.blender_cases.addon_cases import (
    PACKAGE,
    dense_shape,
    error_of,
    generate,
    ours,
    part,
    poll,
    served,
    session,
    status,
)
from tests.blender_addon.blender_cases.fake_layout import draw
from tests.blender_addon.fake_server import wait_until


def preferences() -> Any:
    return bpy.context.preferences.addons[PACKAGE].preferences


def shown() -> str:
    """What the preferences show now."""
    stand_in = part("preferences").UNRENDER_AP_preferences

    class Drawn:
        poll = staticmethod(lambda _context: True)

        @staticmethod
        def draw(panel: Any, context: Any) -> None:
            stand_in.draw(_with_layout(panel.layout), context)

    return draw(Drawn)


def _with_layout(layout: Any) -> Any:
    """The real preferences, drawing on another layout."""
    own = preferences()

    class Redirected:
        bl_rna = own.bl_rna

        def __getattr__(self, name: str) -> Any:
            found = getattr(type(own), name, None)
            return found.__get__(self) if callable(found) else getattr(own, name)

    redirected = Redirected()
    redirected.layout = layout
    return redirected


@contextmanager
def local(**chosen: Any) -> Iterator[None]:
    """The preferences say: this computer."""
    own = preferences()
    own.location = "LOCAL"
    for name, value in chosen.items():
        setattr(own, name, value)
    try:
        yield
    finally:
        session().disconnect()
        for name in chosen:
            own.property_unset(name)
        own.location = "REMOTE"


def case_the_preferences_of_this_computer_say_where_the_generator_is(folder: Path) -> None:
    with local(backend=str(folder)):
        wait_until(lambda: session().backend_place == "", poll)
        text = shown()
        for command in part("connection.problems").INSTALL_COMMANDS.splitlines():
            assert command in text
        assert "unrender.copy_install_command" in text
        preferences().backend = sys.executable
        wait_until(lambda: session().backend_place, poll)
        assert f"Found: {session().backend_place}" in shown()
        assert "stop_with_blender" in shown()
        assert "unrender.stop_backend" not in shown()
        preferences().stop_with_blender = False
        assert "unrender.stop_backend" in shown()
        assert part("preferences").backend_settings() == part("connection.backend_process").BackendSettings(
            sys.executable, False
        )
        preferences().property_unset("stop_with_blender")
        assert "No telemetry" in shown()


def case_the_preferences_of_another_computer_say_how_to_get_a_pairing_line() -> None:
    own = preferences()
    own.location, own.pairing = "REMOTE", ""
    assert "unrender serve --host 0.0.0.0 --port 7707 --public --pair NAME" in shown()
    assert "no pairing line yet" in error_of(bpy.ops.unrender.connect)
    assert "no pairing line yet" in error_of(bpy.ops.unrender.test_connection)
    own.pairing = "unrender://x"
    assert "--public" not in shown()
    for allowed in (True, False):
        bpy.context.preferences.system.use_online_access = allowed
        assert ("offline mode" in shown()) == (not allowed)
        assert ("unrender.allow_online" in shown()) == (not allowed)


def case_a_pairing_line_is_never_shown_in_clear() -> None:
    assert preferences().bl_rna.properties["pairing"].subtype == "PASSWORD"


def case_a_test_of_the_connection_is_told_in_the_preferences() -> None:
    with served():
        assert bpy.ops.unrender.test_connection() == {"FINISHED"}
        assert "Testing" in shown()
        assert not bpy.ops.unrender.test_connection.poll()
        wait_until(lambda: not session().connection_test.running, poll)
        assert session().connection_test.ok
        for words in ("Connected in", "generator 9.9.9", "Test device"):
            assert words in shown()
        assert status() in ("READY", "BUSY")


def case_without_a_generator_the_panel_says_how_to_make_one(folder: Path) -> None:
    with local(backend=str(folder / "nothing")):
        assert bpy.ops.unrender.connect() == {"FINISHED"}
        wait_until(lambda: status() == "FAILED", poll)
        problem = session().state.problem
        assert (problem.tag, problem.action.value) == ("no_backend", "OPEN_PREFERENCES")
        assert str(folder / "nothing") in problem.message
        assert bpy.ops.unrender.copy_install_command() == {"FINISHED"}


def case_starting_with_blender_is_off_until_it_is_wanted(folder: Path) -> None:
    started = part("registration")._blender_has_started
    with local(backend=str(folder)):
        session().backend_place = None
        started()
        assert status() == "OFFLINE"
        wait_until(lambda: session().backend_place is not None, poll)
        preferences().start_with_blender = True
        started()
        assert status() == "STARTING"
        preferences().property_unset("start_with_blender")
    assert preferences().stop_with_blender


def case_the_start_is_awaited_by_a_timer_that_is_taken_back() -> None:
    module, started = sys.modules[PACKAGE], part("registration")._blender_has_started
    module.unregister()
    assert not bpy.app.timers.is_registered(started)
    module.register()
    assert bpy.app.timers.is_registered(started)


def case_a_mesh_above_the_limit_is_simplified_by_the_button() -> None:
    with served() as server:
        job = generate(count=1)
        wait_until(lambda: session().next_import() is not None, session().poll)
        session().shapes[job().id] = (dense_shape(job().id),)
        preferences().face_limit = 100
        try:
            wait_until(lambda: job().problem is not None, poll)
            assert (job().status.value, job().problem.action.value) == ("DONE", "SIMPLIFY")
            assert ours() == []
            assert bpy.ops.unrender.job_simplify(job=job().key) == {"FINISHED"}
            wait_until(lambda: len(ours()) == 1, poll)
            (made,) = session().jobs.values()
            assert server.parameters[made.id]["max_faces"] == 100
        finally:
            preferences().property_unset("face_limit")


def case_a_training_is_paused_and_resumed_by_buttons(folder: Path) -> None:
    (folder / "a.png").write_bytes(b"photo")
    with served() as server:
        server.behaviour.hold.clear()
        known = set(session().jobs)
        assert bpy.ops.unrender.train_start(directory=str(folder), run="plums") == {"FINISHED"}
        key = next(job for job in session().jobs if job not in known)
        wait_until(lambda: session().jobs[key].phase == "adversarial", poll)
        assert bpy.ops.unrender.job_pause(job=key.hex()) == {"FINISHED"}
        wait_until(lambda: session().jobs[key].paused, poll)
        assert bpy.ops.unrender.job_retry(job=key.hex()) == {"FINISHED"}
        wait_until(lambda: [job.status.value for job in session().jobs.values()] == ["RUNNING"], poll)
        (again,) = session().jobs
        assert server.parameters[again]["resume"] is True
        server.behaviour.hold.set()
        wait_until(lambda: session().jobs[again].status.value == "IMPORTED", poll)


def case_models_are_asked_for_again_by_the_button() -> None:
    with served():
        assert bpy.ops.unrender.refresh_models() == {"FINISHED"}
        wait_until(lambda: session().state.server.models[0].name == "tubs", poll)
    assert not bpy.ops.unrender.refresh_models.poll()


def case_a_problem_without_a_next_step_of_its_own_still_has_a_sentence() -> None:
    """Every tag that a server may send becomes a problem; those that are not known have no button."""
    said = part("connection.problems").said_by_server
    assert said("something_new", "A sentence.", "A hint.").action.value == "NONE"
    assert dataclasses.astuple(said("unknown_model", "A.", "B."))[:3] == ("unknown_model", "A.", "B.")
