# SPDX-License-Identifier: Apache-2.0
"""Lights that move with the camera, so that shading is a function of the camera-frame normal alone."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Lighting:
    """Directional lights fixed to the camera, and an ambient term.

    A white Lambertian surface with unit normal n (camera frame) has the linear radiance
    `ambient + sum_i intensities[i] * max(0, n . directions[i])`.

    directions: unit vectors from the object to the lights, camera frame (x right, y up, z towards the camera).
    shadows: whether objects cast shadows on themselves; only a ray tracer can honour it.
    """

    directions: tuple[tuple[float, float, float], ...]
    intensities: tuple[float, ...]
    ambient: float
    shadows: bool = False

    @property
    def mirror_symmetric(self) -> bool:
        """Whether a mirror image (left for right) of a picture could have been taken in the same light."""
        lights = list(zip(self.directions, self.intensities, strict=True))
        return all(
            any(
                math.dist((-direction[0], *direction[1:]), other) < 1e-4 and abs(intensity - strength) < 1e-4
                for other, strength in lights
            )
            for direction, intensity in lights
        )

    def shade(self, normal: Float[Tensor, "B 3 *shape"]) -> Float[Tensor, "B 1 *shape"]:
        """Linear radiance of an albedo of 1 for camera-frame normals."""
        radiance = torch.full_like(normal[:, :1], self.ambient)
        for direction, intensity in zip(self.directions, self.intensities, strict=True):
            cosine = sum(component * normal[:, axis : axis + 1] for axis, component in enumerate(direction))
            radiance = radiance + intensity * torch.as_tensor(cosine).clamp(min=0.0)
        return radiance


_ROOT_HALF = math.sqrt(0.5)

IGGAN_LIGHTING = Lighting(
    # Two beams that hit the object from 45 degrees below the camera and 45 degrees to its left and right (section 4.2).
    directions=((-0.5, -_ROOT_HALF, 0.5), (0.5, -_ROOT_HALF, 0.5)),
    intensities=(0.45, 0.45),
    ambient=0.15,
)
