# SPDX-License-Identifier: Apache-2.0
"""Runs the trainings behind the tables, a few at a time, in pieces: whatever is interrupted goes on next time."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

_CHECKOUT = Path(__file__).parent.parent.parent
_POLL_SECONDS = 0.5
_GRACE_SECONDS = 60.0  # for a checkpoint after the signal


class Training(Protocol):
    """training: the name of its folder; those of one name are one. title: for the log. data: folder of pictures, if it
    learns from one. settings: `key=value`."""

    @property
    def training(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def data(self) -> Path | None: ...

    @property
    def settings(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Study:
    """Where a set of trainings lives, and what they have in common.

    preset: the scale (`iggan-32`, ...). images: real images shown to each training. settings: for all of them.
    """

    folder: Path
    preset: str
    images: int
    settings: tuple[str, ...] = ()
    method: str = "voxel_gan"

    @property
    def trained_path(self) -> Path:
        """One JSON line per finished training: its settings and what it cost."""
        return self.folder / "trained.jsonl"

    @property
    def figures_path(self) -> Path:
        """One JSON line per training that was measured: the same and its figures."""
        return self.folder / "figures.jsonl"

    def run_folder(self, cell: Training) -> Path:
        return self.folder / "runs" / cell.training

    def trained(self) -> dict[str, dict[str, Any]]:
        """The finished trainings, by name."""
        return _read(self.trained_path)

    def figures(self) -> dict[str, dict[str, Any]]:
        """The figures so far, by the name of the training."""
        return _read(self.figures_path)


def run(study: Study, cells: Sequence[Training], jobs: int, minutes: float) -> int:
    """Train until everything is done or the time is up; returns how many trainings are left.

    Every training is a process of its own. When the time is up they are asked to stop, save and are continued by the
    next call.
    """
    deadline = time.monotonic() + 60.0 * minutes
    done = study.trained()
    waiting = list({cell.training: cell for cell in cells if cell.training not in done}.values())
    running: dict[str, subprocess.Popen[bytes]] = {}
    failed: list[str] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)  # also where this was started in the background, with Ctrl-C ignored
    try:
        while (waiting or running) and time.monotonic() < deadline:
            while waiting and len(running) < jobs:
                cell = waiting.pop(0)
                print(f"{time.strftime('%H:%M:%S')} {cell.training}: {cell.title}", flush=True)
                running[cell.training] = _start(study, cell)
            for name, process in list(running.items()):
                if process.poll() is not None:
                    del running[name]
                    if process.returncode != 0:
                        failed.append(name)
                        print(f"{name} failed; see {study.folder / 'runs' / name}.log", flush=True)
            time.sleep(_POLL_SECONDS)
    finally:
        for process in running.values():
            process.send_signal(signal.SIGINT)
        for process in running.values():
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
    return len(waiting) + len(running) + len(failed)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _start(study: Study, cell: Training) -> "subprocess.Popen[bytes]":
    folder = study.run_folder(cell)
    folder.parent.mkdir(parents=True, exist_ok=True)
    settings = [*study.settings, *cell.settings, f"total_images={study.images}"]
    data = "" if cell.data is None else str(cell.data.resolve())
    command = [sys.executable, "-m", "scripts.studies.train_one"]
    command += [str(study.folder.resolve()), study.method, study.preset, data, cell.training, *settings]
    with (folder.parent / f"{cell.training}.log").open("ab") as log:
        return subprocess.Popen(command, cwd=_CHECKOUT, stdout=log, stderr=subprocess.STDOUT)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {line["training"]: line for line in lines}
