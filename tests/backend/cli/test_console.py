# SPDX-License-Identifier: Apache-2.0
"""Progress on a terminal and in a log, and Ctrl-C."""

import io
import os
import signal
import sys

import pytest

from unrender.cli import console
from unrender.cli.console import format_duration, long_work
from unrender.training.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with long_work() as work:
        for i in range(1000):
            work.progress(Progress("train", i + 1, 1000, 12.0, "loss 0.5"))
        work.progress(Progress("evaluate", 1, 2))
    assert stream.getvalue().splitlines() == [
        "train: 1/1000, 0:12 left loss 0.5",
        "train: 1000/1000, 0:12 left loss 0.5",
        "evaluate: 1/2",
    ]


def test_a_terminal_gets_a_bar_with_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "100")
    with long_work() as work:
        work.progress(Progress("train", 3, 10, 75.0, "loss [0.5]"))
        work.progress(Progress("pretrain", 0, 0))
    assert "3/10" in stream.getvalue()
    assert "1:15 left" in stream.getvalue()
    assert "loss [0.5]" in stream.getvalue()


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_the_first_ctrl_c_asks_and_the_second_breaks_off(
    kind: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = kind()
    monkeypatch.setattr(sys, "stderr", stream)
    before = signal.getsignal(signal.SIGINT)
    with long_work() as work:
        assert not work.cancelled()
        os.kill(os.getpid(), signal.SIGINT)
        assert work.cancelled()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert "press Ctrl-C again" in stream.getvalue()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (75.2, "1:15"), (3700, "1:01:40"), (-3, "0:00")])
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(float(seconds)) == text


def test_json_goes_to_stdout_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_json({"a": [1, "ü"]})
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 1
    assert captured.err == ""
