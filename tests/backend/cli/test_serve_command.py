# SPDX-License-Identifier: Apache-2.0
"""`unrender serve` as a process: what it prints, how a client gets in, and how it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from unrender_protocol.client import Client
from unrender_protocol.discovery import find_local_server
from unrender_protocol.events import Arrived, Connected
from unrender_protocol.messages import JobDone, JobFailed
from unrender_protocol.pairing import Pairing, read_pairing_line
from unrender_protocol.zmq_transport import ZmqTransport

LIMIT = 60.0
Unrender = Callable[..., Any]


@contextmanager
def serving(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Pairing]]:
    """A server and what its pairing line says."""
    environment = {**os.environ, "UNRENDER_HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-m", "unrender.cli.main", "serve", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        assert "listens on tcp://" in process.stdout.readline()
        yield process, read_pairing_line(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


def arrived(client: Client, kinds: tuple[type, ...]) -> Arrived:
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        for event in client.poll(0.1):
            if isinstance(event, Arrived) and isinstance(event.message, kinds):
                return event
    raise AssertionError("no answer came")


def test_a_client_generates_with_the_model_that_it_was_offered(home: Path, model: Path) -> None:
    with (
        serving(home) as (_, pairing),
        Client(ZmqTransport(pairing.address, pairing.security()), token=pairing.token) as client,
    ):
        end = time.monotonic() + LIMIT
        welcome = None
        while welcome is None and time.monotonic() < end:
            welcome = next((event.welcome for event in client.poll(0.1) if isinstance(event, Connected)), None)
        assert welcome is not None
        assert "stools-8" in [summary.name for summary in welcome.models]
        assert welcome.capabilities == ("generate", "render_dataset", "train", "model_previews", "meshes")
        assert [device.kind for device in welcome.devices][-1] == "cpu"

        client.submit("generate", {"model": "stools-8", "seed": 7, "count": 2})
        done = arrived(client, (JobDone, JobFailed)).message
        assert isinstance(done, JobDone), done
        assert done.result["shapes"] == [
            {"index": 0, "seed": 7, "name": "stool_0007"},
            {"index": 1, "seed": 8, "name": "stool_0008"},
        ]
        client.fetch(done.job, done.nbytes)
        arrays = arrived(client, (JobDone,)).arrays
        assert sorted(arrays) == ["faces_0", "faces_1", "vertices_0", "vertices_1"]
        assert arrays["vertices_0"].dtype == "float32"
        assert arrays["faces_0"].max() == len(arrays["vertices_0"]) - 1

        client.submit("generate", {"model": str(model)})
        failed = arrived(client, (JobDone, JobFailed)).message
        assert isinstance(failed, JobFailed)
        assert failed.tag == "unknown_model"


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_all_its_processes(home: Path, number: int) -> None:
    with serving(home) as (process, pairing):
        found = find_local_server(home)
        assert found is not None
        assert (found.address, found.token, found.pid) == (pairing.address, pairing.token, process.pid)
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(number)
        assert process.wait(LIMIT) == 0
        assert psutil.wait_procs(children, timeout=LIMIT)[1] == []
        assert not (home / "server.json").exists()


def test_it_ends_when_its_standard_input_closes(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "scratch" / "server.json"
    with serving(home, "--stop-with-stdin", "--discovery", str(elsewhere)) as (process, _):
        assert find_local_server(elsewhere.parent) is not None
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(LIMIT) == 0
        assert not elsewhere.exists()


def test_a_client_of_a_public_server_enters_with_the_printed_line(home: Path) -> None:
    with (
        serving(home, "--public", "--pair", "laptop") as (_, pairing),
        Client(ZmqTransport(pairing.address, pairing.security())) as client,
    ):
        assert pairing.token == ""
        assert pairing.keys is not None
        end = time.monotonic() + LIMIT
        while not any(isinstance(event, Connected) for event in client.poll(0.1)):
            assert time.monotonic() < end
    assert not (home / "server.json").exists()
    assert "laptop" in (home / "keys" / "clients.txt").read_text()


@pytest.fixture
def keeps_signals() -> Iterator[None]:
    """`unrender serve` in this process takes over the signals; give them back."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("keeps_signals")
class TestRefusals:
    """Reasons not to start: one sentence each."""

    def test_an_open_address_without_keys(self, unrender: Unrender) -> None:
        outcome = unrender("serve", "--host", "0.0.0.0")
        assert outcome.code == 1
        assert "0.0.0.0 can be reached by other computers" in outcome.err
        assert "--public --pair NAME" in outcome.err

    def test_a_public_server_that_nobody_may_enter(self, unrender: Unrender) -> None:
        outcome = unrender("serve", "--host", "0.0.0.0", "--public")
        assert outcome.code == 1
        assert "No client may connect" in outcome.err

    def test_a_busy_port(self, unrender: Unrender) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            outcome = unrender("serve", "--port", port)
        assert outcome.code == 1
        assert f"127.0.0.1:{port} is in use by another program" in outcome.err
        assert len(outcome.err.strip().splitlines()) == 1

    def test_a_data_home_that_cannot_be_written(self, unrender: Unrender, home: Path) -> None:
        home.write_text("a file, where the folder should be")
        outcome = unrender("serve")
        assert outcome.code == 1
        assert f"Unrender cannot write to its data folder {home} (" in outcome.err
        assert "set UNRENDER_HOME to another folder" in outcome.err
        assert len(outcome.err.strip().splitlines()) == 1

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
    def test_a_data_home_without_permission(self, unrender: Unrender, home: Path) -> None:
        home.mkdir()
        home.chmod(0o500)
        outcome = unrender("serve")
        assert outcome.code == 1
        assert "(Permission denied)" in outcome.err

    def test_keys_that_others_can_read(self, unrender: Unrender, home: Path) -> None:
        (home / "keys").mkdir(parents=True)
        (home / "keys" / "server.json").write_text("{}")
        (home / "keys" / "server.json").chmod(0o644)
        outcome = unrender("serve", "--public", "--pair", "laptop")
        assert outcome.code == 1
        assert "can be read by others" in outcome.err

    def test_a_second_server_on_the_same_data(
        self, unrender: Unrender, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("unrender.cli.serve._SECONDS_TO_STOP", 0.5)
        with serving(home):
            outcome = unrender("serve")
        assert outcome.code == 1
        assert "Another Unrender server already works with the data" in outcome.err

    def test_a_discovery_file_of_another_name(self, unrender: Unrender, tmp_path: Path) -> None:
        assert unrender("serve", "--discovery", tmp_path / "other.json").code == 2
