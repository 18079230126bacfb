# SPDX-License-Identifier: Apache-2.0
"""Meshes from generators of voxels."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float32

from unrender.errors import UserError
from unrender.geometry.meshes import Mesh
from unrender.meshing import MeshSettings, voxels_to_mesh
from unrender.methods.grid_cache import GridCache, ShapeGrid, ShapeKey
from unrender.methods.models import Model

Grid = Float32[np.ndarray, "X Y Z"]

_MOST_LOADED = 3  # generators in memory at a time


class EmptyShapeError(UserError):
    """A shape without a full voxel."""

    tag = "empty_shape"


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
        self._loaded: OrderedDict[str, tuple[Callable[..., Grid], Callable[..., Grid], int]] = OrderedDict()

    def find(self, key: ShapeKey) -> ShapeGrid | None:
        """The grid of a shape that was generated before, without its model."""
        return self._cache.find(key) if self._cache is not None else None

    def grid(self, key: ShapeKey, model: Model) -> ShapeGrid:
        """The grid of a shape of this model, whose weights must be those of the key; raises CheckpointError."""
        found = self.find(key)
        if found is not None:
            return found
        sample, _, blur_passes = self._generator(model)
        grid = ShapeGrid(sample(key.seed, key.variety), blur_passes)
        if self._cache is not None:
            self._cache.keep(key, grid)
        return grid

    def grid_between(self, first: ShapeKey, second: int, share: float, model: Model) -> ShapeGrid:
        """A grid on the way from that of a shape (share 0) to that of another seed (1); raises CheckpointError."""
        _, sample_between, blur_passes = self._generator(model)
        return ShapeGrid(sample_between(first.seed, second, share, first.variety), blur_passes)

    def _generator(self, model: Model) -> tuple[Callable[..., Grid], Callable[..., Grid], int]:
        # Loading networks takes seconds where a cached grid takes milliseconds.
        from unrender.methods.voxel_gan.sampling import (
            load_generator,
            read_model_config,
            sample_between,
            sample_occupancy,
        )

        if model.hash not in self._loaded:
            generator = load_generator(model.path, model.weights)
            blur_passes = read_model_config(model.path).renderer.surface_blur
            samplers = partial(sample_occupancy, generator), partial(sample_between, generator)
            self._loaded[model.hash] = *samplers, blur_passes
            while len(self._loaded) > _MOST_LOADED:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(model.hash)
        return self._loaded[model.hash]


class VoxelShapes:
    """The `ShapeMaker` of a model of voxels."""

    def __init__(self, model: Model, settings: MeshSettings, cache: GridCache | None = None) -> None:
        self._model, self._settings, self._source = model, settings, ShapeSource(cache)

    def shape(self, seed: int, variety: float) -> Mesh:
        key = ShapeKey(self._model.hash, seed, variety)
        return mesh_shape(self._source.grid(key, self._model), key, self._settings)

    def between(self, first: int, second: int, share: float, variety: float) -> Mesh:
        key = ShapeKey(self._model.hash, first, variety)
        return mesh_shape(self._source.grid_between(key, second, share, self._model), key, self._settings)
