# SPDX-License-Identifier: Apache-2.0
"""Wishes for other meshes: one request at a time, the newest wish, one change per drag, nothing after an undo."""

from __future__ import annotations

from blender_addon.connection.problems import MESH_UNANSWERED, Problem
from blender_addon.connection.remeshing import (
    ANSWER_SECONDS,
    CHANGE_SECONDS,
    MeshSettings,
    MeshWish,
    Remeshing,
    ShapeSource,
)
from blender_addon.connection.session import Session
from blender_addon.connection.shapes import Shape
from blender_addon.connection.states import Status
from tests.blender_addon.fake_server import FakeServer, cube, wait_until

CHAIR = ShapeSource("chairs", "abc", 7, 1.0)
TUB = ShapeSource("tubs", "def", 8, 1.0)
EMPTY = Problem("empty_shape", "It is empty.", "Lower the threshold.")


def shape() -> Shape:
    return Shape(0, 7, "", *cube(0.5, 1.0))


def wish(
    remeshing: Remeshing, threshold: float, at: float = 0.0, target: str = "Chair", what: str = "threshold"
) -> None:
    remeshing.wish(what, [(target, CHAIR, MeshSettings(threshold))], 1000, at)


def answer(remeshing: Remeshing, asked: MeshWish | None, problem: Problem | None = None) -> None:
    assert asked is not None
    remeshing.answered(asked.source, asked.settings, None if problem else shape(), problem)


def test_the_newest_wish_takes_the_place_of_older_ones() -> None:
    remeshing = Remeshing()
    wish(remeshing, 0.1)
    first = remeshing.next_to_ask(0.0)
    for threshold in (0.2, 0.3, 0.4):
        wish(remeshing, threshold)
        assert remeshing.next_to_ask(0.0) is None
    answer(remeshing, first)
    second = remeshing.next_to_ask(0.0)
    assert second is not None
    assert second.settings.threshold == 0.4
    assert remeshing.next_to_ask(0.0) is None
    answer(remeshing, second)
    result = remeshing.next_result()
    assert result is not None
    assert result.wish == second, "a mesh that was not taken yet is replaced as well"
    assert remeshing.take("Chair") is result
    assert remeshing.wanted("Chair") is None
    assert remeshing.next_to_ask(0.0) is None


def test_what_an_object_is_to_become_is_known_on_the_whole_way() -> None:
    remeshing = Remeshing()
    wish(remeshing, 0.1)
    assert remeshing.wanted("Chair") == MeshSettings(0.1)
    asked = remeshing.next_to_ask(0.0)
    assert remeshing.wanted("Chair") == MeshSettings(0.1)
    wish(remeshing, 0.2)
    assert remeshing.wanted("Chair") == MeshSettings(0.2)
    answer(remeshing, asked)
    assert remeshing.wanted("Chair") == MeshSettings(0.2)
    answer(remeshing, remeshing.next_to_ask(0.0))
    assert remeshing.wanted("Chair") == MeshSettings(0.2)
    assert remeshing.wanted("Table") is None


def test_one_drag_is_one_change_and_a_pause_another_slider_or_other_objects_begin_the_next() -> None:
    remeshing = Remeshing()
    changes = []
    pause = 0.9 * CHANGE_SECONDS
    steps = (
        (0.0, "Chair", "threshold"),
        (pause, "Chair", "threshold"),
        (2 * pause, "Chair", "threshold"),
        (2 * pause + 1.1 * CHANGE_SECONDS, "Chair", "threshold"),
        (2 * pause + 1.2 * CHANGE_SECONDS, "Chair", "smoothing"),
        (2 * pause + 1.3 * CHANGE_SECONDS, "Tub", "smoothing"),
    )
    for number, (at, target, what) in enumerate(steps):
        wish(remeshing, 0.1 + 0.01 * number, at, target, what)
        asked = remeshing.next_to_ask(at)
        answer(remeshing, asked)
        result = remeshing.next_result()
        assert result is not None
        changes.append(remeshing.begins_change(result))
        remeshing.take(target)
    assert changes == [True, False, False, True, True, True]


def test_all_objects_of_a_change_are_asked_for_one_after_the_other() -> None:
    remeshing = Remeshing()
    remeshing.wish("threshold", [("A", CHAIR, MeshSettings(0.1)), ("B", TUB, MeshSettings(0.1))], 1000, 0.0)
    first = remeshing.next_to_ask(0.0)
    assert first is not None
    assert (first.target, first.source, first.max_faces) == ("A", CHAIR, 1000)
    answer(remeshing, first)
    second = remeshing.next_to_ask(0.0)
    assert second is not None
    assert second.target == "B"
    answer(remeshing, second)
    begins = []
    while (result := remeshing.next_result()) is not None:
        begins.append(remeshing.begins_change(result))
        remeshing.take(result.wish.target)
    assert begins == [True, False]


def test_after_an_undo_nothing_comes_any_more_and_the_next_wish_is_another_change() -> None:
    remeshing = Remeshing()
    wish(remeshing, 0.1)
    answer(remeshing, remeshing.next_to_ask(0.0))
    result = remeshing.take("Chair")
    assert result is not None
    wish(remeshing, 0.2)
    asked = remeshing.next_to_ask(0.0)
    remeshing.forget()
    assert remeshing.wanted("Chair") is None
    wish(remeshing, 0.3)
    assert remeshing.next_to_ask(0.0) is None, "one at a time"
    answer(remeshing, asked)
    assert remeshing.next_result() is None
    asked = remeshing.next_to_ask(0.0)
    answer(remeshing, asked)
    again = remeshing.next_result()
    assert again is not None
    assert again.wish.settings.threshold == 0.3
    assert remeshing.begins_change(again)


def test_a_problem_is_shown_until_the_next_wish_and_not_for_what_was_passed_by() -> None:
    remeshing = Remeshing()
    wish(remeshing, 0.95)
    asked = remeshing.next_to_ask(0.0)
    wish(remeshing, 0.5)
    answer(remeshing, asked, EMPTY)
    assert remeshing.problem is None
    answer(remeshing, remeshing.next_to_ask(0.0), EMPTY)
    assert remeshing.problem == EMPTY
    assert remeshing.wanted("Chair") is None
    wish(remeshing, 0.4)
    assert remeshing.problem is None


def test_an_answer_that_never_comes_is_given_up() -> None:
    remeshing = Remeshing()
    wish(remeshing, 0.1)
    asked = remeshing.next_to_ask(0.0)
    assert remeshing.next_to_ask(0.9 * ANSWER_SECONDS) is None
    assert remeshing.problem is None
    remeshing.next_to_ask(1.1 * ANSWER_SECONDS)
    assert remeshing.problem == MESH_UNANSWERED
    answer(remeshing, asked)
    assert remeshing.next_result() is None


def test_answers_to_something_else_are_void() -> None:
    remeshing = Remeshing()
    remeshing.answered(CHAIR, MeshSettings(), shape(), None)
    wish(remeshing, 0.1)
    remeshing.next_to_ask(0.0)
    remeshing.answered(CHAIR, MeshSettings(0.7), shape(), None)
    remeshing.answered(TUB, MeshSettings(0.1), shape(), None)
    assert remeshing.next_result() is None


def test_another_connection_is_asked_again_for_what_was_not_answered() -> None:
    remeshing = Remeshing()
    wish(remeshing, 0.1)
    asked = remeshing.next_to_ask(0.0)
    remeshing.ask_anew()
    assert remeshing.next_to_ask(0.0) == asked
    wish(remeshing, 0.2)
    remeshing.ask_anew()
    newest = remeshing.next_to_ask(0.0)
    assert newest is not None
    assert newest.settings.threshold == 0.2
    remeshing.ask_anew()
    remeshing.forget()
    assert remeshing.next_to_ask(0.0) is None


def test_a_session_asks_the_server_and_gets_a_mesh_or_a_sentence(connected: Session, server: FakeServer) -> None:
    connected.wish_meshes("threshold", [("Chair", CHAIR, MeshSettings(0.3))], 1000)
    wait_until(lambda: connected.remeshing.next_result() is not None, connected.poll)
    result = connected.remeshing.take("Chair")
    assert result is not None
    assert round(result.shape.size[0], 3) == 0.3
    assert (server.meshes_asked[0].seed, server.meshes_asked[0].max_faces) == (7, 1000)
    for source, settings, tag in (
        (CHAIR, MeshSettings(0.95), "empty_shape"),
        (TUB, MeshSettings(0.3), "model_changed"),
    ):
        connected.wish_meshes("threshold", [("Chair", source, settings)], 1000)
        wait_until(lambda: connected.remeshing.problem is not None, connected.poll)
        assert connected.remeshing.problem is not None
        assert connected.remeshing.problem.tag == tag


def test_a_mesh_is_asked_for_again_when_the_server_is_back(connected: Session, server: FakeServer) -> None:
    server.behaviour.held_meshes = True
    connected.wish_meshes("threshold", [("Chair", CHAIR, MeshSettings(0.3))], 1000)
    wait_until(lambda: len(server.meshes_asked) == 1, connected.poll)
    target = connected.state.target
    connected.disconnect()
    connected.connect(target)
    wait_until(lambda: connected.state.status is Status.READY, connected.poll)
    server.behaviour.held_meshes = False
    wait_until(lambda: connected.remeshing.next_result() is not None, connected.poll)


def test_without_a_server_or_with_an_older_one_there_is_a_sentence_at_once(session: Session) -> None:
    session.wish_meshes("threshold", [("Chair", CHAIR, MeshSettings(0.3))], 1000)
    assert session.remeshing.problem is not None
    assert session.remeshing.problem.tag == "not_connected"
    assert session.remeshing.wanted("Chair") is None
