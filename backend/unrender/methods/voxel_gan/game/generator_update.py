# SPDX-License-Identifier: Apache-2.0
"""The generator's update: equation (7) of IG-GAN, or the same through another route."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.losses.augmentation import Augmentation
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.game.critic import Critic, Judge, augmented
from unrender.methods.voxel_gan.game.fakes import Fakes
from unrender.methods.voxel_gan.game.routes import Route
from unrender.methods.voxel_gan.networks import AnyGenerator
from unrender.training.average import update_average
from unrender.training.devices import Devices
from unrender.training.updater import Statistics, Updater, add_up

GradientCorrection = Callable[[int, Fakes, Tensor, Judge], Tensor]
"""(step, fakes, dLoss/d(output), whose loss it is) -> what the generator is given in its place."""


class GeneratorUpdate:
    """Carries the discriminator's opinion along the route to the generator's output, then into its weights.

    The two halves meet in the gradient of the loss with respect to the output: micro-batches add theirs up there, so
    that only proxy and discriminator are divided, the generator's batch normalisation sees the whole batch, and
    `correction` can mend what the proxy says about single voxels.
    """

    def __init__(
        self,
        config: VoxelGanConfig,
        generator: AnyGenerator,
        average: AnyGenerator,
        critic: Critic,
        route: Route,
        devices: Devices,
    ) -> None:
        self._settings, self._critic, self._route, self._average = config.generator, critic, route, average
        self._devices = devices
        self._relativistic = config.adversarial_loss == "r3gan"
        self.updater = Updater(generator, config.generator, devices, config.accumulation)
        self.correction: GradientCorrection | None = None

    def generate(self, z: Float[Tensor, "B latent"]) -> Tensor:
        """The generator's output with its graph: occupancies [B, 1, X, Y, Z], or images [B, 2, H, W]."""
        self.updater.network.requires_grad_(True)
        with self._devices.autocast():
            output: Tensor = self.updater.network(z)
        return output

    def update(
        self, step: int, fakes: Fakes, real: Float[Tensor, "B C H W"], augmentation: Augmentation | None
    ) -> Statistics:
        """One step; uses up the graph of `fakes.output`."""
        statistics: Statistics = {}
        judge = self._judge(real, augmentation)
        gradient = self._output_gradient(fakes, judge, statistics)
        if self.correction is not None:
            gradient = self.correction(step, fakes, gradient, judge)
        self.updater.begin()
        # Its gradient with respect to the output is `gradient`.
        self.updater.add((fakes.output * gradient).sum())
        self.updater.finish()
        fakes.output = fakes.output.detach()
        # The average forgets its empty start quickly: the decay grows with the steps until it is the configured one.
        decay = min(self._settings.average_decay, (1.0 + step) / (10.0 + step))
        update_average(self._average, self.updater.network, decay)
        return statistics

    @torch.no_grad()
    def _judge(self, real: Tensor, augmentation: Augmentation | None) -> Judge:
        if not self._relativistic:
            return Judge(self._critic, augmentation, None)
        parts = self.updater.parts(len(real))
        logits = [self._critic.logits(augmented(real[part], augmentation, part)) for part in parts]
        return Judge(self._critic, augmentation, torch.cat(logits))

    def _output_gradient(self, fakes: Fakes, judge: Judge, statistics: Statistics) -> Tensor:
        output = fakes.output.detach().requires_grad_(True)
        for part in self.updater.parts(len(output)):
            share = (part.stop - part.start) / len(output)
            images = self._route.look(output[part], fakes.cameras[part], fakes.threshold[0, part])
            loss = judge.losses(images, part).mean()
            (share * loss).backward()
            add_up(statistics, {"generator_loss": loss}, share)
        assert output.grad is not None
        return output.grad
