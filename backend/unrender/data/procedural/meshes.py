# SPDX-License-Identifier: Apache-2.0
"""Procedural shapes as meshes; numpy only, as the rest of this package."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unrender.geometry.marching_cubes import marching_cubes

from .classes import make_shape
from .colours import make_colours

_SAMPLES = 3
"""Samples along each side of a voxel. Odd, so that no share of full samples is exactly the level .5, where marching
cubes would make faces without area."""


def make_mesh(class_name: str, seed: int, resolution: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return vertices [N, 3] and faces [F, 3] of the shape, in world coordinates, closed and counter-clockwise outside.

    Unlike the surface of `make_shape`, leaning and round parts have no steps: every voxel of the `resolution`^3 grid
    knows which share of it is full. Raises ValueError as `make_shape`.
    """
    fine = make_shape(class_name, seed, _SAMPLES * resolution)
    blocks = fine.reshape(resolution, _SAMPLES, resolution, _SAMPLES, resolution, _SAMPLES)
    share = blocks.mean(axis=(1, 3, 5), dtype=np.float32)
    return marching_cubes(share, 0.5)


def make_coloured_mesh(
    class_name: str, seed: int, resolution: int
) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]:
    """Return the mesh of `make_mesh` and the colours [N, 3] of its vertices, linear in [0, 1].

    Raises ValueError as `make_colours`.
    """
    vertices, faces = make_mesh(class_name, seed, resolution)
    return vertices, faces, make_colours(class_name, seed, vertices)
