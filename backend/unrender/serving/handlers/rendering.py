# SPDX-License-Identifier: Apache-2.0
"""Rendering a data set as a part of a job: its limits, its progress with a growing contact sheet, its end."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unrender.data.dataset_rendering import DatasetRequest, render_dataset
from unrender.errors import RenderError
from unrender.serving.handlers.parameters import check_range
from unrender.serving.job_kinds import JobWork
from unrender.training.progress import Progress, ProgressCallback

CAMERAS = ("iggan", "above", "limited")
MOST_IMAGES = 100_000
_MOST_PIXEL_BYTES = 16 << 30
_PHASE = "rendering"
_CELLS, _CELL_PIXELS = 8, 64  # of the sheet that is shown meanwhile, each way
_PAPER = 45  # dark grey: the objects are light
_SECONDS_BETWEEN_SHEETS = 2.0
_WARM_UP = 5  # images that would spoil the estimate


def check_amount(images: int, size: int) -> None:
    """Refuse more pictures than a disk should be asked to hold; raises ValueError."""
    check_range("the number of images", images, 1, MOST_IMAGES)
    if images * size * size * 4 > _MOST_PIXEL_BYTES:
        raise ValueError(
            f"{images} images of {size} x {size} pixels are {images * size * size * 4 / 2**30:.0f} GiB, but at most "
            f"{_MOST_PIXEL_BYTES >> 30} GiB are rendered at once"
        )


def render_pictures(request: DatasetRequest, out: Path, work: JobWork) -> int:
    """Render into a folder, continuing what an interrupted job left there; returns how many images failed.

    Raises BlenderNotFoundError, RenderError where no image came out, DataError, CancelledError.
    """
    before = len(list((out / "images").glob("*.png")))
    watch = _Watch(out, min(before, request.images), request.images, work.progress)
    workers = max(1, (os.cpu_count() or 1) // 2)
    failed = render_dataset(request, out, workers, 2, True, watch.record, work.cancelled)
    if failed >= request.images:
        raise RenderError(f"No image could be rendered: {watch.failure}.", "The log of the job has the details.")
    return failed


class _Watch:
    """Turns the records of images into progress with an estimate, and the first images into a sheet."""

    def __init__(self, out: Path, done: int, total: int, progress: ProgressCallback) -> None:
        self.failure = ""
        self._out, self._done, self._total, self._progress = out, done, total, progress
        self._new = 0
        self._started = 0.0
        self._cells: list[NDArray[np.uint8]] = []
        self._shown = (0, float("-inf"))  # cells and time of the sheet that was last passed on
        progress(Progress(_PHASE, done, total))

    def record(self, record: dict[str, Any]) -> None:
        """An image was rendered, or failed."""
        if "failed" in record:
            self.failure = str(record["message"])
        if "file" not in record:
            return  # of the whole data set
        self._done += 1
        self._new += 1
        now = time.monotonic()
        if self._new == _WARM_UP:
            self._started = now
        rate = (now - self._started) / (self._new - _WARM_UP) if self._new > _WARM_UP else None
        eta = None if rate is None else rate * max(0, self._total - self._done)
        if len(self._cells) < _CELLS * _CELLS:
            self._cells.append(_cell(self._out / record["file"]))
        self._progress(Progress(_PHASE, min(self._done, self._total), self._total, eta, "", self._sheet(now)))

    def _sheet(self, now: float) -> NDArray[np.uint8] | None:
        cells, then = self._shown
        is_last = len(self._cells) in (_CELLS * _CELLS, self._total)
        if len(self._cells) == cells or (now - then < _SECONDS_BETWEEN_SHEETS and not is_last):
            return None
        self._shown = (len(self._cells), now)
        columns = min(_CELLS, len(self._cells))
        rows = -(-len(self._cells) // columns)
        sheet = np.full((rows, columns, _CELL_PIXELS, _CELL_PIXELS, 3), _PAPER, np.uint8)
        for index, cell in enumerate(self._cells):
            sheet[index // columns, index % columns] = cell
        return np.ascontiguousarray(sheet.swapaxes(1, 2).reshape(rows * _CELL_PIXELS, columns * _CELL_PIXELS, 3))


def _cell(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        rgba = image.convert("RGBA")
    paper = Image.new("RGBA", rgba.size, (_PAPER, _PAPER, _PAPER, 255))
    shown = Image.alpha_composite(paper, rgba).convert("RGB")
    return np.asarray(shown.resize((_CELL_PIXELS, _CELL_PIXELS), Image.Resampling.BOX))
