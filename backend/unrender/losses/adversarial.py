# SPDX-License-Identifier: Apache-2.0
"""Adversarial losses of single images, on logits: of one discriminator [B], or added up over several [B, J]."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def discriminator_loss(real: Float[Tensor, "B *J"], fake: Float[Tensor, "B *J"]) -> Float[Tensor, "B"]:
    """Minimising its mean maximises equation (2) of IG-GAN: softplus(-l(real)) + softplus(l(fake))."""
    return _per_image(functional.softplus(-real) + functional.softplus(fake))


def generator_loss(fake: Float[Tensor, "B *J"]) -> Float[Tensor, "B"]:
    """Minimising its mean maximises equation (3) of IG-GAN, the non-saturating loss: softplus(-l(fake))."""
    return _per_image(functional.softplus(-fake))


def relativistic_discriminator_loss(real: Float[Tensor, "B *J"], fake: Float[Tensor, "B *J"]) -> Float[Tensor, "B"]:
    """R3GAN (Huang et al. 2024), equation (2): softplus(-(l(real) - l(fake))) of pairs.

    A constant added to all logits changes nothing: only with R1 and R2 is this a stable game.
    """
    return _per_image(functional.softplus(fake - real))


def relativistic_generator_loss(real: Float[Tensor, "B *J"], fake: Float[Tensor, "B *J"]) -> Float[Tensor, "B"]:
    """R3GAN, the generator's side of the same pairs: softplus(-(l(fake) - l(real)))."""
    return _per_image(functional.softplus(real - fake))


def r1_penalty(logits: Float[Tensor, "B"], images: Float[Tensor, "B C H W"]) -> Float[Tensor, ""]:
    """Mean squared norm of the discriminator's gradient at its input, without gamma / 2.

    At real images it is R1, at fake ones the same is R2 (Mescheder et al. 2018). `logits` must have been computed from
    `images`, which require a gradient. Of several discriminators each has a penalty of its own.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def _per_image(losses: Tensor) -> Tensor:
    return losses.view(len(losses), -1).sum(dim=1)
