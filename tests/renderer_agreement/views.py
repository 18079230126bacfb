# SPDX-License-Identifier: Apache-2.0
"""The views that renderers are compared in: of every law that the data sets' cameras are drawn from."""

import math
from dataclasses import dataclass

import torch

from blender_addon.rendering.cameras import CameraLaw
from tests.renderer_agreement.rays import Viewpoint
from unrender.geometry.cameras import Cameras

SIZE, WIDTH = 96, 1.2
PERSPECTIVE = math.radians(35.0)


@dataclass(frozen=True, slots=True)
class Views:
    """angles: (azimuth, elevation) in radians; field_of_view: radians, None for orthographic."""

    angles: tuple[tuple[float, float], ...]
    field_of_view: float | None

    def __len__(self) -> int:
        return len(self.angles)

    def cameras(self, repeats: int = 1) -> Cameras:
        """All views of one shape, then all of the next."""
        azimuth, elevation = torch.tensor(self.angles * repeats).T
        return Cameras(azimuth, elevation, WIDTH, self.field_of_view)

    def viewpoint(self, view: int) -> Viewpoint:
        azimuth, elevation = self.angles[view]
        perspective = self.field_of_view is not None
        return Viewpoint(azimuth, elevation, SIZE, WIDTH, self.cameras().distance, perspective)


def views_of_laws(laws: tuple[str, ...], per_law: int, field_of_view: float | None, seed: int) -> Views:
    """So many views of each law; no two of one batch are the same."""
    angles = []
    for number, law in enumerate(laws):
        cameras = CameraLaw(law, seed, views=7, size=SIZE)
        angles += [cameras.angles(1 + number * per_law + image, "chair") for image in range(per_law)]
    return Views(tuple(angles), field_of_view)
