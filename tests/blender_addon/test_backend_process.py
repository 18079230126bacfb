# SPDX-License-Identifier: Apache-2.0
"""The supervised child: found, started, heard, stopped; and somebody else's server used instead of one of our own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blender_addon.connection.backend_process import BackendProcess, find_backend
from blender_addon.connection.events import BackendExited, BackendStarted
from blender_addon.connection.inbox import Inbox
from blender_addon.connection.news import BackendNews, LogLine, News
from blender_addon.connection.states import Endpoint
from tests.blender_addon.fake_server import wait_until
from unrender_protocol.discovery import process_is_alive
from unrender_protocol.pairing import Pairing, write_pairing_line

LINE = write_pairing_line(Pairing("tcp://127.0.0.1:4711", "secretword"))
BACKENDS = {
    "good": f"import os, sys; print('hello', os.getpid()); print({LINE!r}, flush=True); sys.stdin.read(); print('bye')",
    "broken": "import sys; print('ImportError: no torch here'); sys.exit(3)",
    "deaf": f"import time; print({LINE!r}, flush=True); time.sleep(600)",
}


class Listener:
    """Collects the news of a backend process."""

    def __init__(self, backend: str | None, running: tuple[Endpoint, int] | None = None) -> None:
        self.inbox: Inbox[News] = Inbox()
        self.news: list[News] = []
        command = [sys.executable, "-c", BACKENDS[backend]] if backend else None
        self.process = BackendProcess(self.inbox, lambda: command, lambda: running)

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

    def make(*arguments: object) -> Listener:
        made.append(Listener(*arguments))
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
    listener = listen("broken", (Endpoint("tcp://127.0.0.1:1"), somebody.pid))
    listener.process.start()
    assert listener.wait_for(BackendStarted).event.endpoint.address == "tcp://127.0.0.1:1"
    listener.process.stop()
    listener.process.shut_down(5)
    assert somebody.poll() is None, "it is not ours to stop"
    listener.process.start()
    somebody.kill()
    somebody.wait()
    listener.wait_for(BackendExited)


def test_the_backend_is_looked_for_in_preferences_variable_checkout_and_path(tmp_path: Path) -> None:
    def environment(name: str) -> Path:
        folder = tmp_path / name / ("Scripts" if sys.platform == "win32" else "bin")
        folder.mkdir(parents=True)
        (folder / ("unrender.exe" if sys.platform == "win32" else "unrender")).touch()
        return folder.parent

    addon = tmp_path / "checkout" / "blender_addon"
    addon.mkdir(parents=True)
    assert find_backend("", addon, {"PATH": ""}) is None
    on_path = environment("path")
    path = os.fspath(on_path / ("Scripts" if sys.platform == "win32" else "bin"))
    assert find_backend("", addon, {"PATH": path}) == [str(next(on_path.rglob("unrender*")))]
    beside = environment("checkout/.venv")
    assert find_backend("", addon, {"PATH": path}) == [str(next(beside.rglob("unrender*")))]
    named = environment("named")
    variables = {"PATH": path, "UNRENDER_BACKEND": str(named)}
    assert find_backend("", addon, variables) == [str(next(named.rglob("unrender*")))]
    chosen = environment("chosen")
    assert find_backend(str(chosen), addon, variables) == [str(next(chosen.rglob("unrender*")))]
    assert find_backend(sys.executable, addon, variables) == [sys.executable, "-m", "unrender.cli.main"]
    assert find_backend(str(tmp_path / "nothing"), addon, variables) is None, "a choice that is wrong is not overruled"
