# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of `scripts/render_dataset.py`: flags, progress, exit codes."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from .dataset import CAMERAS, LIGHTS, OBJECTS, DatasetPlan, render_dataset
from .given_objects import GivenObjects
from .manifest import DatasetError
from .parent_watch import exit_with_parent
from .settings import ENGINES

DONE, FAILED, WRONG_USAGE, PARTLY_DONE, INTERRUPTED = 0, 1, 2, 3, 130
MakeShape = Callable[[str, int, int], "tuple[np.ndarray, np.ndarray]"]


def run(argv: Sequence[str], sources: Sequence[str], make_shape: MakeShape) -> int:
    """Parse what follows `--` (or the program's name), render, return the exit code.

    sources, make_shape: classes of procedural shapes, and (source, seed, resolution) -> vertices, faces. Besides them
    there is the source "objects": the meshes of a file.
    """
    arguments = list(argv[argv.index("--") + 1 :] if "--" in argv else argv[1:])
    try:
        options = _parser(sources).parse_args(arguments)
    except SystemExit as stop:
        return WRONG_USAGE if stop.code else DONE
    if options.exit_with_parent:
        exit_with_parent()
    output = _claim_standard_output()
    progress = _Progress(output, options.json)
    try:
        given = GivenObjects(options.objects) if options.source == OBJECTS else None
        values = {name: getattr(options, name) for name in DatasetPlan.__dataclass_fields__ if hasattr(options, name)}
        if given is not None:
            values |= {"count": len(given), "objects": given.hash}
        plan = DatasetPlan(**values)
        progress.total = len(range(options.shard[0], plan.count, options.shard[1])) * plan.views
        failed = render_dataset(
            plan,
            given.mesh if given is not None else lambda seed: make_shape(plan.source, seed, plan.resolution),
            options.out,
            options.shard,
            options.threads,
            options.resume,
            progress.report,
        )
    except DatasetError as error:
        print(f"render_dataset: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("render_dataset: interrupted; --resume continues.", file=sys.stderr)
        return INTERRUPTED
    except Exception:
        traceback.print_exc()
        return FAILED
    progress.finish(failed, options.out)
    return PARTLY_DONE if failed else DONE


def _parser(sources: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="render_dataset", description="Render procedural shapes into a folder of images with their cameras."
    )
    parser.add_argument("--source", required=True, choices=[*sources, OBJECTS], help="class of shapes")
    parser.add_argument("--objects", default="", help="file .npz of vertices_0, faces_0, ..., for --source objects")
    parser.add_argument("--count", type=int, default=500, help="how many shapes (500)")
    parser.add_argument("--views", type=int, default=1, help="images of each shape (1)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same images (0)")
    parser.add_argument("--size", type=int, default=64, help="pixels per side (64)")
    parser.add_argument("--samples", type=int, default=4, help="samples per pixel (4)")
    parser.add_argument("--resolution", type=int, default=32, help="voxels per side of the shapes (32)")
    parser.add_argument("--cameras", default="iggan", choices=CAMERAS, help="law that views are drawn from (iggan)")
    parser.add_argument("--lights", default="iggan", choices=list(LIGHTS), help="lights fixed to the camera (iggan)")
    parser.add_argument("--shadows", action="store_true", help="shapes cast shadows on themselves")
    parser.add_argument("--engine", default="cycles", choices=ENGINES, help="render engine (cycles)")
    parser.add_argument("--out", required=True, type=Path, help="folder to write")
    parser.add_argument("--resume", action="store_true", help="continue a data set that was interrupted")
    parser.add_argument("--shard", type=_shard, default=(0, 1), help="I/N renders every N-th shape, from I = 0 on")
    parser.add_argument("--threads", type=int, default=min(4, os.cpu_count() or 1), help="render threads")
    parser.add_argument("--json", action="store_true", help="one line of JSON per image on standard output")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when standard input is closed")
    return parser


def _shard(text: str) -> tuple[int, int]:
    index, _, total = text.partition("/")
    if not (index.isdigit() and total.isdigit() and int(index) < int(total)):
        raise argparse.ArgumentTypeError(f"{text!r} is no shard; expected I/N with I from 0 to N - 1, for example 0/4")
    return int(index), int(total)


def _claim_standard_output() -> TextIO:
    """Keep standard output for ourselves: Blender's own lines would mix with the records."""
    own = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return own


class _Progress:
    """Records as JSON lines, or a line with the time left: in place on a terminal, every five seconds elsewhere."""

    def __init__(self, output: TextIO, as_json: bool) -> None:
        self.total = 0
        self._output, self._as_json = output, as_json
        self._done, self._first, self._shown = 0, 0.0, 0.0

    def report(self, record: dict) -> None:
        if self._as_json:
            print(json.dumps(record), file=self._output)
            return
        if "failed" in record:
            print(f"image {record['failed']} failed: {record['message']}", file=sys.stderr)
            return
        now = time.monotonic()
        self._first = self._first or now
        self._done += 1
        pause = 0.2 if sys.stderr.isatty() else 5.0
        if now - self._shown > pause and self._done > 5:  # the first images warm up and would spoil the estimate
            left = (now - self._first) / (self._done - 1) * max(self.total - self._done, 0)
            end = "\r" if sys.stderr.isatty() else "\n"
            line = f"{self._done}/{self.total} images, {self._done / (now - self._first):.0f}/s, {left:.0f} s left  "
            print(line, end=end, file=sys.stderr, flush=True)
            self._shown = now

    def finish(self, failed: int, out: Path) -> None:
        if not self._as_json:
            missing = f", {failed} failed" if failed else ""
            print(f"{self._done} images rendered into {out}{missing}", file=self._output)
