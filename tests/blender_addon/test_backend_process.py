# SPDX-License-Identifier: Apache-2.0
"""The supervised child: found, started, heard, stopped; and somebody else's server used instead of one of our own."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blender_addon.connection.backend_process import BackendProcess, BackendSettings
from blender_addon.connection.backend_search import FoundBackend
from blender_addon.connection.endpoints import find_local
from blender_addon.connection.events import BackendExited, BackendStarted
from blender_addon.connection.inbox import Inbox
from blender_addon.connection.news import BackendNews, BackendSearched, LogLine, News
from blender_addon.connection.states import Endpoint
from tests.blender_addon.fake_server import wait_until
from unrender_protocol.discovery import LocalServer, process_is_alive, publish_local_server
from unrender_protocol.pairing import Pairing, write_pairing_line

LINE = write_pairing_line(Pairing("tcp://127.0.0.1:4711", "secretword"))
BACKENDS = {
    "good": f"import os, sys; print('hello', os.getpid()); print({LINE!r}, flush=True); sys.stdin.read(); print('bye')",
    "slow to end": (
        "import os, sys, time; print('hello', os.getpid()); "
        f"print({LINE!r}, flush=True); sys.stdin.read(); time.sleep(0.7)"
    ),
    "broken": "import sys; print('ImportError: no torch here'); sys.exit(3)",
    "free": (
        "import os, signal, sys, time; from pathlib import Path; assert '--stop-with-stdin' not in sys.argv\n"
        "from unrender_protocol.discovery import LocalServer, data_home, publish_local_server\n"
        "import socket; listener = socket.create_server(('127.0.0.1', 0)); port = listener.getsockname()[1]\n"
        "server = LocalServer(f'tcp://127.0.0.1:{port}', 'secretword', os.getpid())\n"
        "publish_local_server(data_home(), server)\n"
        f"print({LINE!r}, flush=True); time.sleep(600)"
    ),
    "deaf": f"import time; print({LINE!r}, flush=True); time.sleep(600)",
}


class Listener:
    """Collects the news of a backend process."""

    def __init__(
        self,
        backend: str | None,
        find_running: Callable[[], tuple[Endpoint, int] | None] = lambda: None,
        stop_with_blender: bool = True,
        chosen: str = "",
    ) -> None:
        self.inbox: Inbox[News] = Inbox()
        self.news: list[News] = []
        found = FoundBackend((sys.executable, "-c", BACKENDS[backend]), "~/place") if backend else None
        settings = BackendSettings(chosen, stop_with_blender)
        self.process = BackendProcess(self.inbox, lambda: settings, lambda _chosen: found, find_running)

    def wait_for(self, kind: type) -> BackendNews:
        wait_until(lambda: self.find(kind) is not None, self.read)
        found = self.find(kind)
        assert found is not None
        return found

    def find(self, kind: type) -> BackendNews | None:
        return next((n for n in self.news if isinstance(n, BackendNews) and isinstance(n.event, kind)), None)

    def read(self) -> None:
        while (news := self.inbox.take()) is not None:
            self.news.append(news)

    @property
    def log(self) -> str:
        self.read()
        return "\n".join(news.text for news in self.news if isinstance(news, LogLine))


@pytest.fixture
def listen() -> Iterator[Callable[..., Listener]]:
    made: list[Listener] = []

    def make(*arguments: object, **named: object) -> Listener:
        made.append(Listener(*arguments, **named))
        return made[-1]

    yield make
    for listener in made:
        listener.process.shut_down(10)


def test_a_child_says_where_it_listens_and_ends_when_its_standard_input_does(listen: Callable[..., Listener]) -> None:
    listener = listen("good")
    number = listener.process.start()
    started = listener.wait_for(BackendStarted)
    assert started.source == number
    assert started.event.endpoint == Endpoint("tcp://127.0.0.1:4711", "secretword")
    wait_until(lambda: "hello" in listener.log)
    pid = int(listener.log.split("hello")[1].split()[0])
    listener.process.stop()
    wait_until(lambda: not process_is_alive(pid))
    listener.wait_for(BackendExited)
    assert "bye" in listener.log, "it ended by itself, not by force"
    assert "secretword" not in listener.log


def test_a_start_right_after_a_stop_waits_for_the_old_child_instead_of_using_it(
    listen: Callable[..., Listener],
) -> None:
    old: list[int] = []

    def find_running() -> tuple[Endpoint, int] | None:
        return (Endpoint("tcp://127.0.0.1:1", "old"), old[0]) if old and process_is_alive(old[0]) else None

    listener = listen("slow to end", find_running)
    listener.process.start()
    listener.wait_for(BackendStarted)
    wait_until(lambda: "hello" in listener.log)
    old.append(int(listener.log.split("hello")[1].split()[0]))
    listener.process.stop()
    listener.news.clear()
    number = listener.process.start()
    wait_until(lambda: (listener.find(BackendStarted) or BackendNews(0, None)).source == number, listener.read)
    assert listener.find(BackendStarted).event.endpoint == Endpoint("tcp://127.0.0.1:4711", "secretword")
    assert not process_is_alive(old[0])


def test_a_child_that_cannot_start_says_why(listen: Callable[..., Listener]) -> None:
    listener = listen("broken")
    listener.process.start()
    problem = listener.wait_for(BackendExited).event.problem
    assert problem.tag == "backend_exited"
    assert "exit code 3" in problem.message
    assert "no torch here" in problem.message


def test_without_a_backend_the_next_step_is_named(listen: Callable[..., Listener]) -> None:
    listener = listen(None)
    listener.process.start()
    problem = listener.wait_for(BackendExited).event.problem
    assert problem.tag == "no_backend"
    assert "preferences" in problem.hint


def test_a_child_that_does_not_listen_is_ended_by_force(
    listen: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blender_addon.connection.backend_process.STOP_SECONDS", 0.2)
    listener = listen("deaf")
    listener.process.start()
    listener.wait_for(BackendStarted)
    listener.process.stop()
    listener.wait_for(BackendExited)


def test_a_server_that_runs_already_is_used_and_its_end_noticed(
    listen: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    monkeypatch.setattr("blender_addon.connection.backend_process.WATCH_SECONDS", 0.02)
    somebody = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    listener = listen("broken", lambda: (Endpoint("tcp://127.0.0.1:1"), somebody.pid))
    listener.process.start()
    assert listener.wait_for(BackendStarted).event.endpoint.address == "tcp://127.0.0.1:1"
    listener.process.stop()
    listener.process.shut_down(5)
    assert somebody.poll() is None, "it is not ours to stop"
    listener.process.start()
    somebody.kill()
    somebody.wait()
    listener.wait_for(BackendExited)


def test_a_child_that_outlives_blender_is_known_by_its_file_and_left_alone(
    listen: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("blender_addon.connection.backend_process.LOOK_SECONDS", 0.02)
    monkeypatch.setattr("blender_addon.connection.backend_process.WATCH_SECONDS", 0.02)
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path))
    listener = listen("free", stop_with_blender=False, find_running=lambda: find_local(tmp_path))
    listener.process.start()
    endpoint = listener.wait_for(BackendStarted).event.endpoint
    endpoint_and_pid = find_local(tmp_path)
    assert endpoint_and_pid is not None
    assert (endpoint.token, endpoint) == ("secretword", endpoint_and_pid[0])
    pid = endpoint_and_pid[1]
    try:
        listener.process.shut_down(10)
        assert process_is_alive(pid), "it goes on without Blender"
        log = tmp_path / "log" / "serve.log"
        assert "secretword" in log.read_text()
        assert sys.platform == "win32" or log.stat().st_mode & 0o077 == 0, "what it prints is a secret"
        again = listen("broken", stop_with_blender=False, find_running=lambda: find_local(tmp_path))
        again.process.start()
        assert again.wait_for(BackendStarted).event.endpoint.token == "secretword"
        again.process.stop_running()
        again.wait_for(BackendExited)
    finally:
        if process_is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def test_a_free_child_that_cannot_start_says_why(
    listen: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path))
    listener = listen("broken", stop_with_blender=False)
    listener.process.start()
    problem = listener.wait_for(BackendExited).event.problem
    assert (problem.tag, "no torch here" in problem.message) == ("backend_exited", True)


def test_a_free_child_without_a_place_for_its_log_says_so(
    listen: Callable[..., Listener], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "log").touch()  # no folder can be made here, not even by root
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path))
    listener = listen("free", stop_with_blender=False)
    listener.process.start()
    problem = listener.wait_for(BackendExited).event.problem
    assert problem.tag == "not_writable"
    assert str(tmp_path / "log") in problem.message


def test_a_chosen_folder_without_a_generator_is_named(listen: Callable[..., Listener]) -> None:
    listener = listen(None, chosen="/somewhere/else")
    listener.process.start()
    problem = listener.wait_for(BackendExited).event.problem
    assert (problem.tag, "/somewhere/else" in problem.message) == ("no_backend", True)


def test_looking_for_the_backend_tells_its_place(listen: Callable[..., Listener]) -> None:
    listener = listen("good")
    listener.process.look()
    wait_until(lambda: BackendSearched("~/place") in listener.news, listener.read)
    nowhere = listen(None)
    nowhere.process.look()
    wait_until(lambda: BackendSearched("") in nowhere.news, nowhere.read)


def test_of_two_looks_the_later_counts_however_long_the_first_takes() -> None:
    inbox: Inbox[News] = Inbox()
    settings = [BackendSettings("old")]
    go_on = threading.Event()

    def search(chosen: str) -> FoundBackend:
        if chosen == "old":
            go_on.wait(20)
        return FoundBackend((chosen,), chosen)

    process = BackendProcess(inbox, lambda: settings[0], search, lambda: None)
    process.look()
    settings[0] = BackendSettings("new")
    process.look()
    wait_until(lambda: len(inbox) == 1)
    go_on.set()
    wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name == "unrender-search"])
    assert (inbox.take(), inbox.take()) == (BackendSearched("new"), None)


def test_the_file_of_a_server_that_was_killed_is_not_believed_whoever_has_its_number_now(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        publish_local_server(tmp_path, LocalServer(address, "word", os.getpid()))
        assert find_local(tmp_path) == (Endpoint(address, "word"), os.getpid())
    assert find_local(tmp_path) is None, "the process lives, and nobody listens"
