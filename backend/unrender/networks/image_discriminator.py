# SPDX-License-Identifier: Apache-2.0
"""The image discriminator: DCGAN layout, with spectral norm or without any normalisation."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

_GAIN_PACE = 10.0  # at learning rates of some 1e-4 the factor of a grown layer takes hundreds of steps, not thousands


class ImageDiscriminator(nn.Module):
    """Image -> logit.

    There is no BatchNorm on purpose: it would make the score of one image depend on its neighbours in the batch, and
    discriminator output matching compares scores across batches.

    size: image side, `4 * 2 ** len(channels)`: stride-2 layers lead down to 4 x 4.
    grows: whether it begins with images of half the size, for as long as `halved` is true; afterwards the first layer,
        nought at first, adds to what is seen of the halved image, so that growing changes no rating. With spectral
        norm, which noughts do not have, a factor before that layer is nought at first.
    """

    def __init__(
        self,
        size: int = 64,
        inputs: int = 2,
        channels: tuple[int, ...] = (32, 64, 128, 192),
        spectral: bool = False,
        grows: bool = False,
    ) -> None:
        super().__init__()
        if size != 4 * 2 ** len(channels):
            raise ValueError(f"{len(channels)} channel widths take {4 * 2 ** len(channels)}^2 images, not {size}^2")
        self.grows, self.halved = grows, False
        if grows:
            self.from_half = nn.Conv2d(inputs, channels[0], 3, padding=1)
        self.convolutions = nn.ModuleList()
        for width in channels:
            self.convolutions.append(nn.Conv2d(inputs, width, 4, 2, 1))
            inputs = width
        self.to_logit = nn.Linear(inputs * 16, 1)
        self.gain = nn.Parameter(torch.zeros(())) if grows and spectral else None
        if grows and not spectral:
            for parameter in self.convolutions[0].parameters():
                nn.init.zeros_(parameter)
        if spectral:
            for layer in [*self.convolutions, self.to_logit, *([self.from_half] if grows else [])]:
                spectral_norm(layer)

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        return self.rate(images)[0]

    def rate(self, images: Float[Tensor, "B C H W"]) -> tuple[Float[Tensor, "B"], list[Float[Tensor, "B _ _ _"]]]:
        """Logits, and the features behind every convolution on the way to them, first the finest."""
        x = functional.leaky_relu(self._first(images), 0.2)
        features = [x]
        for convolution in self.convolutions[1:]:
            x = functional.leaky_relu(convolution(x), 0.2)
            features.append(x)
        return self.to_logit(torch.flatten(x, 1)).squeeze(1).float(), features

    def _first(self, images: Tensor) -> Tensor:
        if self.halved:
            small: Tensor = self.from_half(images)
            return small
        finest: Tensor = self.convolutions[0](images)
        if self.gain is not None:
            finest = _GAIN_PACE * self.gain * finest
        return finest + self.from_half(functional.avg_pool2d(images, 2)) if self.grows else finest
