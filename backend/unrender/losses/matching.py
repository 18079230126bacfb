# SPDX-License-Identifier: Apache-2.0
"""How the proxy is held to the black box: pixels and discriminator outputs (IG-GAN, equations (5), (8), (9))."""

from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

Score = Literal["log_d", "logit"]


def pixel_loss(proxy: Float[Tensor, "B C H W"], target: Float[Tensor, "B C H W"]) -> Float[Tensor, ""]:
    """Equation (5): squared error summed over pixels and channels, mean over the batch."""
    return (proxy - target).square().sum(dim=(1, 2, 3)).mean()


def reward(logits: Float[Tensor, "B"], score: Score) -> Float[Tensor, "B"]:
    """F of equation (8): log D, with logits clamped to [-15, 15], or the logit itself, which never saturates."""
    return logits if score == "logit" else -functional.softplus(-logits.clamp(-15.0, 15.0))


def output_matching_loss(
    proxy_logits: Float[Tensor, "B"], render_logits: Float[Tensor, "B"], score: Score
) -> Float[Tensor, ""]:
    """Equation (8), discriminator output matching: mean squared difference of rewards; the target gets no gradient."""
    return (reward(proxy_logits, score) - reward(render_logits, score).detach()).square().mean()
