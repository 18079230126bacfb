# SPDX-License-Identifier: Apache-2.0
"""How the server on the same computer is found; and that the package is cheap to import."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from unrender_protocol.discovery import (
    FILE_NAME,
    LocalServer,
    data_home,
    find_local_server,
    process_is_alive,
    publish_local_server,
    withdraw_local_server,
)
from unrender_protocol.errors import KeyFileError


@pytest.fixture
def server() -> LocalServer:
    return LocalServer("tcp://127.0.0.1:40123", "word", os.getpid(), "0.1.0")


@pytest.fixture
def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait(60)
    return child.pid


def test_a_published_server_is_found_and_withdrawn(tmp_path, server):
    assert find_local_server(tmp_path) is None
    path = publish_local_server(tmp_path / "home", server)
    assert find_local_server(tmp_path / "home") == server
    assert server.pairing.address == server.address
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    withdraw_local_server(tmp_path / "home")
    assert find_local_server(tmp_path / "home") is None
    assert list((tmp_path / "home").iterdir()) == []


def test_the_file_of_a_server_that_was_killed_is_not_believed(tmp_path, dead_process):
    publish_local_server(tmp_path, LocalServer("tcp://127.0.0.1:1", "word", dead_process))
    assert find_local_server(tmp_path) is None


def test_the_file_of_a_newer_server_is_not_withdrawn(tmp_path, server):
    publish_local_server(tmp_path, server)
    withdraw_local_server(tmp_path, pid=os.getpid() + 1)
    assert find_local_server(tmp_path) == server


@pytest.mark.parametrize("content", ["", "{}", "[]", "nonsense", json.dumps({"address": 1, "token": "", "pid": 1})])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / FILE_NAME
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=FILE_NAME):
        find_local_server(tmp_path)
    withdraw_local_server(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_file_that_others_can_read_is_refused(tmp_path, server):
    publish_local_server(tmp_path, server).chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        find_local_server(tmp_path)


def test_processes_are_told_alive_or_dead(dead_process):
    assert process_is_alive(os.getpid())
    assert not process_is_alive(dead_process)
    assert not process_is_alive(0)
    assert not process_is_alive(-1)
    assert not process_is_alive(2**70)


def test_the_data_home_is_that_of_platformdirs(monkeypatch):
    monkeypatch.delenv("UNRENDER_HOME", raising=False)
    assert data_home(os.environ) == platformdirs.user_data_path("unrender")
    monkeypatch.setenv("XDG_DATA_HOME", str(Path.home() / "elsewhere"))
    assert data_home(os.environ) == platformdirs.user_data_path("unrender")


def test_the_data_home_can_be_moved(tmp_path):
    assert data_home({"UNRENDER_HOME": str(tmp_path)}) == tmp_path


def test_the_word_does_not_show_when_printed(server):
    assert "word" not in repr(server)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("unrender_protocol", {"zmq", "msgpack", "numpy"}),
        ("unrender_protocol.version", {"zmq", "msgpack", "numpy"}),
        ("unrender_protocol.messages", {"zmq", "msgpack", "numpy"}),
        ("unrender_protocol.discovery", {"zmq", "msgpack", "numpy"}),
        ("unrender_protocol.client", {"zmq", "msgpack"}),
        ("unrender_protocol.server", {"zmq", "msgpack"}),
        ("unrender_protocol.zmq_server", {"torch", "bpy", "unrender"}),
        ("unrender_protocol.zmq_transport", {"torch", "bpy", "unrender"}),
    ],
)
def test_what_is_not_needed_is_not_imported(module, absent):
    code = f"import sys, {module}; print([name for name in {sorted(absent)} if name in sys.modules])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert finished.stdout.strip() == "[]"
