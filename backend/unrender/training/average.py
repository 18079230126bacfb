# SPDX-License-Identifier: Apache-2.0
"""The moving average of a generator's weights, which all samples are made with."""

import torch
from torch import nn


@torch.no_grad()
def update_average(average: nn.Module, current: nn.Module, decay: float) -> None:
    """EMA of the weights and of the running statistics, which belong to them; counters are copied."""
    for mean, value in zip(average.parameters(), current.parameters(), strict=True):
        mean.lerp_(value, 1.0 - decay)
    for kept, buffer in zip(average.buffers(), current.buffers(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(buffer, 1.0 - decay)
        else:
            kept.copy_(buffer)


def decay_of_step(batch_size: int, half_life: int, shown: int, ramp: float = 0.05) -> float:
    """The decay of one step of `batch_size` images, of an average whose half-life is in images, after `shown` ones.

    At the start the half-life is at most the share `ramp` of what was shown, as in StyleGAN2: the average of a run that
    has just begun is not made of what came before learning.
    """
    images = min(half_life, ramp * shown)
    return 0.0 if images <= 0.0 else float(0.5 ** (batch_size / images))
