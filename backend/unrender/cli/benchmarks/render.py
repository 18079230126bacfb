# SPDX-License-Identifier: Apache-2.0
"""`unrender bench render`: how fast images are made, each rate beside another one from the same run."""

import os
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from unrender.cli.benchmarks.comparison import Comparison
from unrender.cli.benchmarks.render_workload import Effort
from unrender.cli.console import print_json


def _overhead(samples: int) -> Callable[[Effort], Comparison]:
    def measure(effort: Effort) -> Comparison:
        from unrender.cli.benchmarks.pool_rows import measure_overhead

        return measure_overhead(effort, samples)

    return measure


def _workers(effort: Effort) -> Comparison:
    from unrender.cli.benchmarks.pool_rows import measure_workers

    return measure_workers(effort)


def _views(samples: int) -> Callable[[Effort], Comparison]:
    def measure(effort: Effort) -> Comparison:
        from unrender.cli.benchmarks.pool_rows import measure_views

        return measure_views(effort, samples)

    return measure


def _practice(effort: Effort) -> Comparison:
    from unrender.cli.benchmarks.practice_row import measure_practice

    return measure_practice(effort)


def _opengl(samples: int) -> Callable[[Effort], Comparison]:
    def measure(effort: Effort) -> Comparison:
        from unrender.cli.benchmarks.opengl_row import measure_opengl

        return measure_opengl(effort, samples)

    return measure


def _transport(effort: Effort) -> Comparison:
    from unrender.cli.benchmarks.transport_row import measure_transport

    return measure_transport(effort)


ROWS: dict[str, Callable[[Effort], Comparison]] = {
    "overhead-1": _overhead(1),
    "overhead-4": _overhead(4),
    "overhead-16": _overhead(16),
    "practice": _practice,
    "workers": _workers,
    "views-1": _views(1),
    "views-4": _views(4),
    "opengl-1": _opengl(1),
    "opengl-4": _opengl(4),
    "transport": _transport,
}
_NORMAL = Effort()


def command(
    only: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(ROWS)}; may be given more than once.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median counts. `practice` has one.")] = _NORMAL.rounds,
    objects: Annotated[int, typer.Option(min=1, help="Objects of the row `practice`.")] = _NORMAL.objects,
    frames: Annotated[int, typer.Option(min=1, help="Frames per round of `transport`.")] = _NORMAL.frames,
    resolution: Annotated[int, typer.Option(min=8, help="Voxels per side of the meshes.")] = _NORMAL.resolution,
    size: Annotated[int, typer.Option(min=8, help="Pixels per side.")] = _NORMAL.size,
    meshes: Annotated[int, typer.Option(min=1, help="Images in a batch.")] = _NORMAL.meshes,
    batches: Annotated[int, typer.Option(min=1, help="Batches in a round.")] = _NORMAL.batches,
    views: Annotated[int, typer.Option(min=2, help="Images of one mesh, in `views-*` and `practice`.")] = _NORMAL.views,
    threads: Annotated[int, typer.Option(min=1, help="Render threads, except in `workers`.")] = _NORMAL.threads,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON per row.")] = False,
) -> None:
    """How fast images are made, as ratios of two ways that are measured in alternation on an otherwise idle machine.

    \b
    overhead-1, -4, -16   arrays in, images out, over bare Cycles in the same process, at so many samples
    practice              a data set over a new Blender per object with from_pydata and PNG files
    workers               2 workers of 1 thread over 1 worker of 1 thread
    views-1, -4           several views of one mesh over one view each, at so many samples
    opengl-1, -4          OpenGL at so many samples over Cycles at 1 sample
    transport             messages per second over blendtorch's pattern, PUSH/PULL and pickle
    """
    unknown = sorted(set(only or ()) - set(ROWS))
    if unknown:
        raise typer.BadParameter(f"There is no row {', '.join(unknown)}; expected some of {', '.join(ROWS)}.")
    effort = Effort(rounds, resolution, size, meshes, batches, objects, views, frames, threads)
    for name in only or ROWS:
        result = ROWS[name](effort)
        if as_json:
            load = {} if not hasattr(os, "getloadavg") else {"load": round(os.getloadavg()[0], 2)}
            print_json(asdict(result) | load)
        else:
            typer.echo(result.sentence())
