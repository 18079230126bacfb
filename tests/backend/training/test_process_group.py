# SPDX-License-Identifier: Apache-2.0
"""Processes that work together: what is heard from them, and that all of them end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.backend.training.group_work_for_tests import work
from unrender.errors import CancelledError, DataError, DeviceLostError
from unrender.training.process_group import ProcessGroup
from unrender.training.progress import Progress, ignore_progress, never_cancelled


def group(what: str, folder: Path) -> ProcessGroup:
    return ProcessGroup(2, work, (what, folder), ignore_progress, never_cancelled)


def processes(folder: Path) -> list[int]:
    return [int(path.suffix[1:]) for path in sorted(folder.glob("[01].*"))]


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def assert_ended(folder: Path) -> None:
    assert len(processes(folder)) == 2
    assert not any(map(is_running, processes(folder)))


def test_progress_and_the_first_result_arrive(tmp_path: Path) -> None:
    heard: list[Progress] = []
    done = ProcessGroup(2, work, ("success", tmp_path), heard.append, never_cancelled).run()
    assert done == (0, "success")
    assert sorted(report.message for report in heard) == ["from 0", "from 1"]
    assert_ended(tmp_path)


def test_a_mistake_of_the_user_arrives_as_itself_and_ends_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Bad pictures\. Take others\."):
        group("a mistake of the user", tmp_path).run()
    assert_ended(tmp_path)


def test_a_mistake_of_ours_arrives_with_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)device 1 failed.*in work.*ValueError: twelve"):
        group("a mistake of ours", tmp_path).run()
    assert_ended(tmp_path)


def test_a_death_is_told_and_not_what_the_others_make_of_it(tmp_path: Path) -> None:
    with pytest.raises(DeviceLostError, match=r"device 1 ended with exit code 7\..*--resume"):
        group("a death", tmp_path).run()
    assert_ended(tmp_path)


def test_a_request_to_stop_reaches_all_of_them(tmp_path: Path) -> None:
    def have_begun() -> bool:
        return len(processes(tmp_path)) == 2

    with pytest.raises(CancelledError, match="Stopped"):
        ProcessGroup(2, work, ("nothing", tmp_path), ignore_progress, have_begun).run()
    assert_ended(tmp_path)


def test_breaking_off_ends_all(tmp_path: Path) -> None:
    def break_off() -> bool:
        if len(processes(tmp_path)) == 2:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        ProcessGroup(2, work, ("nothing", tmp_path), ignore_progress, break_off).run()
    assert_ended(tmp_path)


def test_no_process_outlives_its_parent(tmp_path: Path) -> None:
    source = (
        "from pathlib import Path\n"
        "from tests.backend.training.test_process_group import group\n"
        "if __name__ == '__main__':\n"
        f"    group('nothing', Path({str(tmp_path)!r})).run()\n"
    )
    script = tmp_path / "script.py"
    script.write_text(source, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], env=_environment()) as parent:
        _wait_for(lambda: len(processes(tmp_path)) == 2)
        parent.kill()
    _wait_for(lambda: not any(map(is_running, processes(tmp_path))))


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)
