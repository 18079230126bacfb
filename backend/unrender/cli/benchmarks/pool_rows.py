# SPDX-License-Identifier: Apache-2.0
"""Rows about the pool of Blender workers: what it costs on top of Cycles, and what workers and views gain."""

import numpy as np

from unrender.cli.benchmarks.comparison import Comparison, Question, compare
from unrender.cli.benchmarks.render_workload import Effort, Workload, images_per_second
from unrender.renderers.off_the_shelf.worker_pool import WorkerPool

_TRAINING_SAMPLES = 4  # of the presets


def measure_overhead(effort: Effort, samples: int) -> Comparison:
    """Arrays in, images out, through pool, codec and mesh upload; beside Cycles' render calls alone, in the same
    process, on meshes that are inside Blender already."""
    workload = Workload(effort)
    settings = workload.settings(samples, effort.threads)
    images = effort.meshes * effort.batches
    with WorkerPool(1, effort.threads) as pool:
        pool.submit(settings, workload.arrays, effort.meshes).result()  # starts Blender and warms it up

        def bare() -> float:
            repeats = settings | {"bare_repeats": effort.batches}
            return images / pool.submit(repeats, workload.arrays, images).result().seconds

        return compare(
            Question(f"overhead-{samples}", "end to end over bare Cycles in the same process", "images/s", 0.85),
            lambda: images_per_second(pool, settings, workload.arrays, effort.batches),
            bare,
            effort.rounds,
            workload.describe(pool, samples, effort.threads),
        )


def measure_workers(effort: Effort) -> Comparison:
    """Two workers of one thread each beside one of them; the pool whose turn it is not waits."""
    workload = Workload(effort)
    settings = workload.settings(_TRAINING_SAMPLES, 1)
    with WorkerPool(1, 1) as one, WorkerPool(2, 1) as two:
        for pool in (one, two):
            images_per_second(pool, settings, workload.arrays, 2 * effort.batches)  # all of them are warm afterwards
        return compare(
            Question("workers", "2 workers of 1 thread over 1 worker of 1 thread", "images/s", 1.8),
            lambda: images_per_second(two, settings, workload.arrays, effort.batches),
            lambda: images_per_second(one, settings, workload.arrays, effort.batches),
            effort.rounds,
            workload.describe(one, _TRAINING_SAMPLES, 1),
        )


def measure_views(effort: Effort, samples: int) -> Comparison:
    """The same number of images of few meshes from several sides, and of many meshes from one side each."""
    workload = Workload(effort)
    settings = workload.settings(samples, effort.threads)
    shared = workload.arrays | {"mesh_of_view": _in_turn(effort.meshes, effort.views)}
    with WorkerPool(1, effort.threads) as pool:
        for batch in (shared, workload.arrays):
            pool.submit(settings, batch, effort.meshes).result()
        facts = workload.describe(pool, samples, effort.threads) | {"views": effort.views}
        return compare(
            Question(f"views-{samples}", f"{effort.views} views of each mesh over one view of each", "images/s", 1.4),
            lambda: images_per_second(pool, settings, shared, effort.batches),
            lambda: images_per_second(pool, settings, workload.arrays, effort.batches),
            effort.rounds,
            facts,
        )


def _in_turn(images: int, views: int) -> np.ndarray:
    """Which mesh each image shows, int32 [images]: 0 0 0 1 1 1 ..."""
    return (np.arange(images) // views).astype(np.int32)
