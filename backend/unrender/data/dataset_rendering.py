# SPDX-License-Identifier: Apache-2.0
"""Making rendered data sets: `scripts/render_dataset.py`, which keeps headless Blenders at work.

The work is done by `blender_addon/rendering/dataset.py`, whichever door it is asked through; here the process that
watches over the Blenders is started, listened to and stopped. It needs no Blender itself.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from unrender.data.dataset_script import dataset_script
from unrender.errors import CancelledError, ConfigurationError, DataError, DiskFullError, RenderError
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation, find_blender

_TAIL_LINES = 30
_PREFIX = "render_dataset: "
_NOTE = _PREFIX + "note: "
_DONE, _WRONG_USAGE, _PARTLY_DONE, _CONFIGURATION, _NO_ENGINE = 0, 2, 3, 4, 5  # of the script


@dataclass(frozen=True, slots=True)
class DatasetRequest:
    """What to render; image k shows object k // views and follows from (seed, k) alone.

    source: class of procedural shapes, "objects" for those in the file `objects` (see `given_objects`), a folder of
    meshes or one mesh, or a .blend file. count: objects, None for all of a folder. size: pixels. resolution: voxels per
    side of procedural shapes. lights, samples: None chooses by the source. The other fields are the script's flags.
    """

    source: str
    count: int | None = 500
    views: int = 1
    seed: int = 0
    size: int = 64
    samples: int | None = 4
    resolution: int = 32
    cameras: str = "iggan"
    lights: str | None = "iggan"
    shadows: bool = False
    engine: str = "cycles"
    objects: str = ""
    collection: str = ""
    up: str = "auto"
    field_of_view: float = 0.0
    width: float = 1.1
    light_jitter: float = 0.0
    materials: str = "auto"
    background: str = "transparent"
    passes: str = "rgb"
    image_format: str = "png8"
    writer: str = "folder"
    device: str = "cpu"
    shard: str = "0/1"
    only_images: str = ""
    timeout: float = 600.0

    @property
    def images(self) -> int:
        """How many images there will be; 0 where only the source can tell."""
        return (self.count or 0) * self.views

    def arguments(self) -> list[str]:
        """The flags of `scripts/render_dataset.py`."""
        flags: list[str] = []
        for field in fields(self):
            value = getattr(self, field.name)
            name = "images" if field.name == "only_images" else field.name.replace("_", "-")
            if isinstance(value, bool):
                flags += [f"--{name}"] if value else []
            elif value not in ("", None):
                flags.append(f"--{name}={value}")
        return flags


def render_dataset(
    request: DatasetRequest,
    out: Path,
    workers: int = 1,
    threads: int = 2,
    resume: bool = False,
    on_record: Callable[[dict[str, Any]], None] = lambda record: None,
    cancelled: Callable[[], bool] = lambda: False,
    blender: BlenderInstallation | None = None,
    on_note: Callable[[str], None] = lambda words: None,
    ray: str = "",
) -> int:
    """Render the images that are not in `out` yet; returns how many failed.

    on_record: called in this thread with the record of each image (`{"failed": k, "tag": ..., "message": ...}` for one
    that failed). on_note: with what the user should know meanwhile, such as that another engine renders. ray: "auto" or
    HOST:PORT of a Ray cluster, whose machines render instead, with as many workers as they have room for, or `workers`
    where that is not 0. Raises DataError where the folder or the source cannot be used, ConfigurationError for a bad
    value or a cluster that cannot, BlenderNotFoundError, RenderError where Blender cannot render, DiskFullError,
    CancelledError where it was stopped (`resume` continues).
    """
    if ray:
        from unrender.data.farm.cluster_blenders import blenders_of_cluster  # the default stays free of it

        with blenders_of_cluster(ray, request, out, threads, on_note) as blenders:
            workers = min(workers, blenders.room) if workers else blenders.room
            return _render(request, blenders, out, workers, threads, resume, on_record, cancelled, on_note)
    command = (blender or find_blender()).script_command(dataset_script(), [])
    return _render(request, Blenders(command, {}), out, workers, threads, resume, on_record, cancelled, on_note)


@dataclass(frozen=True, slots=True)
class Blenders:
    """command: starts `render_dataset.py` in a Blender somewhere; environment: what that needs; room: how many there
    may be at once, 0 where that is open."""

    command: list[str]
    environment: dict[str, str]
    room: int = 0


def _render(
    request: DatasetRequest,
    blenders: Blenders,
    out: Path,
    workers: int,
    threads: int,
    resume: bool,
    on_record: Callable[[dict[str, Any]], None],
    cancelled: Callable[[], bool],
    on_note: Callable[[str], None],
) -> int:
    flags = [*request.arguments(), f"--out={out}", f"--threads={threads}", f"--workers={workers}", "--json"]
    failed = 0
    script = _Script(blenders, [*flags, *(["--resume"] if resume else [])], on_note)
    try:
        while True:
            if cancelled():
                raise CancelledError("Rendering was stopped.", "--resume continues it.")
            try:
                record = script.records.get(timeout=0.2)
            except queue.Empty:
                continue
            if record is None:
                break
            failed += "failed" in record
            on_record(record)
        script.check()
    finally:
        script.end()
    return failed


class _Script:
    """The process that watches over the Blenders; it ends by itself, and they with it, when this process is gone."""

    def __init__(self, blenders: Blenders, flags: list[str], on_note: Callable[[str], None]) -> None:
        start_blender = json.dumps(blenders.command)
        self.records: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, str(dataset_script()), *flags, "--exit-with-parent", "--blender", start_blender],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(os.environ) | {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1"} | blenders.environment,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._on_note = on_note
        self._is_finished = False
        self._words: list[str] = []
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._listen, self._collect_words)]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            record = json.loads(line)
            if "finished" in record:
                self._is_finished = True
            else:
                self.records.put(record)
        self.records.put(None)

    def _collect_words(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._words = [*self._words[-_TAIL_LINES:], line.rstrip()]
            if line.startswith(_NOTE):
                self._on_note(line.removeprefix(_NOTE).rstrip())

    def check(self) -> None:
        """Raise what the exit code means; that some images failed is in the records."""
        code = self._process.wait(timeout=60.0)
        for thread in self._threads:
            thread.join(timeout=10.0)
        if code == _DONE or (code == _PARTLY_DONE and self._is_finished):
            return
        said = [line.removeprefix(_PREFIX) for line in self._words if line.startswith(_PREFIX)]
        last = said[-1] if said else (self._words[-1] if self._words else "it said nothing")
        if code == _CONFIGURATION:
            raise DataError(last)
        if code == _WRONG_USAGE:
            raise ConfigurationError(last)
        if code == _PARTLY_DONE:
            raise DiskFullError(last)
        if code == _NO_ENGINE:
            raise RenderError(last)
        raise RenderError(f"render_dataset.py ended with exit code {code}: {'; '.join(self._words[-3:])}.")

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
