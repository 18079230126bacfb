# SPDX-License-Identifier: Apache-2.0
"""Exit codes, and what a failure looks like."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from unrender.cli import main as main_module
from unrender.cli.command_group import CommandEntry
from unrender.errors import BlenderNotFoundError, CancelledError

Unrender = Callable[..., Any]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Add a command `fail` that raises what it is given."""

    def install(error: BaseException) -> None:
        def command() -> None:
            raise error

        module = ModuleType("failing_command")
        module.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "failing_command", module)
        monkeypatch.setitem(main_module._COMMANDS, "fail", CommandEntry("failing_command", "Fails."))

    return install


def test_help_and_version_work(unrender: Unrender) -> None:
    assert unrender("--help").code == 0
    assert unrender("--version").out == "unrender 0.1.0\n"
    assert "Exit codes: 0 done, 1 failed, 2 wrong usage" in unrender("--help").out


def test_a_mistake_of_the_user_is_one_sentence(unrender: Unrender, failing: Callable[..., None]) -> None:
    failing(BlenderNotFoundError("No Blender was found.", "Install one."))
    outcome = unrender("fail")
    assert (outcome.code, outcome.out, outcome.err) == (1, "", "unrender: No Blender was found. Install one.\n")


def test_a_fault_of_the_program_goes_to_a_log(unrender: Unrender, failing: Callable[..., None], home: Path) -> None:
    failing(ZeroDivisionError("division by zero"))
    outcome = unrender("fail")
    log = home / "log" / "faults.log"
    assert outcome.code == 1
    assert outcome.err == f"unrender: internal error (ZeroDivisionError: division by zero). Details are in {log}.\n"
    assert "Traceback" in log.read_text()
    assert "raise error" in log.read_text()


def test_the_traceback_is_shown_on_request(
    unrender: Unrender, failing: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNRENDER_DEBUG", "1")
    failing(ZeroDivisionError("division by zero"))
    assert "Traceback" in unrender("fail").err


def test_a_log_that_cannot_be_written_hides_nothing(
    unrender: Unrender, failing: Callable[..., None], home: Path
) -> None:
    home.write_text("a file where the folder should be")
    failing(ZeroDivisionError("division by zero"))
    assert "UNRENDER_DEBUG=1" in unrender("fail").err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (CancelledError("stopped"), 130),
        (typer.Exit(3), 3),
        (typer.Exit(1), 1),
        (typer.BadParameter("no"), 2),
    ],
)
def test_exit_codes(unrender: Unrender, failing: Callable[..., None], error: BaseException, code: int) -> None:
    failing(error)
    outcome = unrender("fail")
    assert outcome.code == code
    assert "Traceback" not in outcome.err


def test_training_without_pictures_is_a_sentence(unrender: Unrender, tmp_path: Path) -> None:
    for arguments in ([], ["--data", tmp_path / "absent"]):
        outcome = unrender("train", "voxel_gan", "--out", tmp_path / "run", *arguments)
        assert outcome.code == 1
        assert len(outcome.err.strip().splitlines()) == 1
        assert "internal error" not in outcome.err
