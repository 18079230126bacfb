# SPDX-License-Identifier: Apache-2.0
"""The law that views are drawn from, given or learned."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrender.geometry.cameras import Cameras
from unrender.methods.textured_mesh_gan.config import ViewConfig

_LEAST_SHARE = 0.1  # of a uniform law that a learned one keeps, so that no view dies out


class ViewPrior(nn.Module):
    """Cameras around the object, whose azimuth and elevation are independent.

    A learned law is a density for each angle that is constant within bins of equal width. An angle is its inverse
    distribution function, piecewise linear and rising, of a uniform number: gradients of what is seen reach the
    densities through the angle. It is uniform at first, as the given one always is.
    """

    def __init__(self, config: ViewConfig) -> None:
        super().__init__()
        self.config = config
        self.logits = nn.Parameter(torch.zeros(2, config.bins)) if config.learned else None

    def sample(self, count: int, generator: torch.Generator) -> Cameras:
        """Draw `count` views; which ones follows from the random generator and the law alone."""
        return self.at(torch.rand(2, count, generator=generator))

    def at(self, uniform: Float[Tensor, "2 B"]) -> Cameras:
        """The views that uniform numbers in [0, 1) stand for: row 0 chooses azimuths, row 1 elevations.

        Differentiable in the law, but for the shares of the bins that a number lies in the very edge of.
        """
        shares = uniform
        if self.logits is not None:
            shares = _inverse(self.density(), uniform.to(self.logits))
        angles = [
            math.radians(low) + math.radians(high - low) * share
            for (low, high), share in zip(self._ranges(), shares, strict=True)
        ]
        return self.cameras(*angles)

    def cameras(self, azimuth: Float[Tensor, "B"], elevation: Float[Tensor, "B"]) -> Cameras:
        """The cameras of this law at given angles in radians."""
        return Cameras(azimuth, elevation, self.config.width, math.radians(self.config.field_of_view_degrees))

    def density(self) -> Float[Tensor, "2 bins"]:
        """Probability of each bin: of azimuths, and of elevations."""
        if self.logits is None:
            return torch.full((2, self.config.bins), 1.0 / self.config.bins)
        return (1.0 - _LEAST_SHARE) * torch.softmax(self.logits, dim=1) + _LEAST_SHARE / self.config.bins

    def _ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        return self.config.azimuth_degrees, self.config.elevation_degrees


def _inverse(density: Float[Tensor, "2 bins"], uniform: Float[Tensor, "2 B"]) -> Float[Tensor, "2 B"]:
    """Inverse distribution function on [0, 1] of a density that is constant within bins."""
    bins = density.shape[1]
    upper = density.cumsum(dim=1)
    index = torch.searchsorted(upper.detach(), uniform.contiguous(), right=True).clamp(max=bins - 1)
    share, top = density.gather(1, index), upper.gather(1, index)
    within = 1.0 - (top - uniform) / share
    return (index + within.clamp(0.0, 1.0)) / bins
