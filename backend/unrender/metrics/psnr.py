# SPDX-License-Identifier: Apache-2.0
"""Peak signal-to-noise ratio."""

import math

from jaxtyping import Float
from torch import Tensor


def psnr(images: Float[Tensor, "B C H W"], truth: Float[Tensor, "B C H W"]) -> float:
    """-10 log10 of the mean squared error over all pixels, in decibels, for images in [0, 1]; infinite if equal."""
    error = (images.double() - truth.double()).square().mean().item()
    return math.inf if error == 0.0 else -10.0 * math.log10(error)
