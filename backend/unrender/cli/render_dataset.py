# SPDX-License-Identifier: Apache-2.0
"""`unrender render-dataset`: shapes x cameras -> images + annotations, through headless Blenders."""

import os
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from unrender.cli.console import long_work, print_json
from unrender.training.progress import Progress

_PARTLY_DONE = 3


def command(
    out: Annotated[Path, typer.Option(help="Folder to write.", file_okay=False)],
    source: Annotated[str, typer.Option(help="Class of procedural shapes: chair, couch, bathtub, table, ...")],
    count: Annotated[int, typer.Option(min=1, help="How many shapes.")] = 500,
    views: Annotated[int, typer.Option(min=1, help="Images of each shape.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same images.")] = 0,
    size: Annotated[int, typer.Option(min=8, max=4096, help="Pixels per side.")] = 64,
    samples: Annotated[int, typer.Option(min=1, max=4096, help="Samples per pixel.")] = 4,
    resolution: Annotated[int, typer.Option(min=8, max=512, help="Voxels per side of the shapes.")] = 32,
    cameras: Annotated[Literal["iggan", "limited"], typer.Option(help="Law that views are drawn from.")] = "iggan",
    lights: Annotated[Literal["iggan", "headlight"], typer.Option(help="Lights, fixed to the camera.")] = "iggan",
    shadows: Annotated[bool, typer.Option("--shadows", help="Shapes cast shadows on themselves.")] = False,
    engine: Annotated[str, typer.Option(help="cycles, eevee or workbench.")] = "cycles",
    workers: Annotated[int | None, typer.Option(min=1, help="Blenders at once; default: one per two cores.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Render threads of each Blender.")] = 2,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a data set that was interrupted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON per image on stdout.")] = False,
) -> None:
    """Render procedural shapes with Blender into a folder of images with their cameras.

    \b
    The folder holds images/NNNNNN.png (sRGB, straight alpha), manifest.jsonl, cameras.json and contact_sheet.png.
    Train on it with: unrender train voxel_gan --data OUT
    `blender -b -P scripts/render_dataset.py -- ...` does the same without the backend.
    """
    from unrender.data.dataset_rendering import DatasetRequest, render_dataset
    from unrender.data.procedural import CLASSES

    if source not in CLASSES:
        raise typer.BadParameter(f"{source!r} is no class of shapes; expected one of {', '.join(CLASSES)}")
    request = DatasetRequest(source, count, views, seed, size, samples, resolution, cameras, lights, shadows, engine)
    workers = workers or max(1, (os.cpu_count() or 1) // 2)
    with long_work() as work:
        display = _Display(request.images, work.progress, as_json)
        failed = render_dataset(request, out, workers, threads, resume, display.record, work.cancelled)
    if not as_json:
        typer.echo(f"{display.done} images rendered into {out}" + (f", {failed} failed" if failed else ""))
    if failed:
        raise typer.Exit(_PARTLY_DONE)


class _Display:
    """Turns the records of images into progress, or prints them as JSON."""

    def __init__(self, total: int, show: Any, as_json: bool) -> None:
        self.done = 0
        self._total, self._show, self._as_json = total, show, as_json
        self._first = 0.0

    def record(self, record: dict[str, Any]) -> None:
        if self._as_json:
            print_json(record)
        if "failed" in record:
            message = f"image {record['failed']} failed: {record['message']}"
        else:
            message = ""
            self.done += 1
        now = time.monotonic()
        self._first = self._first or now
        # The first images wait for Blender to warm up; they would spoil the estimate.
        eta = None if self.done <= 5 else (now - self._first) / (self.done - 1) * (self._total - self.done)
        if not self._as_json:
            self._show(Progress("rendering", self.done, self._total, eta, message, None))
