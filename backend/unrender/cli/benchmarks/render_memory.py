# SPDX-License-Identifier: Apache-2.0
"""`unrender bench render-memory`: how a Blender worker's memory grows while it renders."""

import tempfile
from collections import deque
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from unrender.cli.benchmarks.memory_steps import MemoryReport, StepRecorder
from unrender.cli.benchmarks.render_workload import Effort, Workload
from unrender.cli.console import print_json
from unrender.data.dataset_rendering import DatasetRequest, render_dataset
from unrender.renderers.off_the_shelf.worker_pool import BatchImages, PoolLimits, WorkerPool

_BATCH = 10  # images
_IN_FLIGHT = 4  # batches


def measure_pool(
    effort: Effort, renders: int, every: int, samples: int, limits: PoolLimits | None = None
) -> MemoryReport:
    """A worker as a training has it: every image shows another mesh than the one before."""
    workload = Workload(effort)
    settings = workload.settings(samples, effort.threads)
    batches = [_part(workload.arrays, start) for start in range(0, effort.meshes, _BATCH)]
    waiting: deque[Future[BatchImages]] = deque()
    with WorkerPool(1, effort.threads, limits=limits) as pool:
        pool.submit(settings, workload.arrays, effort.meshes).result()
        recorder = StepRecorder(every)
        sent = 0
        while recorder.done < renders:
            while len(waiting) < _IN_FLIGHT:
                batch = batches[sent % len(batches)]
                waiting.append(pool.submit(settings, batch, len(batch["mesh_of_view"])))
                sent += 1
            if recorder.is_due(len(waiting.popleft().result().images["rgba"])):
                recorder.end_step(pool.worker_pids())
        for pending in waiting:
            pending.result()
        facts = workload.describe(pool, samples, effort.threads)
    del facts["images_per_round"]
    return recorder.report(facts | {"worker": "pool"})


def _part(arrays: dict[str, Any], start: int) -> dict[str, Any]:
    """Some of the meshes of a batch, one view each."""
    chosen = slice(start, start + _BATCH)
    vertex_ends, face_ends = arrays["vertex_counts"].cumsum(), arrays["face_counts"].cumsum()
    counts = {name: arrays[name][chosen] for name in ("vertex_counts", "face_counts")}
    first_vertex = vertex_ends[start] - arrays["vertex_counts"][start]
    first_face = face_ends[start] - arrays["face_counts"][start]
    return counts | {
        "vertices": arrays["vertices"][first_vertex : first_vertex + counts["vertex_counts"].sum()],
        "faces": arrays["faces"][first_face : first_face + counts["face_counts"].sum()],
        "rotations": arrays["rotations"][chosen],
        "mesh_of_view": arrays["mesh_of_view"][: len(counts["face_counts"])],
    }


def measure_dataset(request: DatasetRequest, every: int, threads: int) -> MemoryReport:
    """The worker of a data set, which imports objects with their materials and writes files."""
    recorder = StepRecorder(every)

    def on_record(record: dict[str, Any]) -> None:
        if recorder.is_due(1):
            recorder.end_step(_dataset_workers())

    with tempfile.TemporaryDirectory(prefix="unrender-") as folder:
        failed = render_dataset(request, Path(folder) / "data", workers=1, threads=threads, on_record=on_record)
    facts = {"source": request.source, "views": request.views, "pixels": request.size, "samples": request.samples}
    return recorder.report(facts | {"passes": request.passes, "failed": failed, "worker": "data set"})


def _dataset_workers() -> list[int]:
    """The Blenders below the process that watches over them, the oldest first."""
    supervisors = psutil.Process().children()
    workers = [worker for supervisor in supervisors for worker in supervisor.children()]
    return [worker.pid for worker in sorted(workers, key=lambda worker: worker.create_time())]


def command(
    renders: Annotated[int, typer.Option(min=1, help="Images in a row.")] = 2000,
    every: Annotated[int, typer.Option(min=1, help="Images between two looks at the memory.")] = 100,
    source: Annotated[str, typer.Option(help="Of `render-dataset`; left out: a training's worker.")] = "",
    views: Annotated[int, typer.Option(min=1, help="Images of each object of the source.")] = 1,
    passes: Annotated[str, typer.Option(help="What is written of the source, with commas.")] = "rgb",
    recycle_after: Annotated[int, typer.Option(min=1, help="Images after which a training's worker is replaced.")] = (
        50_000
    ),
    meshes: Annotated[int, typer.Option(min=1, help="Different meshes, in turn.")] = 50,
    resolution: Annotated[int, typer.Option(min=8, help="Voxels per side of the meshes.")] = 64,
    size: Annotated[int, typer.Option(min=8, help="Pixels per side.")] = 128,
    samples: Annotated[int, typer.Option(min=1, help="Samples per pixel.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Render threads.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Resident memory and images per second of one Blender worker, step by step.

    It may grow by 50 MB in 2,000 images, after the first 100; where it grows more, it has to be replaced without a gap.
    """
    if source:
        count = -(-renders // views)
        request = DatasetRequest(
            source, count, views, size=size, samples=samples, resolution=resolution, lights=None, passes=passes
        )
        report = measure_dataset(request, every, threads)
    else:
        effort = Effort(resolution=resolution, size=size, meshes=meshes, threads=threads)
        report = measure_pool(effort, renders, every, samples, PoolLimits(recycle_after=recycle_after))
    if as_json:
        print_json(asdict(report))
        return
    for step in report.steps:
        typer.echo(f"{step.renders:6} images  {step.megabytes:8.1f} MB  {step.images_per_second:7.1f} images/s")
    typer.echo(
        f"grew by {report.growth_megabytes} MB (at most {report.most_growth_megabytes:g}); {report.replaced} workers "
        f"replaced; the slowest step had {report.lowest_rate:.0%} of the median rate"
    )
