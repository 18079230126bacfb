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


def r1_penalty(logits: Float[Tensor, "B"], real_images: Float[Tensor, "B C H W"]) -> Float[Tensor, ""]:
    """Mean squared norm of the discriminator's gradient at real images (Mescheder et al. 2018), without gamma / 2."""
    (gradient,) = torch.autograd.grad(logits.sum(), real_images, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()
