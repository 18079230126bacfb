# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of renderers render: chairs, each seen from its own fixed camera."""

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from unrender.geometry.cameras import Cameras, ViewLaw
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.geometry.meshes import Mesh
from unrender.renderers.farm.ray_pool import RayPool
from unrender.renderers.off_the_shelf.blender_renderer import pack_views, render_settings
from unrender.renderers.off_the_shelf.worker_pool import WorkerPool

_WIDTH = 1.1  # world units across an orthographic image


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured. The limits are meant for these numbers, on a machine with nothing else to do.

    resolution: voxels per side of the chairs; size: pixels per side; a round of each kind renders `batches` batches of
    `meshes` images; objects: of the row that starts a Blender for each; frames: that travel in a round.
    """

    rounds: int = 7
    resolution: int = 64
    size: int = 128
    meshes: int = 16
    batches: int = 6
    objects: int = 100
    views: int = 8
    frames: int = 400
    threads: int = 2


class Workload:
    """Meshes, cameras, and the arrays in which a pool takes them."""

    def __init__(self, effort: Effort) -> None:
        self.effort = effort

    @cached_property
    def meshes(self) -> list[Mesh]:
        """Surfaces of smooth chairs, as a training or a data set makes them."""
        return make_chairs(self.effort.meshes, self.effort.resolution)

    @cached_property
    def cameras(self) -> Cameras:
        """One camera per mesh."""
        import torch

        return ViewLaw().sample(self.effort.meshes, torch.Generator().manual_seed(0))

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """One view of each mesh."""
        return pack_views(self.meshes, self.cameras.axes().numpy().astype(np.float32))

    def settings(self, samples: int, threads: int) -> dict[str, Any]:
        """Of a batch, for Cycles."""
        return render_settings(self.effort.size, samples, "cycles", threads, (), _WIDTH, None, IGGAN_LIGHTING)

    def describe(self, pool: WorkerPool | RayPool, samples: int, threads: int) -> dict[str, Any]:
        """What a reader has to know about a rate."""
        return {
            "faces": round(float(np.mean([len(mesh.faces) for mesh in self.meshes]))),
            "voxels": self.effort.resolution,
            "pixels": self.effort.size,
            "samples": samples,
            "threads": threads,
            "images_per_round": self.effort.meshes * self.effort.batches,
            "blender": pool.blender.version,
        }


def make_chairs(count: int, resolution: int) -> list[Mesh]:
    """Smooth surfaces of procedural chairs, inside the ball of unit diameter."""
    from unrender.data.procedural import make_shape
    from unrender.geometry.marching_cubes import marching_cubes, smooth_binary_field

    grids = (make_shape("chair", seed, resolution) for seed in range(count))
    return [Mesh(*marching_cubes(smooth_binary_field(grid))) for grid in grids]


def images_per_second(pool: WorkerPool, settings: dict[str, Any], batch: dict[str, np.ndarray], batches: int) -> float:
    """Rate at which a pool renders a batch many times over, arrays in and images out."""
    images = len(batch["mesh_of_view"])
    started = time.perf_counter()
    for pending in [pool.submit(settings, batch, images) for _ in range(batches)]:
        pending.result()
    return images * batches / (time.perf_counter() - started)
