# SPDX-License-Identifier: Apache-2.0
"""The textured-mesh GAN (Szabo, Meishvili, Favaro 2019): nothing but plain photographs and a discriminator.

    z -> generator -> scene (shape, texture, background) -> rasteriser, from a random view -> picture -> discriminator

One step paints one batch: the discriminator learns to tell it from real pictures, then the generator from what the
discriminator thinks of the same batch. Losses are non-saturating, with lazy R1 and adaptive augmentation (StyleGAN2,
ADA), where the paper is silent.
"""

import time
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from unrender.errors import ConfigurationError
from unrender.methods.textured_mesh_gan.collapse import CollapseWatch
from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig
from unrender.methods.textured_mesh_gan.config.architecture import ARCHITECTURE
from unrender.methods.textured_mesh_gan.critic import Critic
from unrender.methods.textured_mesh_gan.examiner import SHEET_COLUMNS, Examiner
from unrender.methods.textured_mesh_gan.monitors import Monitors
from unrender.methods.textured_mesh_gan.painter import Painter
from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
from unrender.methods.textured_mesh_gan.players import build_players
from unrender.metrics.evaluation import Evaluation
from unrender.training.architecture import architecture, check_architecture
from unrender.training.augmenter import Augmenter
from unrender.training.devices import Devices
from unrender.training.method import Phase
from unrender.training.stopwatch import Stopwatch
from unrender.training.updater import Statistics, Updater, decayed


class TexturedMeshGan:
    """The trainable system."""

    def __init__(self, config: TexturedMeshGanConfig, evaluation: Evaluation, devices: Devices) -> None:
        least = devices.world * max(1, config.discriminator.group)
        if config.batch_size % least:
            raise ConfigurationError(
                f"batch_size is {config.batch_size}, which {devices.world} processes with discriminator.group = "
                f"{config.discriminator.group} cannot share evenly.",
                f"Take a multiple of {least}.",
            )
        self.config, self._devices = config, devices
        self.batch_size, self.sheet_pictures = config.batch_size, SHEET_COLUMNS
        self.players = players = build_players(config, devices)
        self._random = torch.Generator().manual_seed(config.seed)
        self._watch = Stopwatch(devices.device)
        maker = PictureMaker(config)
        self._critic = Critic(config, players.discriminator, devices)
        self._painter = Painter(config, players, maker, devices, self._watch)
        self._augmenter = Augmenter(config, config.mirror_symmetric, devices)
        self._monitors = Monitors(config, players, maker, devices)
        self.examiner = Examiner(config, players, maker, self._monitors, evaluation, devices)
        self._collapse = CollapseWatch(config)

    def phases(self) -> tuple[Phase, ...]:
        """One, in which both play."""
        return (Phase("adversarial", self.config.total_images),)

    def step(self, phase: Phase, shown: int, real: Float[Tensor, "B C H W"]) -> dict[str, float]:
        """One step on this process' share of real pictures; statistics carry the losses of the joint batch, and this
        process' seconds of `generator` and `rasterizer`, `_forward` and `_backward`, of the `discriminator_update`, and
        of its `discriminator_verdict` on the generator, there and back."""
        started = time.perf_counter()
        step = shown // self.batch_size
        self._set_learning_rates(shown / phase.images)
        real = real.to(self._devices.device)
        judged, taught = (self._augmenter.draw(step, update, real.shape[-1]) for update in (0, 1))
        painted = self._painter.paint(*self._draw())
        pictures = painted.pictures.rgb.detach()
        with self._watch("discriminator_update"):
            statistics = self._critic.update(step, real, pictures, judged)
        with self._watch("discriminator_verdict"):
            statistics["generator_loss"], gradient = self._critic.taught(pictures, taught)
        statistics |= self._painter.update(shown, painted, gradient)
        statistics["diversity"] = self._diversity(pictures)
        numbers = self._numbers(statistics)  # waits for the device
        if self._augmenter.probability is not None:
            numbers["augmentation"] = self._augmenter.probability
            self._augmenter.observe(numbers["real_sign"])
        if step % self.config.watch.interval == 0:
            with self._watch("monitor"):
                numbers |= self._monitors.look()
        numbers |= {f"{name}_seconds": seconds for name, seconds in self._watch.take().items()}
        return numbers | {"method_seconds": time.perf_counter() - started}

    def _draw(self) -> tuple[Float[Tensor, "B latent"], Float[Tensor, "2 B"]]:
        """This process' share of z and of the views' random numbers, which are drawn for the joint batch everywhere."""
        z = torch.randn(self.batch_size, self.config.generator.latent, generator=self._random)
        uniform = torch.rand(self.batch_size, 2, generator=self._random)
        return self._devices.share(z), self._devices.share(uniform).T.contiguous()

    def _diversity(self, pictures: Float[Tensor, "B 3 H W"]) -> Float[Tensor, ""]:
        """Mean standard deviation of the joint batch's pixels."""
        middle = self._devices.mean(pictures.mean(dim=0))
        return self._devices.mean((pictures - middle).square().mean(dim=0)).sqrt().mean()

    def _numbers(self, statistics: Statistics) -> dict[str, float]:
        """The means over all processes, together."""
        values = self._devices.mean(torch.stack([value.detach().float() for value in statistics.values()]))
        return dict(zip(statistics, values.tolist(), strict=True))

    def _set_learning_rates(self, done: float) -> None:
        factor = decayed(done, self.config.decay_from)
        for updater in self._updaters().values():
            updater.slow_down(factor)

    # What the loop asks for.

    def sample_sheet(self, real: Float[Tensor, "B C H W"]) -> NDArray[np.uint8]:
        """A row for each of five scenes: sample, normals, texture, background, other views; the last row real."""
        return self.examiner.sheet(real)

    def evaluate(self) -> dict[str, float]:
        """Distances of the averaged generator's samples from the training pictures; signs of failure."""
        return self.examiner.scores()

    def complaint(self, statistics: dict[str, float]) -> str | None:
        """Says so when a failure has lasted for long."""
        return self._collapse.complaint(statistics)

    def is_well(self) -> bool:
        """Whether no failure shows at present."""
        return self._collapse.is_well

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimisers and random state."""
        return {
            "architecture": architecture(self.config, ARCHITECTURE),
            **{name: network.state_dict() for name, network in self.players.by_name().items()},
            "optimizers": {name: updater.state_dict() for name, updater in self._updaters().items()},
            "random": self._random.get_state(),
            "augmentation": self._augmenter.state_dict(),
            "collapse": self._collapse.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken; raises CheckpointError if the networks were others."""
        check_architecture(state.get("architecture"), self.config, ARCHITECTURE)
        for name, network in self.players.by_name().items():
            network.load_state_dict(state[name])
        for name, updater in self._updaters().items():
            updater.load_state_dict(state["optimizers"][name])
        self._random.set_state(state["random"])
        self._augmenter.load_state_dict(state["augmentation"])
        self._collapse.load_state_dict(state["collapse"])

    def _updaters(self) -> dict[str, Updater]:
        updaters = {"generator": self._painter.updater, "discriminator": self._critic.updater}
        learned = self._painter.views_updater
        return updaters if learned is None else updaters | {"views": learned}
