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


def spherical_harmonics(normal: Float[Tensor, "B 3 *shape"]) -> Float[Tensor, "B 9 *shape"]:
    """The nine real spherical harmonics of degrees 0, 1 and 2 for unit vectors (x, y, z), orthonormal over the sphere.

    In the order of (degree, order): (0, 0), (1, -1), (1, 0), (1, 1), (2, -2), ..., (2, 2), without the sign of Condon
    and Shortley: 1, y, z, x, xy, yz, 3z^2 - 1, xz, x^2 - y^2, each times its constant.
    """
    x, y, z = normal.unbind(1)
    values = [torch.ones_like(x), y, z, x, x * y, y * z, 3.0 * z * z - 1.0, x * z, x * x - y * y]
    return torch.stack(values, dim=1) * normal.new_tensor(_HARMONIC_SCALES).view(-1, *[1] * (normal.ndim - 2))


def shade_by_harmonics(
    coefficients: Float[Tensor, "B2 C 9"], normal: Float[Tensor, "B 3 *shape"]
) -> Float[Tensor, "B C *shape"]:
    """Linear radiance of an albedo of 1, `sum_k coefficients_k Y_k(n)`, for unit normals; one set of coefficients for
    the batch, or one for each item; one colour channel or three. Differentiable in both.

    The coefficients are those of the light that the surface reflects: those of the light that falls in, times 1, 2/3
    and 1/4 by degree (Ramamoorthi and Hanrahan, An Efficient Representation for Irradiance Environment Maps, 2001,
    equations (7) and (8), divided by pi). Like all lights here they belong to the camera frame.
    """
    basis = spherical_harmonics(normal)
    return (coefficients @ basis.flatten(2)).unflatten(2, normal.shape[2:])


_HARMONIC_SCALES = [
    math.sqrt(factor / math.pi) for factor in (1 / 4, 3 / 4, 3 / 4, 3 / 4, 15 / 4, 15 / 4, 5 / 16, 15 / 4, 15 / 16)
]

_ROOT_HALF = math.sqrt(0.5)

IGGAN_LIGHTING = Lighting(
    # Two beams that hit the object from 45 degrees below the camera and 45 degrees to its left and right (section 4.2).
    directions=((-0.5, -_ROOT_HALF, 0.5), (0.5, -_ROOT_HALF, 0.5)),
    intensities=(0.45, 0.45),
    ambient=0.15,
)
