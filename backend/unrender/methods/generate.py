# SPDX-License-Identifier: Apache-2.0
"""Shapes from a trained model."""

import time

from unrender.errors import CancelledError, UserError
from unrender.geometry.meshes import Mesh
from unrender.meshing import voxels_to_mesh
from unrender.methods.models import Model
from unrender.methods.voxel_gan.sampling import load_generator, read_model_config, sample_occupancy
from unrender.training.progress import CancelCheck, Progress, ProgressCallback, ignore_progress, never_cancelled


def generate_meshes(
    model: Model,
    seed: int,
    count: int,
    threshold: float = 0.5,
    variety: float = 1.0,
    max_faces: int | None = None,
    smooth: bool = True,
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
) -> list[Mesh]:
    """`count` watertight meshes of one piece, in world coordinates; shape i follows from `seed + i` alone.

    threshold: occupancy in (0, 1) above which a voxel is full. variety: factor on the latent code; below 1 shapes come
    closer to the average one. max_faces: decimate to at most so many. smooth: take the voxel staircase off.
    Raises CheckpointError, UserError if a shape is empty at the threshold, CancelledError.
    """
    started = time.monotonic()
    generator = load_generator(model.path, model.weights)
    # Meshed as the black box meshed it in training: what the discriminator saw is what the user gets.
    blur_passes = read_model_config(model.path).renderer.surface_blur
    meshes: list[Mesh] = []
    for index in range(count):
        if cancelled():
            raise CancelledError(f"Stopped after {len(meshes)} of {count} shapes.")
        occupancy = sample_occupancy(generator, seed + index, variety)
        mesh = voxels_to_mesh(occupancy, threshold, smooth, max_faces, blur_passes)
        if len(mesh.faces) == 0:
            raise UserError(
                f"Seed {seed + index} gives an empty shape at threshold {threshold} (its densest voxel has "
                f"{occupancy.max():.2g}).",
                "Lower the threshold, or train the model longer.",
            )
        meshes.append(mesh)
        eta = (time.monotonic() - started) / len(meshes) * (count - len(meshes))
        progress(Progress("generate", len(meshes), count, eta))
    return meshes
