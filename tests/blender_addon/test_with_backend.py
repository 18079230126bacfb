# SPDX-License-Identifier: Apache-2.0
"""The session and the real backend: its death, its refusals, its keys, and jobs that outlive a Blender."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from blender_addon.connection.backend_process import BackendProcess, BackendSettings
from blender_addon.connection.backend_search import FoundBackend
from blender_addon.connection.connection_test import ConnectionTester
from blender_addon.connection.endpoints import EndpointError, find_local, read_endpoint
from blender_addon.connection.inbox import Inbox
from blender_addon.connection.jobs import JobStatus
from blender_addon.connection.news import News
from blender_addon.connection.problems import NextStep
from blender_addon.connection.session import Session
from blender_addon.connection.socket_thread import SocketThread
from blender_addon.connection.states import Status, Target
from tests.blender_addon.fake_server import wait_until
from unrender_protocol.discovery import process_is_alive
from unrender_protocol.pairing import AllowList, Pairing, new_key_pair, read_pairing_line, write_pairing_line

UNRENDER = (sys.executable, "-m", "unrender.cli.main")
PATIENCE = 90.0  # for a backend to start, or a training to begin, on a busy machine
GENERATE = {"model": "chairs-32", "seed": 7, "count": 1, "max_faces": 500}
TRAIN = {
    "method": "voxel_gan",
    "config": "iggan-32",
    "name": "discs",
    "resume": False,
    "overrides": {
        "resolution": 16,
        "image_size": 32,
        "batch_size": 4,
        "total_images": 10_000_000,
        "evaluate_images": 16,
        "audit_samples": 2,
        "sample_minutes": 0.001,
        "checkpoint_minutes": 0.001,
        "torch_threads": 1,
        "generator.latent": 8,
        "generator.channels": [8, 8],
        "discriminator.channels": [8, 8, 8],
        "proxy.width": 8,
        "proxy.pretrain_images": 16,
        "renderer.kind": "ray_march",
    },
}


class Blender:
    """What one Blender has of the add-on, without Blender. A context manager that ends as Blender does."""

    def __init__(self, home: Path, command: tuple[str, ...] = UNRENDER, stop_with_blender: bool = True) -> None:
        inbox: Inbox[News] = Inbox()
        settings = BackendSettings("", stop_with_blender)
        found = FoundBackend(command, "~/unrender/.venv")
        backend = BackendProcess(inbox, lambda: settings, lambda _chosen: found, lambda: find_local(home))
        tester = ConnectionTester(
            inbox, lambda: settings, lambda _chosen: found, find_running=lambda: find_local(home), seconds=10.0
        )
        self.session = Session(SocketThread(inbox), backend, inbox, tester=tester)

    def __enter__(self) -> Session:
        return self.session

    def __exit__(self, *_error: object) -> None:
        self.session.close(timeout=15.0)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data home; no server is left in it, whatever a test did."""
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield tmp_path / "home"
    left = find_local(tmp_path / "home")
    if left is not None:
        os.kill(left[1], signal.SIGTERM)
        wait_until(lambda: not process_is_alive(left[1]), seconds=30.0)


def until(session: Session, done: Callable[[], object]) -> None:
    wait_until(lambda: bool(done()), session.poll, seconds=PATIENCE)


def connect(session: Session, target: Target | None = None) -> None:
    session.connect(target or Target())
    until(session, lambda: session.online or session.state.status in (Status.FAILED, Status.INCOMPATIBLE))
    assert session.online, session.state.problem


def fails(session: Session) -> None:
    until(session, lambda: session.state.status is Status.FAILED)


def server_pid(home: Path) -> int:
    running = find_local(home)
    assert running is not None
    return running[1]


def discs() -> dict[str, np.ndarray]:
    """Pictures to train on, as they travel: grey discs of 20 sizes on transparent ground."""
    import io

    from PIL import Image

    rows, columns = np.mgrid[-1:1:32j, -1:1:32j]
    files = []
    for size in np.linspace(0.3, 0.8, 20):
        inside = 255 * (rows**2 + columns**2 < size**2)
        stream = io.BytesIO()
        Image.fromarray(np.dstack([inside // 2] * 3 + [inside]).astype(np.uint8)).save(stream, "PNG")
        files.append(stream.getvalue())
    names = "\n".join(f"{index}.png" for index in range(len(files)))
    return {
        "files": np.frombuffer(b"".join(files), np.uint8),
        "file_sizes": np.array([len(file) for file in files], np.int64),
        "file_names": np.frombuffer(names.encode(), np.uint8),
    }


# The backend of this computer


def test_a_backend_that_is_killed_is_started_again_and_its_job_comes_to_its_end(home: Path) -> None:
    with Blender(home) as session:
        connect(session)
        first = server_pid(home)
        job = session.submit("generate", "chair", GENERATE)
        session.poll()
        os.kill(first, getattr(signal, "SIGKILL", signal.SIGTERM))
        until(session, lambda: session.state.status is Status.LOST)
        assert session.state.problem.tag in ("backend_exited", "lost")
        until(session, lambda: session.next_import() == (job, 0))
        second = server_pid(home)
        assert second != first
        assert session.online
    wait_until(lambda: not process_is_alive(second), seconds=30.0)


def test_a_busy_port_is_named_in_the_panel(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        program = f"import sys; from unrender.cli.main import main; sys.exit(main([*sys.argv[1:], '--port', '{port}']))"
        with Blender(home, (sys.executable, "-c", program)) as session:
            session.connect(Target())
            fails(session)
            assert session.state.problem.tag == "backend_exited"
            assert f"127.0.0.1:{port} is in use by another program" in session.state.problem.message


def test_a_data_home_that_cannot_be_written_to_is_named_in_the_panel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"  # below a file nobody can write, not even root
    monkeypatch.setenv("UNRENDER_HOME", str(home))
    with Blender(home) as session:
        session.connect(Target())
        fails(session)
        assert session.state.problem.tag == "backend_exited"
        assert str(tmp_path / "file") in session.state.problem.message
        assert "Traceback" not in session.state.problem.message


def test_a_command_that_is_no_generator_says_what_it_said(home: Path) -> None:
    with Blender(home, (sys.executable, "-m", "no_such_module")) as session:
        session.connect(Target())
        fails(session)
        assert "No module named no_such_module" in session.state.problem.message
        assert session.state.problem.action is NextStep.CONNECT


def test_a_deleted_model_is_a_sentence_with_a_next_step(home: Path) -> None:
    with Blender(home) as session:
        connect(session)
        job = session.submit("generate", "chair", {**GENERATE, "model": "gone"})
        until(session, lambda: session.jobs[job].status is JobStatus.FAILED)
        problem = session.jobs[job].problem
        assert (problem.tag, problem.action) == ("unknown_model", NextStep.REFRESH_MODELS)
        assert "gone" in problem.message


def test_models_come_with_their_pictures(home: Path) -> None:
    with Blender(home) as session:
        connect(session)
        hashes = {card.hash for card in session.state.server.models}
        assert hashes
        until(session, lambda: set(session.model_previews) == hashes)
        for picture in session.model_previews.values():
            assert (picture.dtype, picture.ndim, picture.shape[2]) == (np.uint8, 3, 3)


def test_a_blender_that_is_killed_leaves_no_backend_behind(home: Path) -> None:
    script = (
        "from tests.blender_addon.test_with_backend import *\n"
        "home = Path(sys.argv[1])\n"
        "with Blender(home) as session:\n"
        "    connect(session)\n"
        "    session.submit('generate', 'chair', GENERATE)\n"
        "    until(session, lambda: session.next_import() is not None)\n"
        "    print(server_pid(home), flush=True)\n"
        "    until(session, lambda: False)\n"
    )
    blender = subprocess.Popen([sys.executable, "-c", script, str(home)], stdout=subprocess.PIPE, text=True)
    try:
        pid = int(blender.stdout.readline())
        assert process_is_alive(pid)
    finally:
        blender.kill()
        blender.wait()
        blender.stdout.close()
    wait_until(lambda: not process_is_alive(pid), seconds=30.0)


# Jobs that outlive a Blender


def test_a_training_outlives_blender_is_found_again_paused_and_resumed(home: Path) -> None:
    with Blender(home, stop_with_blender=False) as first:
        connect(first)
        pid = server_pid(home)
        training = first.submit("train", "Training discs", TRAIN, discs(), import_when_done=False)
        made = first.submit("generate", "chair", GENERATE)
        until(first, lambda: first.jobs[training].phase == "adversarial" and training in first.previews)
        until(first, lambda: made in first.shapes)
    assert process_is_alive(pid), "it goes on without Blender"

    with Blender(home, stop_with_blender=False) as second:
        connect(second)
        assert server_pid(home) == pid
        until(second, lambda: training in second.jobs and made in second.jobs)
        until(second, lambda: training in second.previews and training in second.scores)
        assert second.jobs[training].status is JobStatus.RUNNING
        assert second.scores[training].shape[1] == 2
        until(second, lambda: made in second.shapes)
        assert second.next_import() is None, "it waits until the artist opens it"
        second.import_all(made)
        assert second.next_import() == (made, 0)

        shown = second.jobs[training].done
        second.pause(training)
        until(second, lambda: second.jobs[training].paused)
        resumed = second.retry(training)
        until(second, lambda: second.jobs[resumed].phase == "adversarial" and second.jobs[resumed].done > 0)
        assert second.jobs[resumed].done >= shown, "it went on where it stopped"
        second.stop_backend()
        wait_until(lambda: not process_is_alive(pid), second.poll, seconds=60.0)


def test_a_training_that_was_closed_with_blender_goes_on_with_the_next_one(home: Path) -> None:
    with Blender(home) as first:
        connect(first)
        pid = server_pid(home)
        training = first.submit("train", "Training discs", TRAIN, discs(), import_when_done=False)
        until(first, lambda: first.jobs[training].phase == "adversarial" and training in first.previews)
    wait_until(lambda: not process_is_alive(pid), seconds=30.0)
    with Blender(home) as second:
        connect(second)
        until(second, lambda: training in second.jobs and second.jobs[training].phase == "adversarial")
        until(second, lambda: training in second.previews)


# Another computer


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A server with keys, on the loopback interface: its data home, and the pairing line for its first client."""
    home = tmp_path_factory.mktemp("public")
    command = [*UNRENDER, "serve", "--public", "--pair", "studio", "--host", "127.0.0.1", "--stop-with-stdin"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"UNRENDER_HOME": str(home), "OMP_NUM_THREADS": "1"},
    )
    try:
        line = next(word for text in process.stdout for word in text.split() if word.startswith("unrender://"))
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield home, line
    finally:
        process.kill()
        process.wait()


def test_the_right_pairing_line_connects_and_tests(public: tuple[Path, str], home: Path) -> None:
    target = Target(read_endpoint(f"  {public[1][:60]}\n{public[1][60:]} "))  # as mail programs break it
    with Blender(home) as session:
        connect(session, target)
        session.test_connection(target)
        until(session, lambda: not session.connection_test.running)
        assert session.connection_test.ok, session.connection_test.sentence
        assert " ms; generator " in session.connection_test.sentence


def test_a_line_of_another_server_is_refused(public: tuple[Path, str], home: Path) -> None:
    mine = read_pairing_line(public[1])
    other = Pairing(mine.address, "", new_key_pair().public, mine.keys)
    with Blender(home) as session:
        session.connect(Target(read_endpoint(write_pairing_line(other))))
        fails(session)
        assert (session.state.problem.tag, session.state.problem.action) == ("wrong_key", NextStep.OPEN_PREFERENCES)
        assert "another key" in session.state.problem.message


def test_a_client_that_was_taken_off_the_list_is_refused(public: tuple[Path, str], home: Path) -> None:
    clients = AllowList(public[0] / "keys" / "clients.txt")
    keys = clients.issue("laptop")
    mine = read_pairing_line(public[1])
    target = Target(read_endpoint(write_pairing_line(Pairing(mine.address, "", mine.server, keys))))
    with Blender(home) as session:
        connect(session, target)
        session.disconnect()
        assert clients.remove(keys.public)
        session.connect(target)
        fails(session)
        assert (session.state.problem.tag, session.state.problem.action) == ("wrong_key", NextStep.OPEN_PREFERENCES)
        assert "does not accept this key" in session.state.problem.message


def test_a_line_that_was_cut_is_known_as_such(public: tuple[Path, str]) -> None:
    for length in range(1, len(public[1])):
        with pytest.raises(EndpointError) as caught:
            read_endpoint(public[1][:length])
        assert caught.value.problem.action is NextStep.OPEN_PREFERENCES
        assert caught.value.problem.hint
    assert "not complete" in caught.value.problem.message


def test_a_plain_address_of_a_server_with_keys_is_refused(public: tuple[Path, str], home: Path) -> None:
    with Blender(home) as session:
        session.connect(Target(read_endpoint(read_pairing_line(public[1]).address)))
        fails(session)
        assert (session.state.problem.tag, session.state.problem.action) == ("wrong_key", NextStep.OPEN_PREFERENCES)
