# SPDX-License-Identifier: Apache-2.0
"""Kernel inception distance (Binkowski et al. 2018) on features of any network."""

from jaxtyping import Float
from torch import Tensor


def kernel_distance(fake: Float[Tensor, "N D"], real: Float[Tensor, "M D"]) -> float:
    """Unbiased squared maximum mean discrepancy with the cubic kernel k(a, b) = (a . b / D + 1)^3.

    Features should have about unit root mean square per component, else the cube blows up. May be slightly negative for
    equal distributions. All pairs are used: no subsets, hence no randomness.
    """
    fake, real = fake.double(), real.double()
    count_fake, count_real = len(fake), len(real)
    within_fake = _cubic(fake, fake)
    within_real = _cubic(real, real)
    mean_fake = (within_fake.sum() - within_fake.diagonal().sum()) / (count_fake * (count_fake - 1))
    mean_real = (within_real.sum() - within_real.diagonal().sum()) / (count_real * (count_real - 1))
    return float(mean_fake + mean_real - 2.0 * _cubic(fake, real).mean())


def _cubic(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1.0) ** 3
