# SPDX-License-Identifier: Apache-2.0
"""Kernel inception distance (Binkowski et al. 2018) on features of any network."""

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.metrics.frechet_distance import GivenFeatures


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


def kernel_distance_deviation(
    fake: Float[Tensor, "N D"], real: Float[Tensor, "M D"], subsets: int = 20, seed: int = 0
) -> float:
    """Standard deviation of the distance over random subsets of half the smaller set, by torchmetrics: how far two
    measurements of one model may be apart. Raises ValueError for fewer than four images."""
    import warnings

    from torchmetrics.image.kid import KernelInceptionDistance  # takes a second to import

    half = min(len(fake), len(real)) // 2
    if half < 2:
        raise ValueError(f"{len(fake)} and {len(real)} images were given; halves of at least two are needed")
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore", UserWarning)  # that features stay in memory
        torch.manual_seed(seed)
        network = GivenFeatures(fake.shape[1])
        # By this process alone, which may be one of several that train together.
        metric = KernelInceptionDistance(network, subsets=subsets, subset_size=half, sync_on_compute=False)
        metric.update(fake.double(), real=False)
        metric.update(real.double(), real=True)
        return float(metric.compute()[1])


def _cubic(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T / a.shape[1] + 1.0) ** 3
