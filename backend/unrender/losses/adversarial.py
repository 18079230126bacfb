# SPDX-License-Identifier: Apache-2.0
"""Adversarial losses on logits."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def discriminator_loss(real: Float[Tensor, "B"], fake: Float[Tensor, "B"]) -> Float[Tensor, ""]:
    """Minimising it maximises equation (2) of IG-GAN: mean softplus(-l(real)) + softplus(l(fake))."""
    return functional.softplus(-real).mean() + functional.softplus(fake).mean()


def generator_loss(fake: Float[Tensor, "B"]) -> Float[Tensor, ""]:
    """Minimising it maximises equation (3) of IG-GAN, the non-saturating loss: mean softplus(-l(fake))."""
    return functional.softplus(-fake).mean()


def relativistic_discriminator_loss(real: Float[Tensor, "B"], fake: Float[Tensor, "B"]) -> Float[Tensor, ""]:
    """R3GAN (Huang et al. 2024), equation (2): mean softplus(-(l(real) - l(fake))) over pairs.

    A constant added to all logits changes nothing: only with R1 and R2 is this a stable game.
    """
    return functional.softplus(fake - real).mean()


def relativistic_generator_loss(real: Float[Tensor, "B"], fake: Float[Tensor, "B"]) -> Float[Tensor, ""]:
    """R3GAN, the generator's side of the same pairs: mean softplus(-(l(fake) - l(real)))."""
    return functional.softplus(real - fake).mean()


def r1_penalty(logits: Float[Tensor, "B"], images: Float[Tensor, "B C H W"]) -> Float[Tensor, ""]:
    """Mean squared norm of the discriminator's gradient at its input, without gamma / 2.

    At real images it is R1, at fake ones the same is R2 (Mescheder et al. 2018). `logits` must have been computed from
    `images`, which require a gradient.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
