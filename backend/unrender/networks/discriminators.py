# SPDX-License-Identifier: Apache-2.0
"""The judges of one game: of images and, if wanted, of their silhouettes alone (GET3D, Gao et al. 2022)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrender.networks.image_discriminator import ImageDiscriminator

Rating = tuple[Float[Tensor, "B J"], list[Float[Tensor, "B _ _ _"]]]
"""Logits of J discriminators, and all of their features."""


class Discriminators(nn.Module):
    """(grey, alpha) images -> one logit from each of J discriminators, which all have their own weights.

    J is 1, or 2 with `silhouette`: the second sees the alpha channel and is as large as the first. Two that are trained
    separately are steadier than a single one that judges outline and shading at once (GET3D). The other arguments are
    those of `ImageDiscriminator`.
    """

    def __init__(
        self,
        size: int = 64,
        channels: tuple[int, ...] = (32, 64, 128, 192),
        spectral: bool = False,
        grows: bool = False,
        silhouette: bool = False,
    ) -> None:
        super().__init__()
        inputs = (2, 1) if silhouette else (2,)
        self.judges = nn.ModuleList(ImageDiscriminator(size, count, channels, spectral, grows) for count in inputs)

    def __len__(self) -> int:
        return len(self.judges)

    @property
    def halved(self) -> bool:
        """Whether images have half the size; see `ImageDiscriminator`."""
        return all(bool(judge.halved) for judge in self.judges)

    @halved.setter
    def halved(self, value: bool) -> None:
        for judge in self.judges:
            judge.halved = value  # type: ignore[assignment]

    def forward(self, images: Float[Tensor, "B 2 H W"]) -> Rating:
        logits, features = [], []
        for judge, seen in zip(self.judges, (images, images[:, 1:]), strict=False):
            assert isinstance(judge, ImageDiscriminator)
            of_judge, layers = judge.rate(seen)
            logits.append(of_judge)
            features += layers
        return torch.stack(logits, dim=1), features
