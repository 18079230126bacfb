# SPDX-License-Identifier: Apache-2.0
"""Making rendered data sets: `scripts/render_dataset.py` in headless Blenders, one process per shard.

The work is done by `blender_addon/rendering/dataset.py`, whichever door it is asked through; here the processes are
started, watched and stopped.
"""

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from unrender.errors import CancelledError, ConfigurationError, DataError, RenderError
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation, find_blender

_TAIL_LINES = 30


@dataclass(frozen=True, slots=True)
class DatasetRequest:
    """What to render; image k shows shape k // views and follows from (seed, k) alone.

    source: class of procedural shapes, or "objects" for those in the file `objects` (see `given_objects`). count:
    shapes. size: pixels. resolution: voxels per side of procedural shapes.
    """

    source: str
    count: int = 500
    views: int = 1
    seed: int = 0
    size: int = 64
    samples: int = 4
    resolution: int = 32
    cameras: str = "iggan"
    lights: str = "iggan"
    shadows: bool = False
    engine: str = "cycles"
    objects: str = ""

    @property
    def images(self) -> int:
        return self.count * self.views

    def arguments(self) -> list[str]:
        """The flags of `scripts/render_dataset.py`."""
        flags: list[str] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool):
                flags += [f"--{field.name}"] if value else []
            elif value != "":
                flags += [f"--{field.name}", str(value)]
        return flags


def dataset_script() -> Path:
    """Path of `render_dataset.py`: in `scripts/` of a checkout, inside the distribution in an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    for place in (package.parents[1] / "scripts", package.parent / "unrender_blender_addon"):
        if (place / "render_dataset.py").is_file():
            return place / "render_dataset.py"
    raise RenderError("scripts/render_dataset.py is missing from this installation.", "Install unrender again.")


def render_dataset(
    request: DatasetRequest,
    out: Path,
    workers: int = 1,
    threads: int = 2,
    resume: bool = False,
    on_record: Callable[[dict[str, Any]], None] = lambda record: None,
    cancelled: Callable[[], bool] = lambda: False,
    blender: BlenderInstallation | None = None,
) -> int:
    """Render the images that are not in `out` yet; returns how many failed.

    on_record: called in this thread with the record of each image (`{"failed": k, "tag": ..., "message": ...}` for one
    that failed). Raises DataError where the folder cannot be used, ConfigurationError for a bad value, RenderError
    where Blender died, CancelledError where it was stopped (`resume` continues).
    """
    if (out / "dataset.json").exists() and not resume:
        raise DataError(f"{out} holds a data set already.", "Add --resume to continue it, or choose another folder.")
    blender = blender or find_blender()
    workers = max(1, min(workers, request.count))
    records: queue.Queue[dict[str, Any] | None] = queue.Queue()
    flags = [*request.arguments(), "--out", str(out), "--threads", str(threads), "--resume", "--json"]
    children = [_Child(blender, [*flags, "--shard", f"{i}/{workers}"], records) for i in range(workers)]
    failed, running = 0, workers
    try:
        while running:
            if cancelled():
                raise CancelledError("Rendering was stopped.", "--resume continues it.")
            try:
                record = records.get(timeout=0.2)
            except queue.Empty:
                continue
            if record is None:
                running -= 1
            else:
                failed += "failed" in record
                on_record(record)
        for child in children:
            child.check()
    finally:
        for child in children:
            child.end()
    return failed


class _Child:
    """One Blender that renders one shard; it ends by itself when this process is gone."""

    def __init__(
        self, blender: BlenderInstallation, flags: list[str], records: "queue.Queue[dict[str, Any] | None]"
    ) -> None:
        environment = dict(os.environ) | {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            blender.script_command(dataset_script(), [*flags, "--exit-with-parent"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._records = records
        self._words: list[str] = []
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._listen, self._collect_words)]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # Blender's own greeting comes before the script runs
                self._records.put(json.loads(line))
        self._records.put(None)

    def _collect_words(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._words = [*self._words[-_TAIL_LINES:], line.rstrip()]

    def check(self) -> None:
        """Raise what the exit code means; 3 (some images failed) is in the records."""
        code = self._process.wait(timeout=60.0)
        for thread in self._threads:
            thread.join(timeout=10.0)
        if code in (0, 3):
            return
        said = [line.removeprefix("render_dataset: ") for line in self._words if line.startswith("render_dataset: ")]
        if said and code == 1:
            raise DataError(said[-1])
        if code == 2:
            raise ConfigurationError(self._words[-1] if self._words else "Blender did not accept the settings.")
        words = "; ".join(self._words[-3:]) or "it said nothing"
        raise RenderError(f"Blender (process {self._process.pid}) ended with exit code {code}: {words}.")

    def end(self) -> None:
        """Close its input, which ends it; kill it where that does not help."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        deadline = time.monotonic() + 10.0
        while self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
