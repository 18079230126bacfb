# SPDX-License-Identifier: Apache-2.0
"""The row that compares the OpenGL renderer with Cycles."""

import time

from unrender.cli.benchmarks.comparison import Comparison, Question, compare
from unrender.cli.benchmarks.render_workload import Effort, Workload
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.renderers.base import Renderer
from unrender.renderers.off_the_shelf.blender_renderer import BlenderRenderer
from unrender.renderers.off_the_shelf.opengl_renderer import OpenGLRenderer


def measure_opengl(effort: Effort, samples: int) -> Comparison:
    """OpenGL at so many samples per pixel over Cycles at one, the same meshes through the same contract.

    Raises OpenGLNotFoundError where there is no OpenGL.
    """
    workload = Workload(effort)
    with (
        BlenderRenderer(effort.size, 1, threads=effort.threads) as blender,
        OpenGLRenderer(effort.size, samples, closed=True) as opengl,  # as it draws the grids of a training
    ):
        for renderer in (blender, opengl):
            _images_per_second(renderer, workload)
        facts = workload.describe(blender.pool, 1, effort.threads) | {
            "opengl": opengl.device,
            "opengl_samples": samples,
        }
        return compare(
            Question(f"opengl-{samples}", f"OpenGL at {samples} per pixel over Cycles at 1", "images/s", 2.0),
            lambda: _images_per_second(opengl, workload),
            lambda: _images_per_second(blender, workload),
            effort.rounds,
            facts,
        )


def _images_per_second(renderer: Renderer, workload: Workload) -> float:
    started = time.perf_counter()
    batches = range(workload.effort.batches)
    for pending in [renderer.submit(workload.meshes, workload.cameras, IGGAN_LIGHTING) for _ in batches]:
        pending.result()
    return len(workload.meshes) * len(batches) / (time.perf_counter() - started)
