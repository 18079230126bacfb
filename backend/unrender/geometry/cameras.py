# SPDX-License-Identifier: Apache-2.0
"""Cameras on a sphere around the object, and the laws that views are drawn from."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Cameras:
    """A batch of cameras that look at the origin.

    azimuth: radians about +Z, 0 is Blender's front view (the camera stands on -Y), positive towards +X.
    elevation: radians above the horizon.
    width: world units across the square frame, measured at the origin.
    field_of_view: radians for a perspective camera, None for an orthographic one.
    """

    azimuth: Float[Tensor, "B"]
    elevation: Float[Tensor, "B"]
    width: float = 1.1
    field_of_view: float | None = None

    def __len__(self) -> int:
        return len(self.azimuth)

    def __getitem__(self, index: slice | Tensor) -> "Cameras":
        return Cameras(self.azimuth[index], self.elevation[index], self.width, self.field_of_view)

    def to(self, device: torch.device) -> "Cameras":
        """The same cameras with their angles on another device."""
        return Cameras(self.azimuth.to(device), self.elevation.to(device), self.width, self.field_of_view)

    @property
    def distance(self) -> float:
        """From the origin to the camera, in world units; for an orthographic camera any value outside the ball."""
        if self.field_of_view is None:
            return 2.0
        return 0.5 * self.width / math.tan(0.5 * self.field_of_view)

    def axes(self) -> Float[Tensor, "B 3 3"]:
        """Rotation from world to camera: rows are the camera's right, up and backward axes in the world."""
        sin_a, cos_a = torch.sin(self.azimuth), torch.cos(self.azimuth)
        sin_e, cos_e = torch.sin(self.elevation), torch.cos(self.elevation)
        right = torch.stack([cos_a, sin_a, torch.zeros_like(cos_a)], dim=-1)
        up = torch.stack([-sin_e * sin_a, sin_e * cos_a, cos_e], dim=-1)
        backward = torch.stack([sin_a * cos_e, -cos_a * cos_e, sin_e], dim=-1)
        return torch.stack([right, up, backward], dim=1)


@dataclass(frozen=True, slots=True)
class ViewLaw:
    """Where unposed pictures are taken from: azimuth and elevation uniform in degrees (IG-GAN, section 4.2)."""

    azimuth_degrees: tuple[float, float] = (-180.0, 180.0)
    elevation_degrees: tuple[float, float] = (-30.0, 60.0)
    width: float = 1.1
    field_of_view: float | None = None

    def sample(self, count: int, generator: torch.Generator) -> Cameras:
        """Draw `count` cameras from the law with the given random generator."""
        return self.at(torch.rand(2, count, generator=generator))

    def at(self, uniform: Float[Tensor, "2 B"]) -> Cameras:
        """The cameras that uniform numbers in [0, 1) stand for: row 0 chooses azimuths, row 1 elevations."""
        low_a, high_a = (math.radians(value) for value in self.azimuth_degrees)
        low_e, high_e = (math.radians(value) for value in self.elevation_degrees)
        return Cameras(
            low_a + (high_a - low_a) * uniform[0],
            low_e + (high_e - low_e) * uniform[1],
            self.width,
            self.field_of_view,
        )
