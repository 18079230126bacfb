# SPDX-License-Identifier: Apache-2.0
"""What the session does for the artist beyond the plain life of a job: pausing, simplifying, pictures, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from blender_addon.connection import problems
from blender_addon.connection.inbox import Inbox
from blender_addon.connection.jobs import PAUSE_SECONDS, JobStatus
from blender_addon.connection.model_pictures import ModelPictures
from blender_addon.connection.news import News
from blender_addon.connection.problems import (
    BAD_ADDRESS,
    INSTALL_NUMPY,
    NO_NUMPY,
    NO_PROTOCOL_LIBRARY,
    NextStep,
    mesh_too_dense,
)
from blender_addon.connection.session import Session
from blender_addon.connection.socket_thread import SocketThread
from blender_addon.connection.states import Endpoint, ModelCard, Status
from tests.blender_addon.conftest import TARGET, TIMING, NoBackend
from tests.blender_addon.fake_server import MODEL_PICTURE, SCORES, SHEET, FakeServer, wait_until
from unrender_protocol.client import Client
from unrender_protocol.transport import InProcessHub

GENERATE = {"model": "chairs", "seed": 7, "count": 3, "threshold": 0.5, "variety": 1.0}
TRAIN = {"name": "plums", "resume": False}


def reach(session: Session, job: bytes, status: JobStatus) -> None:
    wait_until(lambda: session.jobs[job].status is status, session.poll)


def reopened(hub: InProcessHub) -> Session:
    """A session of the next Blender, connected."""
    inbox: Inbox[News] = Inbox()
    link = SocketThread(inbox, lambda endpoint: Client(hub.connect(), token=endpoint.token, timing=TIMING))
    session = Session(link, NoBackend(), inbox)
    session.connect(TARGET)
    wait_until(lambda: session.state.status is Status.READY, session.poll)
    return session


def training(session: Session, server: FakeServer) -> bytes:
    server.behaviour.hold.clear()
    job = session.submit("train", "Training plums", TRAIN, import_when_done=False)
    wait_until(lambda: session.jobs[job].phase == "adversarial" and job in session.scores, session.poll)
    return job


# Pausing


def test_a_training_is_paused_with_patience_and_resumed_as_its_own_run(connected: Session, server: FakeServer) -> None:
    job = training(connected, server)
    connected.pause(job)
    assert connected.jobs[job].status is JobStatus.CANCELLING
    wait_until(lambda: connected.jobs[job].paused, connected.poll)
    assert server.patience == {job: PAUSE_SECONDS}
    resumed = connected.retry(job)
    assert list(connected.jobs) == [resumed]
    assert np.array_equal(connected.previews[resumed], SHEET), "the run's sheet and scores go on showing"
    assert np.array_equal(connected.scores[resumed], SCORES)
    reach(connected, resumed, JobStatus.RUNNING)
    assert server.parameters[resumed] == {**TRAIN, "resume": True}


def test_a_stop_has_no_patience_and_is_no_pause(connected: Session, server: FakeServer) -> None:
    job = training(connected, server)
    connected.cancel(job)
    reach(connected, job, JobStatus.CANCELLED)
    assert server.patience == {job: 0.0}
    assert not connected.jobs[job].paused


def test_a_paused_training_waits_for_the_next_blender(
    hub: InProcessHub, connected: Session, server: FakeServer
) -> None:
    older = training(connected, server)
    connected.pause(older)
    wait_until(lambda: connected.jobs[older].paused, connected.poll)
    newer = connected.retry(older)
    reach(connected, newer, JobStatus.RUNNING)
    connected.pause(newer)
    wait_until(lambda: connected.jobs[newer].paused, connected.poll)
    connected.close()
    session = reopened(hub)
    try:
        wait_until(lambda: newer in session.jobs, session.poll)
        assert session.jobs[newer].paused
        assert older not in session.jobs, "of one run, the newest job is enough"
        session.remove(newer)
        session.disconnect()
        session.connect(TARGET)
        wait_until(lambda: session.online and len(session.log) > 0, session.poll)
        server.behaviour.hold.set()
        done = session.submit("generate", "chairs", GENERATE)  # answered after the list of jobs
        reach(session, done, JobStatus.DONE)
        assert list(session.jobs) == [done], "what was taken off the list stays off it"
    finally:
        session.close()


def test_an_adopted_training_shows_its_sheet_and_scores(
    hub: InProcessHub, connected: Session, server: FakeServer
) -> None:
    job = training(connected, server)
    assert np.array_equal(connected.previews[job], SHEET)
    assert np.array_equal(connected.scores[job], SCORES)
    wait_until(lambda: connected.jobs[job].done == 3, connected.poll)
    assert np.array_equal(connected.scores[job], SCORES), "progress without scores takes none away"
    connected.cancel(job)
    reach(connected, job, JobStatus.CANCELLED)
    connected.remove(job)
    assert (dict(connected.previews), dict(connected.scores)) == ({}, {})


# Too many faces


def test_a_mesh_above_the_limit_is_kept_with_a_sentence_and_simplified_on_request(
    connected: Session, server: FakeServer
) -> None:
    job = connected.submit("generate", "chairs", GENERATE)
    wait_until(lambda: connected.next_import() == (job, 0), connected.poll)
    connected.imported(job, 0)
    connected.refuse_import(job, mesh_too_dense(12, 10))
    assert connected.next_import() is None
    assert connected.jobs[job].problem.action is NextStep.SIMPLIFY
    assert len(connected.shapes[job]) == 3
    simpler = connected.simplify(job, 10)
    assert list(connected.jobs) == [simpler]
    wait_until(lambda: connected.next_import() is not None, connected.poll)
    assert server.parameters[simpler] == {**GENERATE, "max_faces": 10}
    assert connected.next_import() == (simpler, 1), "the first one is in the scene already"
    connected.imported(simpler, 1)
    connected.imported(simpler, 2)
    assert connected.jobs[simpler].status is JobStatus.IMPORTED


# Pictures of models


def test_pictures_of_models_come_and_are_asked_for_once_per_weights(
    hub: InProcessHub, session: Session, server: FakeServer
) -> None:
    session.connect(TARGET)
    wait_until(lambda: "abc" in session.model_previews, session.poll)
    assert np.array_equal(session.model_previews["abc"], MODEL_PICTURE)
    session.disconnect()
    session.connect(TARGET)
    wait_until(lambda: session.online, session.poll)
    for _ in range(2):
        session.refresh_models()  # now there is another model, without a picture
        wait_until(lambda: server.pictures_asked == ["chairs", "tubs"], session.poll)
    done = session.submit("generate", "chairs", GENERATE)  # answered after all that was asked before
    reach(session, done, JobStatus.DONE)
    assert server.pictures_asked == ["chairs", "tubs"]
    assert dict(session.model_previews) == {}, "of models that the server does not have any more, none are kept"


def test_a_server_that_sends_no_pictures_is_not_asked(session: Session, server: FakeServer) -> None:
    server.behaviour.sends_pictures = False
    session.connect(TARGET)
    wait_until(lambda: session.online, session.poll)
    session.refresh_models()
    wait_until(lambda: session.state.server.models[0].name == "tubs", session.poll)
    assert server.pictures_asked == []


def test_pictures_are_asked_for_one_at_a_time() -> None:
    pictures = ModelPictures()
    models = tuple(ModelCard(name, hash=f"hash of {name}") for name in "abc")
    assert pictures.next_to_ask(models) == "a"
    assert pictures.next_to_ask(models) is None, "the answer is awaited"
    pictures.answered("a", "hash of a", MODEL_PICTURE, models)
    assert pictures.next_to_ask(models) == "b"
    pictures.answered("b", "", None, models)  # no answer came
    assert pictures.next_to_ask(models) == "c"
    pictures.ask_anew()  # another connection: that answer will not come
    assert pictures.next_to_ask(models) == "c"
    pictures.answered("c", "hash of c", None, models)  # it has no picture
    assert pictures.next_to_ask(models) is None
    retrained = (ModelCard("a", hash="other"), *models[1:])
    assert pictures.next_to_ask(retrained) == "a"
    assert list(pictures.pictures) == []


# Refusals


def test_settings_that_lead_nowhere_show_in_the_panel(session: Session) -> None:
    session.refuse_to_connect(BAD_ADDRESS)
    assert (session.state.status, session.state.problem) == (Status.FAILED, BAD_ADDRESS)


def test_settings_that_lead_nowhere_leave_a_good_connection_alone(connected: Session) -> None:
    connected.refuse_to_connect(BAD_ADDRESS)
    assert (connected.state.status, connected.state.problem) == (Status.READY, None)


@pytest.mark.parametrize(
    ("missing", "problem"),
    [
        pytest.param("numpy", NO_NUMPY, id="numpy"),
        pytest.param("numpy.core", NO_NUMPY, id="part-of-numpy"),
        pytest.param("zmq", NO_PROTOCOL_LIBRARY, id="zmq"),
    ],
)
def test_a_library_that_this_blender_lacks_is_named(missing: str, problem: object) -> None:
    def open_client(_endpoint: Endpoint) -> Client:
        raise ImportError(f"No module named {missing!r}", name=missing)

    inbox: Inbox[News] = Inbox()
    session = Session(SocketThread(inbox, open_client), NoBackend(), inbox)
    session.connect(TARGET)
    wait_until(lambda: session.state.status is Status.FAILED, session.poll)
    assert session.state.problem == problem
    session.close()


def test_what_to_install_can_be_copied() -> None:
    assert (NO_NUMPY.action, NO_NUMPY.command) == (NextStep.COPY_INSTALL_COMMAND, INSTALL_NUMPY)


def test_every_problem_says_what_to_do() -> None:
    known = [value for value in vars(problems).values() if isinstance(value, problems.Problem)]
    for problem in (*known, problems.backend_exited(1, "No module."), problems.mesh_too_dense(2, 1)):
        assert problem.message.endswith("."), problem
        assert problem.hint.endswith("."), problem
        assert problem.action is not NextStep.NONE, problem


def test_a_generator_that_was_killed_is_not_quoted() -> None:
    assert "It said: no torch here" in problems.backend_exited(1, "no torch here").message
    assert problems.backend_exited(-9, "Job 7e3b: cancelled.").message == "The generator stopped (exit code -9)."
