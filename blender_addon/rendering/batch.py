# SPDX-License-Identifier: GPL-3.0-or-later
"""From the arrays of one batch to its images."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from .scene import RenderScene
from .settings import RenderSettings


@dataclass(frozen=True)
class BatchResult:
    """images: `rgba` [B, H, W, 4] and the passes; seconds: all of it; render_seconds: inside Blender's render call."""

    images: dict[str, np.ndarray]
    seconds: float
    render_seconds: float


def render_batch(scene: RenderScene, settings: dict, arrays: dict[str, np.ndarray]) -> BatchResult:
    """Render B views of M meshes.

    arrays: `vertices` float32 [sum N, 3] and `faces` int32 [sum F, 3] of all meshes one after another (the faces of
    each count from its own first vertex), `vertex_counts` and `face_counts` int32 [M], `rotations` float32 [B, 3, 3]
    (rows: right, up and backward of the camera) and `mesh_of_view` int32 [B], which mesh each view shows.
    Raises ValueError where they do not fit together.

    With the setting `bare_repeats` nothing is returned but times: the meshes are brought into Blender first, and only
    the render calls are measured, so many times over. It is what a benchmark compares the rest with.
    """
    started = time.perf_counter()
    settings = dict(settings)
    bare_repeats = settings.pop("bare_repeats", 0)
    scene.configure(RenderSettings.from_dict(settings))
    meshes = _split_meshes(arrays)
    if bare_repeats:
        scene.expect_views(False)
        return _render_bare(scene, meshes, arrays["rotations"], bare_repeats)
    rotations, mesh_of_view = arrays["rotations"], arrays["mesh_of_view"]
    if rotations.shape != (len(mesh_of_view), 3, 3):
        raise ValueError(f"rotations are {rotations.shape}; expected {(len(mesh_of_view), 3, 3)}")
    scene.expect_views(len(mesh_of_view) >= 2 * len(set(mesh_of_view.tolist())))
    images: dict[str, np.ndarray] = {}
    render_seconds, current = 0.0, -1
    for view, index in enumerate(mesh_of_view.tolist()):
        if index != current:
            scene.set_mesh(*meshes[index])
            current = index
        before = time.perf_counter()
        rendered = scene.render(rotations[view])
        render_seconds += time.perf_counter() - before
        for name, image in rendered.items():
            if name not in images:
                images[name] = np.empty((len(mesh_of_view), *image.shape), np.float32)
            images[name][view] = image
    return BatchResult(images, time.perf_counter() - started, render_seconds)


def _render_bare(scene: RenderScene, meshes: list, rotations: np.ndarray, repeats: int) -> BatchResult:
    """Times of nothing but rendering: view k shows mesh k, all of them inside Blender before the clock starts.

    Each round has new meshes, for a mesh is rendered once in training: what Blender derives from it and keeps, such as
    its normals, is part of rendering it.
    """
    seconds = 0.0
    for _ in range(repeats):
        stored = [scene.store_mesh(*mesh) for mesh in meshes]
        started = time.perf_counter()
        for mesh, rotation in zip(stored, rotations, strict=True):
            scene.render_stored(mesh, rotation)
        seconds += time.perf_counter() - started
        scene.forget_meshes(stored)
    return BatchResult({}, seconds, seconds)


def _split_meshes(arrays: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    vertices, faces = arrays["vertices"], arrays["faces"]
    vertex_ends, face_ends = np.cumsum(arrays["vertex_counts"]), np.cumsum(arrays["face_counts"])
    if (
        len(vertex_ends) != len(face_ends)
        or vertices.shape != (_last(vertex_ends), 3)
        or faces.shape != (_last(face_ends), 3)
    ):
        raise ValueError(
            f"vertices {vertices.shape} and faces {faces.shape} do not fit counts that add up to "
            f"{_last(vertex_ends)} and {_last(face_ends)}"
        )
    meshes = []
    for index in range(len(vertex_ends)):
        corner = vertices[vertex_ends[index] - arrays["vertex_counts"][index] : vertex_ends[index]]
        triangle = faces[face_ends[index] - arrays["face_counts"][index] : face_ends[index]]
        if len(triangle) and not 0 <= triangle.min() <= triangle.max() < len(corner):
            raise ValueError(f"faces of mesh {index} name vertices that it does not have ({len(corner)})")
        if not np.isfinite(corner).all():
            raise ValueError(f"vertices of mesh {index} are not all finite")
        meshes.append((corner, triangle))
    return meshes


def _last(ends: np.ndarray) -> int:
    return int(ends[-1]) if len(ends) else 0
