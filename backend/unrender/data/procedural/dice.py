# SPDX-License-Identifier: Apache-2.0
"""Seeded random choices that give the same stream in every numpy (the backend's 2, Blender's 1)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np


class Dice:
    """Random choices for one (class, seed).

    Everything comes from `Generator.random()`: the bit stream of PCG64 is guaranteed by numpy, the algorithms of the
    distributions are not.
    """

    def __init__(self, class_name: str, seed: int) -> None:
        # The class enters by its name, so that adding a class changes no shape of another.
        self._generator = np.random.Generator(np.random.PCG64([zlib.crc32(class_name.encode()), seed]))

    def between(self, low: float, high: float) -> float:
        """Return a number drawn uniformly from [low, high)."""
        return low + (high - low) * float(self._generator.random())

    def chance(self, probability: float) -> bool:
        """Return whether something of this probability happens."""
        return float(self._generator.random()) < probability

    def whole(self, low: int, high: int) -> int:
        """Return an integer drawn uniformly from low to high, both included."""
        return low + int((high - low + 1) * float(self._generator.random()))

    def pick(self, weights: Mapping[str, float]) -> str:
        """Return one of the names, with probability proportional to its weight."""
        ball = float(self._generator.random()) * sum(weights.values())
        for name, weight in weights.items():
            ball -= weight
            if ball < 0.0:
                return name
        return name
