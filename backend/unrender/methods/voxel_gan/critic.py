# SPDX-License-Identifier: Apache-2.0
"""The discriminator as the updates see it: the one way by which images reach it."""

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.networks.image_discriminator import ImageDiscriminator
from unrender.training.devices import Devices


class Critic:
    """Scores images.

    Outside of its own update the discriminator is in evaluation mode: spectral norm's iteration stands still, so that
    both sides of output matching, and the generator, are judged by the very same network.
    """

    def __init__(self, network: ImageDiscriminator, devices: Devices) -> None:
        self.network, self._devices = network.eval(), devices

    def logits(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """In mixed precision where that is on."""
        with self._devices.autocast():
            logits: Tensor = self.network(images.contiguous(memory_format=torch.channels_last))
        return logits

    def exact_logits(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """In float32, for penalties on gradients."""
        logits: Tensor = self.network(images)
        return logits
