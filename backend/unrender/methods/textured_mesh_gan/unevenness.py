# SPDX-License-Identifier: Apache-2.0
"""How much the sides of an object differ in colour."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.geometry.lighting import spherical_harmonics
from unrender.geometry.octahedral_sphere import pixel_directions


class Unevenness:
    """Variance over the sphere of what is coarse in textures on the octahedral square: 0 where all sides have one mean
    colour, 3 / 16 where one half of the sphere is black and the other white. Patterns finer than a quarter of the way
    around hardly count.

    It is the sum of the squared coefficients of the spherical harmonics of degrees 1 and 2, each of mean square 1.
    size: texels per side.
    """

    def __init__(self, size: int) -> None:
        directions = torch.from_numpy(pixel_directions(size)).permute(2, 0, 1)
        solid_angle = directions.abs().sum(dim=0) ** 3  # of a texel: on the octahedron it lies farther off, and askew
        harmonics = math.sqrt(4.0 * math.pi) * spherical_harmonics(directions[None])[0, 1:]
        self._weights = (harmonics * solid_angle / solid_angle.sum()).flatten(1).T  # [texels, 8]

    def __call__(self, texture: Float[Tensor, "B 3 t t"]) -> Float[Tensor, ""]:
        """Mean of a batch and its channels, with gradients."""
        coefficients = texture.float().flatten(2) @ self._weights.to(texture.device)
        return coefficients.square().sum(dim=-1).mean()
