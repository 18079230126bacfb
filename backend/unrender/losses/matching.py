# SPDX-License-Identifier: Apache-2.0
"""How the proxy is held to the black box: pixels and discriminator outputs (IG-GAN, equations (5), (8), (9))."""

from collections.abc import Sequence
from typing import Literal

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

Score = Literal["log_d", "logit", "features"]
"""What is matched: log D, as in the paper; the logit; or the logit and the discriminator's features."""

_FAINTEST = 1e-4  # of a layer's mean squared feature, which its error is measured against


def pixel_loss(proxy: Float[Tensor, "B C H W"], target: Float[Tensor, "B C H W"]) -> Float[Tensor, ""]:
    """Equation (5): squared error summed over pixels and channels, mean over the batch."""
    return (proxy - target).square().sum(dim=(1, 2, 3)).mean()


def reward(logits: Float[Tensor, "*B"], score: Score) -> Float[Tensor, "*B"]:
    """F of equation (8): log D, with logits clamped to [-15, 15], or the logit itself, which never saturates."""
    return -functional.softplus(-logits.clamp(-15.0, 15.0)) if score == "log_d" else logits


def output_matching_loss(
    proxy_logits: Float[Tensor, "B *J"], render_logits: Float[Tensor, "KB *J"], score: Score
) -> Float[Tensor, ""]:
    """Equation (8), discriminator output matching: mean squared difference of rewards; the target gets no gradient.

    render_logits: of K renders per proxy image, at K thresholds, all of one threshold after all of the other; the mean
    of their rewards is the target. Of J discriminators each is matched by itself, and what that costs is added up.
    """
    target = reward(render_logits, score).detach().view(-1, *proxy_logits.shape).mean(dim=0)
    return (reward(proxy_logits, score) - target).square().sum() / len(proxy_logits)


def feature_matching_loss(
    proxy_features: Sequence[Float[Tensor, "B _ _ _"]], render_features: Sequence[Float[Tensor, "KB _ _ _"]]
) -> Float[Tensor, ""]:
    """Equation (8) with the discriminator's features in the place of F: the proxy's are held to the expectation of the
    renders' over the thresholds, ordered as in `output_matching_loss`.

    Every layer counts the same: its error is the mean squared difference over the mean square of the target.
    """
    total = proxy_features[0].new_zeros(())
    for proxy, render in zip(proxy_features, render_features, strict=True):
        target = render.detach().float().unflatten(0, (-1, len(proxy))).mean(dim=0)
        error = (proxy.float() - target).square().mean()
        total = total + error / target.square().mean().clamp(min=_FAINTEST)
    return total
