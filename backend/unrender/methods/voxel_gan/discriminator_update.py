# SPDX-License-Identifier: Apache-2.0
"""The discriminator's update: equation (2) of IG-GAN, with a lazy gradient penalty."""

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.losses.adversarial import discriminator_loss, r1_penalty
from unrender.methods.voxel_gan.config import DiscriminatorConfig
from unrender.methods.voxel_gan.critic import Critic
from unrender.methods.voxel_gan.updater import Statistics, Updater, add_up
from unrender.training.devices import Devices


class DiscriminatorUpdate:
    """Real images against generated ones; nothing but the discriminator changes."""

    def __init__(self, settings: DiscriminatorConfig, critic: Critic, devices: Devices, parts: int) -> None:
        self._settings, self._critic = settings, critic
        self.updater = Updater(critic.network, settings, devices, parts)

    def update(self, step: int, real: Float[Tensor, "B C H W"], generated: Float[Tensor, "B C H W"]) -> Statistics:
        """One step; generated images carry no gradient."""
        statistics: Statistics = {}
        self._critic.network.train()
        self.updater.begin()
        for part in self.updater.parts(len(real)):
            share = (part.stop - part.start) / len(real)
            loss, of_part = self._loss(step, real[part], generated[part])
            self.updater.add(share * loss)
            add_up(statistics, of_part, share)
        self.updater.finish()
        self._critic.network.eval()
        return statistics

    def _loss(self, step: int, real: Tensor, generated: Tensor) -> tuple[Tensor, Statistics]:
        settings = self._settings
        real_logits, fake_logits = self._critic.logits(torch.cat([real, generated])).split(len(real))
        loss = discriminator_loss(real_logits, fake_logits)
        statistics = {
            "discriminator_loss": loss,
            "real_logit": real_logits.mean(),
            "fake_logit": fake_logits.mean(),
        }
        if settings.r1_gamma > 0.0 and step % settings.r1_interval == 0:
            exact = real.detach().clone().requires_grad_(True)
            penalty = r1_penalty(self._critic.exact_logits(exact), exact)
            loss = loss + 0.5 * settings.r1_gamma * settings.r1_interval * penalty
            statistics["r1"] = penalty
        return loss, statistics
