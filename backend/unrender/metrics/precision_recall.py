# SPDX-License-Identifier: Apache-2.0
"""Precision and recall of generated images (Kynkaanniemi et al. 2019) on features of any network."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

NEIGHBOURS = 3


class PrecisionRecall(NamedTuple):
    """precision: share of the fakes that look like something real. recall: share of the real ones that are covered."""

    precision: float
    recall: float


def precision_recall(
    fake: Float[Tensor, "N D"], real: Float[Tensor, "M D"], neighbours: int = NEIGHBOURS
) -> PrecisionRecall:
    """A point lies in a set's manifold if it lies in the ball of one of its points, up to that point's k-th neighbour.

    Both figures fall when a set has fewer images: compare sets of the same sizes. Raises ValueError where a set has
    not more images than `neighbours`.
    """
    if min(len(fake), len(real)) <= neighbours:
        raise ValueError(
            f"{len(fake)} and {len(real)} images were given; {neighbours} neighbours need more than {neighbours}"
        )
    fake, real = fake.double(), real.double()
    return PrecisionRecall(
        _covered(fake, real, neighbours).double().mean().item(), _covered(real, fake, neighbours).double().mean().item()
    )


def _covered(points: Float[Tensor, "N D"], by: Float[Tensor, "M D"], neighbours: int) -> Bool[Tensor, " N"]:
    # The nearest of a point's own set is the point itself.
    radii = torch.cdist(by, by).kthvalue(neighbours + 1, dim=1).values
    return (torch.cdist(points, by) <= radii).any(dim=1)
