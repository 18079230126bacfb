# SPDX-License-Identifier: Apache-2.0
"""Blender as a Renderer: not differentiable, photorealistic, fed with meshes."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting
from unrender.geometry.meshes import Mesh
from unrender.geometry.surface import extract_surface, smooth_binary
from unrender.renderers.base import RenderedImages, Shapes, check_views
from unrender.renderers.farm.ray_pool import RayPool
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation
from unrender.renderers.off_the_shelf.pool_contract import BatchImages, PoolLimits
from unrender.renderers.off_the_shelf.worker_pool import WorkerPool


class PendingRender:
    """Images that are being rendered. `render_seconds` and `mesh_seconds` are known once `result` has returned."""

    def __init__(self, chunks: "Future[list[Future[BatchImages]]]") -> None:
        self._chunks = chunks
        self.render_seconds = 0.0
        self.mesh_seconds = 0.0

    def done(self) -> bool:
        """Whether `result` would return (or raise) without waiting."""
        return self._chunks.done() and (
            self._chunks.exception() is not None or all(chunk.done() for chunk in self._chunks.result())
        )

    def result(self, timeout: float | None = None) -> RenderedImages:
        """Wait for the images. Raises TimeoutError, or RenderError where Blender could not render them."""
        deadline = None if timeout is None else time.monotonic() + timeout
        parts = []
        for chunk in self._chunks.result(timeout):
            parts.append(chunk.result(None if deadline is None else max(0.0, deadline - time.monotonic())))
        self.render_seconds = sum(part.seconds for part in parts)
        return _join(parts)


class BlenderRenderer:
    """Renders meshes or binary grids through a pool of headless Blender workers; a context manager.

    Grids are thresholded at 0.5 and meshed by marching cubes on `smooth_binary` of them, off the calling thread.
    passes: further images in the result, some of "depth" and "normal". surface_blur: passes of `smooth_binary`.
    ray: "auto" or HOST:PORT of a Ray cluster, whose machines then render with as many workers as they have room for.
    """

    differentiable = False

    def __init__(
        self,
        size: int = 64,
        samples: int = 4,
        engine: str = "cycles",
        workers: int = 1,
        threads: int = 2,
        passes: tuple[str, ...] = (),
        blender: BlenderInstallation | None = None,
        limits: PoolLimits | None = None,
        surface_blur: int = 0,
        ray: str = "",
    ) -> None:
        self._surface_blur = surface_blur
        self._fixed = (size, samples, engine, threads, passes)
        self._workers = workers
        self._pool: WorkerPool | RayPool
        if ray:
            self._pool = RayPool(ray, 0, threads, limits, logging.getLogger(__name__).warning)
            self._workers = self._pool.workers
        else:
            self._pool = WorkerPool(workers, threads, blender, limits)
        self._mesher = ThreadPoolExecutor(1, thread_name_prefix="mesher")

    def __enter__(self) -> "BlenderRenderer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def pool(self) -> WorkerPool | RayPool:
        return self._pool

    def close(self) -> None:
        """Stop the workers. Renders that are not finished fail."""
        self._mesher.shutdown(wait=True, cancel_futures=True)
        self._pool.close()

    def render(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> RenderedImages:
        """Render and wait: one image per shape and camera. Raises RenderError."""
        return self.submit(shapes, cameras, lighting).result()

    def submit(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> PendingRender:
        """Start rendering and return at once; meshing and rendering overlap with what the caller does next."""
        check_views(shapes, cameras)
        if isinstance(shapes, torch.Tensor):
            shapes = (shapes.detach() > 0.5).cpu()
        rotations = cameras.axes().detach().cpu().numpy().astype(np.float32)
        settings = self._settings(cameras, lighting)
        pending: PendingRender

        def prepare() -> "list[Future[BatchImages]]":
            started = time.perf_counter()
            chunks = []
            for part in np.array_split(np.arange(len(rotations)), min(self._workers, len(rotations))):
                chosen = shapes[part[0] : part[-1] + 1]
                meshes = mesh_grids(chosen, self._surface_blur) if isinstance(chosen, torch.Tensor) else chosen
                chunks.append(self._pool.submit(settings, pack_views(meshes, rotations[part]), len(part)))
            pending.mesh_seconds = time.perf_counter() - started
            return chunks

        gate: Future[None] = Future()

        def run() -> "list[Future[BatchImages]]":
            gate.result()
            return prepare()

        pending = PendingRender(self._mesher.submit(run))
        gate.set_result(None)
        return pending

    def _settings(self, cameras: Cameras, lighting: Lighting) -> dict[str, Any]:
        return render_settings(*self._fixed, cameras.width, cameras.field_of_view, lighting)


def render_settings(
    size: int,
    samples: int,
    engine: str,
    threads: int,
    passes: tuple[str, ...],
    width: float,
    field_of_view: float | None,
    lighting: Lighting,
) -> dict[str, Any]:
    """The settings of a batch, by the names of `blender_addon/rendering/settings.py`."""
    return {
        "size": size,
        "samples": samples,
        "engine": engine,
        "threads": threads,
        "passes": passes,
        "width": width,
        "field_of_view": field_of_view,
        "light_directions": lighting.directions,
        "light_intensities": lighting.intensities,
        "ambient": lighting.ambient,
        "shadows": lighting.shadows,
    }


def mesh_grids(grids: torch.Tensor, surface_blur: int = 0) -> list[Mesh]:
    """Smooth surfaces of binary grids `[B, 1, X, Y, Z]`, one mesh per grid; see `smooth_binary`."""
    fields = smooth_binary(grids, surface_blur).numpy()
    return [extract_surface(field[0]) for field in fields]


def pack_views(meshes: list[Mesh], rotations: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of one batch, one view per mesh, as `blender_addon/rendering/batch.py` describes them."""
    return {
        "vertices": np.concatenate([mesh.vertices for mesh in meshes]),
        "faces": np.concatenate([mesh.faces for mesh in meshes]),
        "vertex_counts": np.array([len(mesh.vertices) for mesh in meshes], np.int32),
        "face_counts": np.array([len(mesh.faces) for mesh in meshes], np.int32),
        "rotations": rotations,
        "mesh_of_view": np.arange(len(meshes), dtype=np.int32),
    }


def _join(parts: list[BatchImages]) -> RenderedImages:
    images = {name: _to_tensor([part.images[name] for part in parts]) for name in parts[0].images}
    rgba = images["rgba"].permute(0, 3, 1, 2)
    depth, normal = images.get("depth"), images.get("normal")
    return RenderedImages(
        rgb=rgba[:, :3].contiguous(),
        alpha=rgba[:, 3:].contiguous(),
        depth=None if depth is None else depth[:, None],
        normal=None if normal is None else normal.permute(0, 3, 1, 2).contiguous(),
    )


def _to_tensor(arrays: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.concatenate(arrays))
