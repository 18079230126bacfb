# SPDX-License-Identifier: Apache-2.0
"""The discriminators as the updates see them: the one way by which images reach them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils.parametrize import is_parametrized

from unrender.losses.adversarial import generator_loss, relativistic_generator_loss
from unrender.losses.augmentation import Augmentation
from unrender.networks.discriminators import Discriminators, Rating
from unrender.training.devices import Devices

Rows = slice | Tensor
"""Which images of a step's batch, on the CPU."""


def augmented(images: Float[Tensor, "N 2 H W"], augmentation: Augmentation | None, rows: Rows) -> Tensor:
    """Images as the discriminators are to see them; `rows` of the batch, whose transformation each image has."""
    return images if augmentation is None else augmentation[rows].apply(images)


class Critic:
    """Scores images by one or two discriminators.

    The discriminators are in evaluation mode, in which spectral norm's iteration stands still but for one step before
    their own update: both sides of output matching, the generator, and all parts of a batch are judged by the very same
    networks.
    """

    def __init__(self, network: Discriminators, devices: Devices) -> None:
        self.network, self._devices = network.eval(), devices

    @torch.no_grad()
    def iterate_norms(self) -> None:
        """One step of spectral norm's power iteration, where there is one."""
        self.network.train()
        for module in self.network.modules():
            if is_parametrized(module, "weight"):
                _ = module.weight  # looked at in training mode, it is iterated
        self.network.eval()

    def rate(self, images: Float[Tensor, "B C H W"]) -> Rating:
        """Logits [B, J] and features, in mixed precision where that is on."""
        with self._devices.autocast():
            rating: Rating = self.network(images.contiguous(memory_format=torch.channels_last))
        return rating

    def logits(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B J"]:
        """In mixed precision where that is on."""
        return self.rate(images)[0]

    def score(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B"]:
        """One number for an image: the sum of its logits."""
        return self.logits(images).sum(dim=1)

    def exact_logits(self, images: Float[Tensor, "B C H W"]) -> Float[Tensor, "B J"]:
        """In float32, for penalties on gradients."""
        # Not as a call, which may be compiled: what torch.compile makes can be differentiated only once.
        return self.network.forward(images)[0]


@dataclass(frozen=True, slots=True)
class Judge:
    """The generator's loss of single images, as one step has it.

    real: logits of the step's real images, which a relativistic loss compares with; else None.
    """

    critic: Critic
    augmentation: Augmentation | None
    real: Float[Tensor, "B J"] | None

    def losses(self, images: Float[Tensor, "N 2 H W"], rows: Rows) -> Float[Tensor, "N"]:
        """rows: of the step's batch, in whose places the images stand."""
        logits = self.critic.logits(augmented(images, self.augmentation, rows))
        if self.real is None:
            return generator_loss(logits)
        return relativistic_generator_loss(self.real[rows], logits)
