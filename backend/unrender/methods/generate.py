# SPDX-License-Identifier: Apache-2.0
"""Shapes from a trained model."""

import time
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from unrender.errors import CancelledError, UserError
from unrender.geometry.meshes import Mesh
from unrender.meshing import MeshSettings, voxels_to_mesh
from unrender.methods.grid_cache import GridCache, ShapeGrid, ShapeKey
from unrender.methods.models import Model
from unrender.training.progress import CancelCheck, Progress, ProgressCallback, ignore_progress, never_cancelled

_MOST_LOADED = 3  # generators in memory at a time


class EmptyShapeError(UserError):
    """A shape without a full voxel."""

    tag = "empty_shape"


def generate_meshes(
    model: Model,
    seed: int,
    count: int,
    variety: float = 1.0,
    settings: MeshSettings | None = None,
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
    cache: GridCache | None = None,
) -> list[Mesh]:
    """`count` watertight meshes of one piece, in world coordinates; shape i follows from `seed + i` alone.

    variety: factor on the latent code; below 1 shapes come closer to the average one. cache: keeps the grids.
    Raises CheckpointError, EmptyShapeError, CancelledError.
    """
    started = time.monotonic()
    shapes = ShapeSource(cache)
    meshes: list[Mesh] = []
    for index in range(count):
        if cancelled():
            raise CancelledError(f"Stopped after {len(meshes)} of {count} shapes.")
        key = ShapeKey(model.hash, seed + index, variety)
        meshes.append(mesh_shape(shapes.grid(key, model), key, settings or MeshSettings()))
        eta = (time.monotonic() - started) / len(meshes) * (count - len(meshes))
        progress(Progress("generate", len(meshes), count, eta))
    return meshes


def mesh_shape(grid: ShapeGrid, key: ShapeKey, settings: MeshSettings) -> Mesh:
    """The mesh of one shape. Raises EmptyShapeError if it is empty at the threshold."""
    mesh = voxels_to_mesh(
        grid.occupancy,
        settings.threshold,
        settings.smoothing,
        settings.max_faces,
        # Meshed as the black box meshed it in training: what the discriminator saw is what the user gets.
        grid.blur_passes,
        settings.resolution,
    )
    if len(mesh.faces) == 0:
        densest = float(grid.occupancy.max())
        raise EmptyShapeError(
            f"Seed {key.seed} gives an empty shape at threshold {settings.threshold:.3g} (its densest voxel has "
            f"{densest:.2g}).",
            "Lower the threshold, or train the model longer.",
        )
    return mesh


class ShapeSource:
    """The grids of shapes: from the cache, or generated. The generators that were used last stay in memory."""

    def __init__(self, cache: GridCache | None = None) -> None:
        self._cache = cache
        self._loaded: OrderedDict[str, tuple[Callable[[int, float], Float32[np.ndarray, "X Y Z"]], int]] = OrderedDict()

    def find(self, key: ShapeKey) -> ShapeGrid | None:
        """The grid of a shape that was generated before, without its model."""
        return self._cache.find(key) if self._cache is not None else None

    def grid(self, key: ShapeKey, model: Model) -> ShapeGrid:
        """The grid of a shape of this model, whose weights must be those of the key; raises CheckpointError."""
        found = self.find(key)
        if found is not None:
            return found
        sample, blur_passes = self._generator(model)
        grid = ShapeGrid(sample(key.seed, key.variety), blur_passes)
        if self._cache is not None:
            self._cache.keep(key, grid)
        return grid

    def _generator(self, model: Model) -> tuple[Callable[[int, float], Float32[np.ndarray, "X Y Z"]], int]:
        # Loading networks takes seconds where a cached grid takes milliseconds.
        from unrender.methods.voxel_gan.sampling import load_generator, read_model_config, sample_occupancy

        if model.hash not in self._loaded:
            generator = load_generator(model.path, model.weights)
            blur_passes = read_model_config(model.path).renderer.surface_blur
            self._loaded[model.hash] = (lambda seed, variety: sample_occupancy(generator, seed, variety)), blur_passes
            while len(self._loaded) > _MOST_LOADED:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(model.hash)
        return self._loaded[model.hash]
