# SPDX-License-Identifier: Apache-2.0
"""A residual image discriminator after StyleGAN2 (Karras et al. 2020, section 4.1), narrow enough for a CPU."""

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrender.networks.modulated_convolutions import EqualisedConvolution, EqualisedLinear, leaky


class ResidualDiscriminator(nn.Module):
    """Pictures in [0, 1] -> logits in float32, by blocks that halve the picture, and by how much the pictures differ.

    size: side of the pictures, `4 * 2 ** (len(channels) - 1)`. channels: widths at size, size / 2, ..., 4. group: that
    many neighbours in the batch are compared with one another (`minibatch_deviation`); the batch is a multiple of it.
    0: no comparison. Twice differentiable, as R1 needs.
    """

    def __init__(
        self,
        size: int = 64,
        inputs: int = 3,
        channels: tuple[int, ...] = (16, 32, 64, 128, 128),
        group: int = 4,
    ) -> None:
        super().__init__()
        if size != 4 * 2 ** (len(channels) - 1):
            raise ValueError(
                f"{len(channels)} channel widths take {4 * 2 ** (len(channels) - 1)}^2 pictures, not {size}^2"
            )
        self.group = group
        self.from_image = EqualisedConvolution(inputs, channels[0], side=1)
        self.blocks = nn.Sequential(*(ResidualBlock(*widths) for widths in pairwise(channels)))
        self.last = EqualisedConvolution(channels[-1] + (group > 0), channels[-1])
        self.dense = EqualisedLinear(16 * channels[-1], channels[-1])
        self.to_logit = EqualisedLinear(channels[-1], 1)

    def forward(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        x = self.blocks(leaky(self.from_image(2.0 * images - 1.0)))
        if self.group:
            x = torch.cat([x, minibatch_deviation(x, self.group)], dim=1)
        x = leaky(self.dense(leaky(self.last(x)).flatten(1)))
        return self.to_logit(x).squeeze(1).float()


class ResidualBlock(nn.Module):
    """Two convolutions beside a plain path, to half the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = EqualisedConvolution(inputs, inputs)
        self.second = HalvingConvolution(inputs, outputs)
        self.shortcut = EqualisedConvolution(inputs, outputs, side=1, has_bias=False)

    def forward(self, x: Float[Tensor, "B inputs h w"]) -> Float[Tensor, "B outputs h2 w2"]:
        shortcut = self.shortcut(functional.avg_pool2d(x, 2))
        return (leaky(self.second(leaky(self.first(x)))) + shortcut) * math.sqrt(0.5)


class HalvingConvolution(EqualisedConvolution):
    """A 3 x 3 convolution, then the average over squares of two by two pixels: no aliasing, unlike with a bare stride.

    Both together are one convolution of stride 2 by the kernel smeared over a pixel more, for half the work.
    """

    def forward(self, x: Float[Tensor, "B inputs h w"]) -> Float[Tensor, "B outputs h2 w2"]:
        smeared = functional.avg_pool2d(functional.pad(self.weight * self._scale, (1, 1, 1, 1)), 2, 1)
        return functional.conv2d(x, smeared, self.bias, 2, 1)


def minibatch_deviation(x: Float[Tensor, "B C H W"], group: int) -> Float[Tensor, "B 1 H W"]:
    """How far `group` neighbours in the batch differ, as a channel (Karras et al. 2018, section 3).

    The mean over channels and places of the standard deviation over the group, the same for all of its members. Groups
    are of neighbours, so that processes that share a batch out compare the same pictures as one process would. Raises
    ValueError for a batch that is no multiple of `group`.
    """
    if len(x) % group:
        raise ValueError(f"a batch of {len(x)} came, but a multiple of {group} was expected")
    groups = x.float().unflatten(0, (-1, group))
    deviation = (groups.var(dim=1, correction=0) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    per_image = deviation.repeat_interleave(group).to(x.dtype)
    return per_image.view(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])
