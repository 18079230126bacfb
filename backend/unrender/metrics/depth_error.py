# SPDX-License-Identifier: Apache-2.0
"""How wrong a depth map is when nobody knows its scale and where it begins, as behind a picture without a camera."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

LEAST_PIXELS = 16


def depth_error(
    found: Float[Tensor, "B 1 H W"], known: Float[Tensor, "B 1 H W"], where: Bool[Tensor, "B 1 H W"]
) -> Float[Tensor, " B"]:
    """Mean |s found + t - known| over the pixels `where`, in the units of `known`, with the s >= 0 and t of the least
    squares; nan for fewer than 16 pixels.

    The fit forgives what one picture cannot tell, distance and (nearly) depth; it does not forgive a shape that is
    inside out, since s is not negative: what is flat has the error of the mean depth, and nothing has a larger one in
    the squared sense.
    """
    weight = where.to(found.dtype).flatten(1)
    count = weight.sum(1, keepdim=True)
    a, b = found.flatten(1), known.flatten(1)
    mean_a, mean_b = ((image * weight).sum(1, keepdim=True) / count.clamp(min=1.0) for image in (a, b))
    a, b = (a - mean_a) * weight, (b - mean_b) * weight
    scale = ((a * b).sum(1, keepdim=True) / a.square().sum(1, keepdim=True).clamp(min=1e-12)).clamp(min=0.0)
    error = (scale * a - b).abs().sum(1) / count.squeeze(1).clamp(min=1.0)
    return torch.where(count.squeeze(1) >= LEAST_PIXELS, error, torch.nan)
