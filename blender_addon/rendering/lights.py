# SPDX-License-Identifier: GPL-3.0-or-later
"""How the objects of a data set are lit: sets of suns by name, or the picture of a surrounding (HDRI)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .manifest import DatasetError

# Two beams from 45 degrees below the camera, 45 degrees to its left and right (IG-GAN, section 4.2).
LIGHTS = {
    "iggan": {
        "light_directions": ((-0.5, -math.sqrt(0.5), 0.5), (0.5, -math.sqrt(0.5), 0.5)),
        "light_intensities": (0.45, 0.45),
        "ambient": 0.15,
    },
    "headlight": {"light_directions": ((0.0, 0.0, 1.0),), "light_intensities": (0.85,), "ambient": 0.1},
    # Fixed to the world, whose front is -Y: a key light, a fill light and one from behind.
    "three-point": {
        "light_directions": ((0.5, -0.6, 0.625), (-0.8, -0.4, 0.447), (-0.2, 0.9, 0.387)),
        "light_intensities": (0.5, 0.25, 0.3),
        "ambient": 0.25,
    },
}
_FIXED_TO_WORLD = ("three-point",)
_ENVIRONMENTS = (".hdr", ".exr", ".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Lighting:
    """Lights of one object. directions: unit vectors from the object to the suns, in the frame they are fixed to.

    An albedo of 1 with normal n shines with ambient + sum_i intensities_i max(0, n . directions_i).
    environment: picture of the surrounding, instead of suns; turn: radians that it is turned about Z.
    """

    directions: tuple[tuple[float, float, float], ...]
    intensities: tuple[float, ...]
    ambient: float
    follows_camera: bool
    environment: Path | None = None
    turn: float = 0.0

    def in_camera_frame(self, rotation: np.ndarray) -> tuple[tuple[float, float, float], ...]:
        """Directions as a camera with these axes (rows: right, up, backward) sees them."""
        if self.follows_camera:
            return self.directions
        return tuple(tuple(float(x) for x in rotation @ np.array(one)) for one in self.directions)

    def jittered(self, degrees: float, seed: tuple[int, int]) -> Lighting:
        """Each sun moved by up to so many degrees and made up to a fifth brighter or darker; an environment turned."""
        if not degrees:
            return self
        generator = np.random.Generator(np.random.PCG64([*seed, 2]))
        if self.environment is not None:
            return replace(self, turn=math.radians(degrees) * (2.0 * generator.random() - 1.0))
        directions = tuple(_moved(one, math.radians(degrees), generator) for one in self.directions)
        factors = [0.8 + 0.4 * generator.random() for _ in self.intensities]
        intensities = tuple(x * factor for x, factor in zip(self.intensities, factors, strict=True))
        return replace(self, directions=directions, intensities=intensities)


def find_lighting(name: str) -> Lighting:
    """Lights by name, or by the path of an environment picture. Raises DatasetError for anything else."""
    if name in LIGHTS:
        values = LIGHTS[name]
        return Lighting(
            values["light_directions"], values["light_intensities"], values["ambient"], name not in _FIXED_TO_WORLD
        )
    path = Path(name)
    if path.suffix.lower() in _ENVIRONMENTS:
        if not path.is_file():
            raise DatasetError(f"There is no picture {path} to light the objects with.")
        return Lighting((), (), 0.0, False, path.resolve())
    raise DatasetError(
        f"lights is {name!r}; expected one of {', '.join(LIGHTS)}, or the path of an .hdr or .exr picture."
    )


def _moved(direction: tuple[float, float, float], most: float, generator: np.random.Generator) -> tuple:
    """A unit vector at most so many radians away, uniform over that cap."""
    axis = np.array(direction) / np.linalg.norm(direction)
    aside = np.cross(axis, (1.0, 0.0, 0.0) if abs(axis[0]) < 0.7 else (0.0, 1.0, 0.0))
    aside /= np.linalg.norm(aside)
    cosine = 1.0 - generator.random() * (1.0 - math.cos(most))
    around = math.tau * generator.random()
    across = math.cos(around) * aside + math.sin(around) * np.cross(axis, aside)
    return tuple(float(x) for x in cosine * axis + math.sqrt(max(0.0, 1.0 - cosine**2)) * across)
