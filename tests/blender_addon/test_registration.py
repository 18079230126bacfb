# SPDX-License-Identifier: Apache-2.0
"""Enabling the add-on costs Blender's start little: nothing heavy is imported, read, started or asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REGISTER = """
import importlib, json, sys, threading
sys.path.insert(0, sys.argv[1])
import headless_main
with headless_main.linked_extension():
    import bpy
    # What Blender does to enable an extension, without its own look at the manifest and at other extensions.
    bpy.context.preferences.addons.new().module = headless_main.MODULE
    heavy = {"numpy", "zmq", "msgpack", "unrender_protocol", "socket", "ssl", "asyncio", "torch"}
    loaded = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] in heavy}
    modules, threads, events = set(sys.modules), threading.active_count(), []
    watched = ("socket.", "subprocess.Popen", "os.posix_spawn", "os.startfile", "urllib.Request", "ctypes.dlopen")

    def watch(event, arguments):
        if event == "open" or event.startswith(watched):
            events.append([event, str(arguments[0])])

    sys.addaudithook(watch)
    addon = importlib.import_module(headless_main.MODULE)
    addon.register()
    during, after = list(events), set(sys.modules)
    sys.modules.update(loaded)
    manager = bpy.context.window_manager
    answer = {
        "heavy": sorted({name.split(".")[0] for name in after} & heavy),
        "modules": sorted(after - modules),
        "events": during,
        "threads": threading.active_count() - threads,
        "session_later": type(manager.unrender_session).__name__,
        "ticks_later": bpy.app.timers.is_registered(manager.unrender_ticker._callback),
    }
    try:
        addon.register()
    except RuntimeError as error:
        answer["twice"] = str(error)
    addon.unregister()
    answer["left"] = sorted(name for name in dir(bpy.types.WindowManager) if name.startswith("unrender"))
print("answer", json.dumps(answer))
"""


@pytest.fixture(scope="module")
def answer(blender_python: Path, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = [str(blender_python), "-c", REGISTER, str(checkout / "blender_addon")]
    home = {"UNRENDER_HOME": str(tmp_path_factory.mktemp("home"))}
    ran = subprocess.run(command, env=os.environ | home, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    line = next(line for line in ran.stdout.splitlines() if line.startswith("answer"))
    found: dict[str, Any] = json.loads(line.removeprefix("answer"))
    return found


def test_nothing_heavy_is_imported(answer: dict[str, Any]) -> None:
    assert answer["heavy"] == []


def test_the_session_is_made_when_it_is_asked_for(answer: dict[str, Any]) -> None:
    own = {name.rpartition(".unrender.")[2] for name in answer["modules"]}
    assert "registration" in own
    assert own & {"connection.session", "connection.socket_thread", "connection.job_events", "ticker"} == set()
    assert answer["session_later"] == "Session"
    assert answer["ticks_later"]


def test_nothing_is_started_and_nobody_is_asked(answer: dict[str, Any]) -> None:
    assert [event for event in answer["events"] if event[0] != "open"] == []
    assert answer["threads"] == 0


def test_no_file_is_opened_but_python_s_own_modules(answer: dict[str, Any]) -> None:
    opened = [Path(path) for event, path in answer["events"] if event == "open"]
    assert opened
    others = [path for path in opened if not {".py", ".pyc"} & set(path.suffixes) and ".so" not in path.suffixes]
    assert others == []


def test_a_second_copy_of_the_add_on_says_that_there_is_a_first(answer: dict[str, Any]) -> None:
    assert "enabled already" in answer["twice"]


@pytest.mark.skipif(sys.platform == "win32", reason="the link of the test is a copy there, whose files are gone")
def test_disabling_leaves_nothing_on_the_window_manager(answer: dict[str, Any]) -> None:
    assert answer["left"] == []
