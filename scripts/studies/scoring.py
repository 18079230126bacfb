# SPDX-License-Identifier: Apache-2.0
"""Measures the finished trainings of a study, in pieces: whatever is interrupted goes on next time."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from scripts.studies.runner import Study, Training

Cell = TypeVar("Cell", bound=Training)


def score_all(
    study: Study, cells: Sequence[Cell], minutes: float, measured: Callable[[Cell, Path], dict[str, Any]]
) -> None:
    """Measure every finished training that has no figures yet, until the time is up; the next call goes on.

    measured: the figures of a cell whose training left a run in a folder. One that was stopped before its first
    checkpoint has none.
    """
    deadline = time.monotonic() + 60.0 * minutes
    trained, figures = study.trained(), study.figures()
    for cell in {cell.training: cell for cell in cells}.values():
        if cell.training not in trained or cell.training in figures or time.monotonic() > deadline:
            continue
        started = time.monotonic()
        record = dict(trained[cell.training])
        folder = study.run_folder(cell)
        if (folder / "checkpoints").is_dir():
            record |= measured(cell, folder)
        with study.figures_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        print(f"{cell.training}: {time.monotonic() - started:.0f} s, KID {record.get('kid')}", flush=True)
