# SPDX-License-Identifier: Apache-2.0
"""Several views of a mesh go another way through Cycles than single ones, and show the same."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from unrender.cli.benchmarks.render_workload import make_chairs
from unrender.geometry.cameras import Cameras
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation
from unrender.renderers.off_the_shelf.worker_pool import WorkerPool

SETTINGS: dict[str, Any] = {
    "size": 32, "samples": 4, "threads": 1, "passes": ("depth", "normal", "index"),
    "light_directions": [[0.5, 0.707, 0.5]], "light_intensities": [0.8], "ambient": 0.1,
}  # fmt: skip


@pytest.mark.parametrize("shadows", [False, True], ids=["closed form", "suns with shadows"])
def test_several_views_of_a_mesh_show_what_single_ones_do(blender_python: Path, shadows: bool) -> None:
    meshes = make_chairs(2, 16)
    azimuths = torch.tensor([0.0, 0.9, 2.0, 3.5])
    rotations = Cameras(azimuths, torch.full((4,), 0.4)).axes().numpy().astype(np.float32)
    batch = {
        "vertices": np.concatenate([mesh.vertices for mesh in meshes]),
        "faces": np.concatenate([mesh.faces for mesh in meshes]),
        "vertex_counts": np.array([len(mesh.vertices) for mesh in meshes], np.int32),
        "face_counts": np.array([len(mesh.faces) for mesh in meshes], np.int32),
    }
    several = batch | {"rotations": rotations, "mesh_of_view": np.array([0, 0, 1, 1], np.int32)}
    settings = SETTINGS | {"shadows": shadows}
    with WorkerPool(1, 1, BlenderInstallation("module", (str(blender_python),), "5.0")) as pool:
        before = _one_by_one(pool, settings, several)
        together = pool.submit(settings, several, 4).result(timeout=120).images
        after = _one_by_one(pool, settings, several)
    for name, images in together.items():
        assert images.any(), name
        # The points of a single view are moved before they are traced: a ray at an outline may meet another face.
        close = np.isclose(images, before[name], atol=2e-3)
        assert close.mean() > 0.995, name
        np.testing.assert_array_equal(before[name], after[name])


def _one_by_one(pool: WorkerPool, settings: dict[str, Any], batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    results = []
    for view, mesh in enumerate(batch["mesh_of_view"]):
        single = batch | {"rotations": batch["rotations"][view : view + 1], "mesh_of_view": np.array([mesh], np.int32)}
        results.append(pool.submit(settings, single, 1).result(timeout=120).images)
    return {name: np.concatenate([images[name] for images in results]) for name in results[0]}
