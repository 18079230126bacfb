# SPDX-License-Identifier: Apache-2.0
"""The row that compares `unrender render-dataset` with how data sets are commonly rendered."""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from unrender.cli.benchmarks.comparison import Comparison, Question, compare
from unrender.cli.benchmarks.render_workload import Effort, make_chairs
from unrender.data.dataset_rendering import DatasetRequest, dataset_script, render_dataset
from unrender.errors import RenderError, UserError
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation, find_blender

_SAMPLES = 4
_WIDTH = 1.1
_SECONDS = 300.0  # that one Blender may take for one object
_DISTINCT_CHAIRS = 16


def measure_practice(effort: Effort, rounds: int = 1) -> Comparison:
    """The same meshes, from one file of arrays, to the same number of PNG files on disk, one Blender at a time.

    Raises UserError outside of a checkout, where the script for the other side is missing.
    """
    script = dataset_script().with_name("common_practice.py")
    if not script.is_file():
        raise UserError("The row `practice` needs a checkout of the sources.", "Run it from there, or leave it out.")
    blender = find_blender()
    with tempfile.TemporaryDirectory(prefix="unrender-") as name:
        folder = Path(name)
        objects = folder / "objects.npz"
        _write_objects(objects, effort)
        runs = iter(range(1_000_000))
        images = effort.objects * effort.views

        def ours() -> float:
            return images / _render_dataset(effort, blender, objects, folder / f"ours-{next(runs)}")

        def other() -> float:
            return images / _start_blender_per_object(effort, blender, script, objects, folder / f"other-{next(runs)}")

        facts = {
            "objects": effort.objects,
            "views": effort.views,
            "voxels": effort.resolution,
            "pixels": effort.size,
            "samples": _SAMPLES,
            "threads": effort.threads,
            "blender": blender.version,
            "blender_is": blender.kind,
        }
        what = "a data set over a new Blender per object, from_pydata, PNG on disk"
        return compare(Question("practice", what, "images/s", 5.0), ours, other, rounds, facts)


def _write_objects(path: Path, effort: Effort) -> None:
    """Chairs, some of them more than once: `vertices_{i}` and `faces_{i}`."""
    chairs = make_chairs(min(effort.objects, _DISTINCT_CHAIRS), effort.resolution)
    arrays: dict[str, Any] = {}
    for index in range(effort.objects):
        chair = chairs[index % len(chairs)]
        arrays[f"vertices_{index}"], arrays[f"faces_{index}"] = chair.vertices, chair.faces
    np.savez(path, **arrays)


def _render_dataset(effort: Effort, blender: BlenderInstallation, objects: Path, out: Path) -> float:
    """Seconds, with the start of Blender, the manifest and the contact sheet."""
    request = DatasetRequest(
        "objects",
        effort.objects,
        effort.views,
        size=effort.size,
        samples=_SAMPLES,
        objects=str(objects),
    )
    started = time.perf_counter()
    failed = render_dataset(request, out, workers=1, threads=effort.threads, blender=blender)
    seconds = time.perf_counter() - started
    _check(out / "images", effort, failed)
    return seconds


def _start_blender_per_object(
    effort: Effort, blender: BlenderInstallation, script: Path, objects: Path, out: Path
) -> float:
    """Seconds for one Blender after the other."""
    out.mkdir()
    started = time.perf_counter()
    for index in range(effort.objects):
        flags = {
            "objects": objects,
            "out": out,
            "index": index,
            "views": effort.views,
            "size": effort.size,
            "samples": _SAMPLES,
            "threads": effort.threads,
            "width": _WIDTH,
        }
        command = blender.script_command(script, [f"--{name}={value}" for name, value in flags.items()])
        environment = dict(os.environ) | {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1"}
        ran = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS
        )
        if ran.returncode:
            raise RenderError(f"common_practice.py ended with {ran.returncode}: {ran.stderr[-600:]}")
    seconds = time.perf_counter() - started
    _check(out, effort, 0)
    return seconds


def _check(folder: Path, effort: Effort, failed: int) -> None:
    written = len(list(folder.glob("*.png")))
    if failed or written != effort.objects * effort.views:
        raise RenderError(f"{written} images were written; expected {effort.objects * effort.views}.")
