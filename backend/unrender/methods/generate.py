# SPDX-License-Identifier: Apache-2.0
"""Shapes from a trained model of any method."""

import time
from typing import Protocol, runtime_checkable

from unrender.errors import CancelledError, ConfigurationError
from unrender.geometry.meshes import Mesh
from unrender.geometry.textured_shape import TexturedShape
from unrender.meshing import MeshSettings
from unrender.methods.grid_cache import GridCache
from unrender.methods.models import Model
from unrender.training.progress import CancelCheck, Progress, ProgressCallback, ignore_progress, never_cancelled

Shape = Mesh | TexturedShape


@runtime_checkable
class ShapeMaker(Protocol):
    """A trained generator. variety: see `generate_shapes`. Raises CheckpointError, EmptyShapeError."""

    def shape(self, seed: int, variety: float) -> Shape:
        """The shape of a seed."""
        ...

    def between(self, first: int, second: int, share: float, variety: float) -> Shape:
        """On the way from the shape of one seed (share 0) to that of another (1)."""
        ...


def generate_shapes(
    model: Model,
    seed: int,
    count: int,
    variety: float = 1.0,
    settings: MeshSettings | None = None,
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
    cache: GridCache | None = None,
    towards: int | None = None,
) -> list[Shape]:
    """`count` closed meshes of one piece, in world coordinates, with a texture if the method makes one; shape i follows
    from `seed + i` alone.

    variety: factor on the latent code; below 1 shapes come closer to the average one. settings, cache: see
    `shape_maker`. towards: another seed, to whose shape the shapes lead in equal steps: the first is that of `seed`,
    the last that of `towards`. Raises CheckpointError, ConfigurationError, EmptyShapeError, CancelledError.
    """
    if towards is not None and count < 2:
        raise ConfigurationError(
            f"{count} shape was asked for on the way from seed {seed} to seed {towards}, but at least 2 were expected.",
            "Ask for a count of 2 or more.",
        )
    started = time.monotonic()
    maker = shape_maker(model, settings, cache)
    shapes: list[Shape] = []
    for index in range(count):
        if cancelled():
            raise CancelledError(f"Stopped after {len(shapes)} of {count} shapes.")
        if towards is None:
            shapes.append(maker.shape(seed + index, variety))
        else:
            shapes.append(maker.between(seed, towards, index / (count - 1), variety))
        eta = (time.monotonic() - started) / len(shapes) * (count - len(shapes))
        progress(Progress("generate", len(shapes), count, eta))
    return shapes


def shape_maker(model: Model, settings: MeshSettings | None = None, cache: GridCache | None = None) -> ShapeMaker:
    """The generator of a model, loaded when the first shape is asked for.

    settings: how voxels become a mesh; None for the usual way, and for methods without voxels, which raise
    ConfigurationError where there are any. cache: keeps the grids of voxels; other shapes take no longer to make than
    to read.
    """
    if not makes_voxels(model):
        from unrender.methods.textured_shapes import TexturedShapes

        if settings is not None:
            raise ConfigurationError(
                f"{model.name} makes surfaces with a texture and no voxels: threshold, smoothing, resolution and a "
                "limit of faces do not apply to it.",
                "Leave them away.",
            )
        return TexturedShapes(model)
    from unrender.methods.voxel_shapes import VoxelShapes

    return VoxelShapes(model, settings or MeshSettings(), cache)


def makes_voxels(model: Model) -> bool:
    """Whether shapes of the model are meshes of voxels, which can be made anew with other settings."""
    return model.method == "voxel_gan"
