# SPDX-License-Identifier: Apache-2.0
"""The discriminator: how it judges pictures, and its own update."""

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.losses.adversarial import discriminator_loss, generator_loss, r1_penalty
from unrender.losses.augmentation import Augmentation
from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig
from unrender.networks.residual_discriminator import ResidualDiscriminator
from unrender.training.devices import Devices
from unrender.training.updater import Statistics, Updater


class Critic:
    """Judges pictures, and learns to tell real ones from others: non-saturating losses and lazy R1 (StyleGAN2)."""

    def __init__(self, config: TexturedMeshGanConfig, network: ResidualDiscriminator, devices: Devices) -> None:
        self._settings, self._network, self._devices = config.discriminator, network, devices
        self.updater = Updater(network, config.discriminator, devices, 1)

    def logits(self, pictures: Float[Tensor, "B 3 H W"], augmentation: Augmentation | None) -> Float[Tensor, "B"]:
        """Of pictures as the discriminator is to see them, in mixed precision where that is on."""
        seen = pictures if augmentation is None else augmentation.apply_opaque(pictures)
        with self._devices.autocast():
            logits: Tensor = self._network(seen.contiguous(memory_format=torch.channels_last))
        return logits

    def taught(
        self, pictures: Float[Tensor, "B 3 H W"], augmentation: Augmentation | None
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "B 3 H W"]]:
        """The generator's loss, and its gradient with respect to the pictures."""
        leaf = pictures.detach().requires_grad_(True)
        loss = generator_loss(self.logits(leaf, augmentation)).mean()
        self._devices.backward(loss)
        assert leaf.grad is not None
        return loss.detach(), leaf.grad

    def update(
        self,
        step: int,
        real: Float[Tensor, "B 3 H W"],
        generated: Float[Tensor, "B 3 H W"],
        augmentation: Augmentation | None,
    ) -> Statistics:
        """One step; a generated picture is transformed as the real one of its pair, and carries no gradient."""
        settings = self._settings
        self.updater.begin()
        # Groups of the minibatch deviation are of neighbours, so real and generated pictures are never in one.
        pair = torch.cat([real, generated.detach()])
        twice = None if augmentation is None else augmentation[torch.arange(len(real)).repeat(2)]
        real_logits, fake_logits = self.logits(pair, twice).split(len(real))
        loss = discriminator_loss(real_logits, fake_logits).mean()
        statistics: Statistics = {
            "discriminator_loss": loss.detach(),
            "real_logit": real_logits.detach().mean(),
            "fake_logit": fake_logits.detach().mean(),
            "real_sign": real_logits.detach().sign().mean(),
        }
        if settings.r1_gamma > 0.0 and step % settings.r1_interval == 0:
            seen = real if augmentation is None else augmentation.apply_opaque(real)
            exact = seen.detach().clone().requires_grad_(True)
            penalty = r1_penalty(self._network(exact), exact)  # in float32: it is differentiated twice
            loss = loss + 0.5 * settings.r1_gamma * settings.r1_interval * penalty
            statistics["r1"] = penalty.detach()
        self.updater.add(loss)
        self.updater.finish()
        return statistics
