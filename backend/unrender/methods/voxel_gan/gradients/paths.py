# SPDX-License-Identifier: Apache-2.0
"""What of a grid the proxy is shown, so that its gradient reaches the generator."""

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.methods.voxel_gan.config.networks import GradientPath


def shown_to_proxy(
    continuous: Float[Tensor, "B 1 X Y Z"], threshold: Float[Tensor, "B"], path: GradientPath, softness: float
) -> Float[Tensor, "B 1 X Y Z"]:
    """The proxy's input for one gradient path; differentiable with respect to `continuous`.

    continuous: x_c itself (the paper).
    straight_through: x_d = 1[x_c > t], with the gradient handed on to x_c. The proxy never sees a grey grid.
    threshold_conditioned: `sigma((x_c - t) / softness)`, scaled so that empty stays empty and full stays full: a nearly
        binary grid whose gradient lives at the voxels near the threshold.
    """
    if path == "continuous":
        return continuous
    t = threshold.view(-1, 1, 1, 1, 1).to(continuous.dtype)
    if path == "straight_through":
        return (continuous.detach() > t).to(continuous.dtype) + (continuous - continuous.detach())
    low, high = torch.sigmoid(-t / softness), torch.sigmoid((1.0 - t) / softness)
    return (torch.sigmoid((continuous - t) / softness) - low) / (high - low)
