# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks of rasterisers draw, and how they are timed."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psutil
import torch
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.geometry.marching_cubes import marching_cubes
from unrender.geometry.textured_mesh import TexturedMesh
from unrender.renderers.differentiable.mesh_renderer import MeshRenderer
from unrender.renderers.differentiable.rasterizer import Fragments, project, rasterize
from unrender.renderers.differentiable.rasterizer.backends import Backend

_TEXELS = 256  # per side of the texture


def wavy_ball(resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [N, 3] and faces [F, 3] of the marching-cubes surface of a ball with bumps in a grid of so many voxels a
    side: always the same one, with parts of itself in front of others; 53 voxels make 14.7 thousand faces."""
    axis = ((np.arange(resolution) + 0.5) / resolution - 0.5).astype(np.float32)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    radius = 0.3625 + 0.05 * np.sin(14 * x) * np.sin(14 * y + 1) * np.sin(14 * z + 2)
    return marching_cubes(0.5 + 8.0 * (radius - np.sqrt(x * x + y * y + z * z)))


def refined(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same surface with each face cut into four."""
    edges = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=2), axis=2).reshape(-1, 2)
    unique, middle = np.unique(edges, axis=0, return_inverse=True)
    ab, bc, ca = (len(vertices) + middle.reshape(-1, 3)).T
    a, b, c = faces.T
    parts = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], axis=1).reshape(-1, 3)
    return np.concatenate([vertices, vertices[unique].mean(axis=1)]), parts.astype(np.int32)


class Scene:
    """One mesh seen from `batch` sides by orthographic cameras, in square images."""

    def __init__(
        self,
        mesh: tuple[np.ndarray, np.ndarray],
        pixels: int,
        batch: int,
        device: torch.device,
        backend: Backend = "auto",
    ) -> None:
        vertices, faces = (torch.from_numpy(part).to(device) for part in mesh)
        self.size, self.backend, self.device = (pixels, pixels), backend, device
        draw = torch.Generator().manual_seed(0)
        texture = torch.rand(3, _TEXELS, _TEXELS, generator=draw).to(device).requires_grad_()
        uv = vertices[:, [0, 2]] + 0.5
        self.mesh = TexturedMesh(vertices.float().requires_grad_(), faces, uv=uv.float(), texture=texture)
        angle = torch.arange(batch) * 0.7 + 0.3
        self.cameras = Cameras(angle, 0.5 * torch.sin(angle))
        with torch.no_grad():
            self.screen = project(self.mesh.vertices[None], self.cameras.to(device), self.size).contiguous()
        self._renderer = MeshRenderer(self.size, silhouette="antialias", passes=(), backend=backend)

    @property
    def batch(self) -> int:
        """Images."""
        return len(self.cameras)

    def rasterise(self) -> Fragments:
        """Which faces are seen, where, how far away."""
        return rasterize(self.screen, self.mesh.faces, self.size, perspective=False, backend=self.backend)

    def learn(self) -> None:
        """Forward and backward, as in a training: projection, outlines, shading by normals, texture; gradients to the
        vertices and to the texture."""
        images = self._renderer.render([self.mesh] * self.batch, self.cameras, IGGAN_LIGHTING)
        (images.alpha.square().mean() + images.rgb.mean()).backward()
        self.mesh.vertices.grad = None
        assert self.mesh.texture is not None
        self.mesh.texture.grad = None

    def describe(self) -> dict[str, object]:
        """What a reader has to know about a rate."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu"
        facts: dict[str, object] = {"faces": len(self.mesh.faces), "pixels": self.size[0], "batch": self.batch}
        return facts | {"device": name, "threads": torch.get_num_threads()}


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one call, the least of several. wall: on the clock. processor: of all cores together, which does not
    count what other programs of the machine took; on a GPU the same as wall."""

    wall: float
    processor: float


def timed(work: Callable[[], object], device: torch.device, least: float = 0.4) -> Timing:
    """Call `work` again and again for about `least` seconds, in groups of some 50 milliseconds, each of which a GPU is
    waited for: clocks of processor time are coarse."""
    timings: list[Timing] = []
    calls, began = 1, time.perf_counter()
    while not timings or time.perf_counter() - began < least:
        wait_for(device)
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(calls):
            work()
        wait_for(device)
        spent = (time.perf_counter() - wall) / calls
        used = (time.process_time() - processor) / calls
        timings.append(Timing(spent, spent if device.type == "cuda" else used))
        calls = max(calls, min(100, round(0.05 / spent)))
    return Timing(min(one.wall for one in timings), min(one.processor for one in timings if one.processor > 0.0))


def wait_for(device: torch.device) -> None:
    """Until a GPU has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class PeakMemory:
    """Megabytes by which a piece of work raised the memory of this process, or of the GPU, at its highest."""

    megabytes = 0.0


@contextmanager
def peak_memory(device: torch.device) -> Iterator[PeakMemory]:
    """Measure the work in this context: on a GPU what torch allocated, else resident memory, looked at every
    millisecond."""
    peak = PeakMemory()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield peak
        peak.megabytes = (torch.cuda.max_memory_allocated(device) - before) / 2**20
        return
    process, done = psutil.Process(), threading.Event()
    before = highest = process.memory_info().rss

    def watch() -> None:
        nonlocal highest
        while not done.wait(0.001):
            highest = max(highest, process.memory_info().rss)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        highest = max(highest, process.memory_info().rss)
        done.set()
        watcher.join()
        peak.megabytes = (highest - before) / 2**20


def copy_bandwidth(device: torch.device, megabytes: int = 512) -> float:
    """Bytes per second that a copy moves from the memory to itself, reading and writing counted."""
    source = torch.zeros(megabytes << 18, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    seconds = timed(lambda: target.copy_(source), device).wall
    return 2.0 * source.nbytes / seconds


def moved_bytes(scene: Scene, fragments: Fragments) -> int:
    """The least that rasterising has to move: the mesh once, the fragments once."""
    tensors: list[Tensor] = [scene.screen, scene.mesh.faces, fragments.face, fragments.barycentrics, fragments.depth]
    return sum(tensor.nbytes for tensor in tensors)
