# SPDX-License-Identifier: Apache-2.0
"""Photographs made by the tests: matt ellipsoids under known lights."""

import numpy as np
import torch
from numpy.typing import NDArray

from unrender.geometry.lighting import Lighting


def ellipsoid(size: int, half_width: float, half_height: float, turn: float = 0.0) -> tuple[NDArray, NDArray]:
    """Mask `[S, S]` and camera-frame normals `[S, S, 3]` of an ellipsoid of mean depth, turned in the image plane."""
    x = np.arange(size) + 0.5 - size / 2
    right, up = np.meshgrid(x, -x)
    along, across = np.cos(turn) * right + np.sin(turn) * up, -np.sin(turn) * right + np.cos(turn) * up
    depth = np.sqrt(2 / (half_width**-2 + half_height**-2))
    squared = 1 - (along / half_width) ** 2 - (across / half_height) ** 2
    slopes = along / half_width**2, across / half_height**2
    toward = np.sqrt(np.maximum(squared, 0)) / depth
    normal = np.stack(
        [
            np.cos(turn) * slopes[0] - np.sin(turn) * slopes[1],
            np.sin(turn) * slopes[0] + np.cos(turn) * slopes[1],
            toward,
        ],
        axis=2,
    )
    return squared > 0, normal / np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-9)


def shade(normal: NDArray, lighting: Lighting) -> NDArray:
    """Lambert's law in numpy, `[S, S]`."""
    radiance = np.full(normal.shape[:2], lighting.ambient)
    for direction, intensity in zip(lighting.directions, lighting.intensities, strict=True):
        radiance = radiance + intensity * np.maximum(normal @ np.array(direction), 0)
    return radiance


def ellipsoids(lighting: Lighting, count: int = 24, size: int = 64, seed: int = 0, spread: float = 0.0) -> torch.Tensor:
    """`[N, 2, S, S]` linear, premultiplied: ellipsoids of other proportions, and albedos that differ by `spread`."""
    random = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        mask, normal = ellipsoid(size, *(size * random.uniform(0.3, 0.4, 2)))
        albedo = np.exp(spread * random.normal())
        images.append(np.stack([albedo * shade(normal, lighting) * mask, mask]))
    return torch.from_numpy(np.stack(images).astype(np.float32))
