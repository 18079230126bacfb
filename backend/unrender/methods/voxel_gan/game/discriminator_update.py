# SPDX-License-Identifier: Apache-2.0
"""The discriminators' update: equation (2) of IG-GAN or R3GAN's pairs, with gradient penalties."""

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.losses.adversarial import discriminator_loss, r1_penalty, relativistic_discriminator_loss
from unrender.losses.augmentation import Augmentation
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.game.critic import Critic, augmented
from unrender.training.devices import Devices
from unrender.training.updater import Statistics, Updater, add_up


class DiscriminatorUpdate:
    """Real images against generated ones; nothing but the discriminators changes."""

    def __init__(self, config: VoxelGanConfig, critic: Critic, devices: Devices) -> None:
        self._settings, self._critic = config.discriminator, critic
        self._relativistic = config.adversarial_loss == "r3gan"
        self.updater = Updater(critic.network, config.discriminator, devices, config.accumulation)

    def update(
        self,
        step: int,
        real: Float[Tensor, "B C H W"],
        generated: Float[Tensor, "B C H W"],
        augmentation: Augmentation | None,
    ) -> Statistics:
        """One step; generated images carry no gradient. Each is transformed as the real one of its pair."""
        statistics: Statistics = {}
        self._critic.iterate_norms()
        self.updater.begin()
        for part in self.updater.parts(len(real)):
            share = (part.stop - part.start) / len(real)
            seen = [augmented(images[part], augmentation, part) for images in (real, generated)]
            loss, of_part = self._loss(step, *seen)
            self.updater.add(share * loss)
            add_up(statistics, of_part, share)
        self.updater.finish()
        return statistics

    def _loss(self, step: int, real: Tensor, generated: Tensor) -> tuple[Tensor, Statistics]:
        settings = self._settings
        real_logits, fake_logits = self._critic.logits(torch.cat([real, generated])).split(len(real))
        losses = relativistic_discriminator_loss if self._relativistic else discriminator_loss
        loss = losses(real_logits, fake_logits).mean()
        # Where the discriminators draw the line between real and fake; a relativistic loss leaves open where that is.
        border = 0.5 * (real_logits.mean(0) + fake_logits.mean(0)) if self._relativistic else 0.0
        statistics = {
            "discriminator_loss": loss,
            "real_logit": real_logits.mean(),
            "fake_logit": fake_logits.mean(),
            "real_sign": (real_logits - border).sign().mean(),
        }
        if settings.r1_gamma > 0.0 and step % settings.r1_interval == 0:
            weight = 0.5 * settings.r1_gamma * settings.r1_interval
            statistics["r1"] = self._penalty(real)
            loss = loss + weight * statistics["r1"]
            if self._relativistic:
                statistics["r2"] = self._penalty(generated)
                loss = loss + weight * statistics["r2"]
        return loss, statistics

    def _penalty(self, images: Tensor) -> Tensor:
        """At what the discriminators see: transformations of images cannot be differentiated twice."""
        exact = images.detach().clone().requires_grad_(True)
        return torch.stack([r1_penalty(logits, exact) for logits in self._critic.exact_logits(exact).unbind(1)]).sum()
