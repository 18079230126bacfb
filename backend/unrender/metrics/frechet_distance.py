# SPDX-License-Identifier: Apache-2.0
"""Frechet inception distance (Heusel et al. 2017) on features of any network, by torchmetrics."""

from jaxtyping import Float
from torch import Tensor, nn


def frechet_distance(fake: Float[Tensor, "N D"], real: Float[Tensor, "M D"]) -> float:
    """|m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)) of the means and covariances of two sets of features, in float64.

    It is biased upwards, by about D / N and D / M of the spread of the features: compare only distances of sets of the
    same sizes, take more images than features, and look at the unbiased `kernel_distance` beside it. Raises ValueError
    for fewer than two images.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance  # takes a second to import

    if min(len(fake), len(real)) < 2:
        raise ValueError(f"{len(fake)} and {len(real)} images were given; a covariance needs at least two of each")
    # One process evaluates while others train with it: they do not take part in this sum.
    metric = FrechetInceptionDistance(feature=GivenFeatures(fake.shape[1]), sync_on_compute=False)
    metric.set_dtype(fake.double().dtype)
    metric.update(fake.double(), real=False)
    metric.update(real.double(), real=True)
    return float(metric.compute())


class GivenFeatures(nn.Module):
    """For torchmetrics: a feature network whose "images" are features already."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.num_features = features

    def forward(self, features: Float[Tensor, "N D"]) -> Float[Tensor, "N D"]:
        return features
