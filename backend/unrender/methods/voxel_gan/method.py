# SPDX-License-Identifier: Apache-2.0
"""IG-GAN (Lunz, Li, Fitzgibbon, Kushman 2020): a voxel GAN that learns through a renderer without gradients.

Who sees which image (section 3 of the paper):

    update          proxy input    black-box render       gradient goes to
    discriminator   none           fake image             discriminator
    generator       x_c or x_d     none                   generator (through discriminator and proxy)
    proxy, pixels   x_d            pixel target           proxy
    proxy, outputs  x_c or x_d     target of F = log D    proxy (through a frozen discriminator)

x_d (straight-through: forward on x_d, gradient handed to x_c) or x_c (the paper) by `proxy.gradient`. The baselines run
in the same game with another route in the place of black box and proxy (`routes`).
"""

import time
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from unrender.errors import ConfigurationError
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.config.architecture import architecture_settings
from unrender.methods.voxel_gan.game.collapse import CollapseWatch
from unrender.methods.voxel_gan.game.critic import Critic
from unrender.methods.voxel_gan.game.discriminator_update import DiscriminatorUpdate
from unrender.methods.voxel_gan.game.examiner import SHEET_COLUMNS, Examiner
from unrender.methods.voxel_gan.game.fakes import Fakes, draw_thresholds, fakes_from_state
from unrender.methods.voxel_gan.game.generator_update import GeneratorUpdate
from unrender.methods.voxel_gan.game.growth import Growth
from unrender.methods.voxel_gan.game.players import build_networks
from unrender.methods.voxel_gan.game.routes import build_route, silhouettes
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.proxy.band_correction import BandCorrection
from unrender.methods.voxel_gan.proxy.pretraining import Pretraining
from unrender.methods.voxel_gan.proxy.update import ProxyUpdate
from unrender.metrics.evaluation import Evaluation
from unrender.training.architecture import architecture, check_architecture
from unrender.training.augmenter import Augmenter
from unrender.training.devices import Devices
from unrender.training.method import Phase
from unrender.training.stopwatch import Stopwatch
from unrender.training.updater import Statistics, Updater, decayed


class VoxelGan:
    """The trainable system; drives one step at a time, renders for the next step while the current one computes."""

    def __init__(self, config: VoxelGanConfig, black_box: BlackBox, evaluation: Evaluation, devices: Devices) -> None:
        if config.batch_size % (devices.world * config.accumulation):
            raise ConfigurationError(
                f"batch_size is {config.batch_size}, which {devices.world} processes with accumulation = "
                f"{config.accumulation} cannot share evenly.",
                f"Take a multiple of {devices.world * config.accumulation}.",
            )
        self.config, self.black_box, self.devices = config, black_box, devices
        self.batch_size, self.sheet_pictures = config.batch_size, SHEET_COLUMNS
        self.networks = networks = build_networks(config, devices)
        self.route = build_route(config, networks.proxy, devices)
        self._growth = Growth(config, networks, black_box)
        self._random = torch.Generator().manual_seed(config.seed)
        self._fakes: Fakes | None = None
        self._pretraining: Pretraining | None = None
        critic = Critic(networks.discriminator, devices)
        self._augmenter = Augmenter(config, config.mirror_symmetric, devices)
        self._discriminator = DiscriminatorUpdate(config, critic, devices)
        self._proxy = None if networks.proxy is None else ProxyUpdate(config, networks.proxy, critic, devices)
        self._generator = GeneratorUpdate(config, networks.generator, networks.average, critic, self.route, devices)
        self.examiner = Examiner(config, networks, critic, evaluation, black_box, self._growth.black_box, devices)
        self._watch = Stopwatch(devices.device)
        self._bands = BandCorrection(config.proxy, self._growth.black_box) if config.corrects_bands else None
        self._generator.correction = self._bands
        self._collapse = CollapseWatch(config.route, config.batch_size)

    def phases(self) -> tuple[Phase, ...]:
        """Pre-training of the proxy on generic shapes, if there is one, then the game of the networks, 1:1:1."""
        adversarial = Phase("adversarial", self.config.total_images)
        if self._proxy is None or self.config.proxy.pretrain_images == 0:
            return (adversarial,)
        return (Phase("proxy", self.config.proxy.pretrain_images), adversarial)

    def step(self, phase: Phase, shown: int, real: Float[Tensor, "B C H W"]) -> dict[str, float]:
        """One step on this process' share of real images; statistics carry the losses of the joint batch, and this
        process' seconds of `network`, `render` and `wait`."""
        started = time.perf_counter()
        self._growth.enter(0 if phase.name == "proxy" else shown)
        if phase.name == "proxy":
            statistics, seconds = self._pretrain(shown)
        else:
            self._set_learning_rates(shown / phase.images)
            statistics, seconds = self._play(shown // self.batch_size, real.to(self.devices.device))
        numbers = self._numbers(statistics)  # waits for the device
        if self._augmenter.probability is not None and "real_sign" in statistics:
            numbers["augmentation"] = self._augmenter.probability
            self._augmenter.observe(numbers["real_sign"])
        seconds |= {f"{name}_seconds": spent for name, spent in self._watch.take().items()}
        return numbers | seconds | {"network_seconds": time.perf_counter() - started - seconds["wait_seconds"]}

    def _pretrain(self, shown: int) -> tuple[Statistics, dict[str, float]]:
        assert self._proxy is not None
        if self._pretraining is None:
            growth = self._growth
            self._pretraining = Pretraining(self.config, growth.black_box, self._proxy, growth.resolution, self.devices)
        return self._pretraining.step(shown)

    def _play(self, step: int, real: Tensor) -> tuple[Statistics, dict[str, float]]:
        """Discriminator and proxy learn from the last step's shapes, whose renders are there; the generator from new
        ones, whose renders are made meanwhile."""
        real = self._growth.fit(silhouettes(real) if self.route.only_silhouettes else real)
        if self._fakes is None or self._fakes.output.shape[-1] != self._output_side():
            self._pretraining = None
            self._fakes = self._draw_fakes()
        following = self._draw_fakes()
        if self._bands is not None:
            self._bands.submit(step, following)
        fakes = self._fakes
        waiting = time.perf_counter()
        renders = fakes.renders().to(self.devices.device) if self.route.renders else None
        waited = time.perf_counter() - waiting
        generated = self._shown_to_discriminator(fakes, renders)
        judged, taught = (self._augmenter.draw(step, update, real.shape[-1]) for update in (0, 1))
        with self._watch("discriminator"):
            statistics = self._discriminator.update(step, real, generated, judged)
        if self._proxy is not None and renders is not None:
            with self._watch("proxy"):
                statistics |= self._proxy.update(step, fakes, renders, judged)
        with self._watch("generator"):
            statistics |= self._generator.update(step, following, real, taught)
        statistics |= self._describe(following.output, generated)
        self._fakes = following
        return statistics, {"wait_seconds": waited, "render_seconds": fakes.render_seconds}

    def _draw_fakes(self) -> Fakes:
        """z, cameras and thresholds of the joint batch are drawn everywhere; every process takes its share."""
        config, devices = self.config, self.devices
        z = torch.randn(self.batch_size, config.generator.latent, generator=self._random)
        cameras = config.views.sample(self.batch_size, self._random)
        threshold = draw_thresholds(self.batch_size, config.proxy.matching_thresholds, self._random)
        with self._watch("generator"):
            output = self._generator.generate(devices.share(z).to(devices.device))
        fakes = Fakes(
            output,
            devices.share(cameras),
            devices.share(threshold.T).T.to(devices.device),
        )
        if self.route.renders:
            fakes.submit(self._growth.black_box)
        return fakes

    def _output_side(self) -> int:
        """Of what the generator makes at present: batches that were drawn before it grew are of no use any more."""
        return self._growth.resolution if self.route.has_shapes else self._growth.image_size

    @torch.no_grad()
    def _shown_to_discriminator(self, fakes: Fakes, renders: Tensor | None) -> Tensor:
        if self.route.shows_renders and renders is not None:
            return renders[0]
        return self.route.look(fakes.output.detach(), fakes.cameras, fakes.threshold[0]).float()

    @torch.no_grad()
    def _describe(self, output: Tensor, generated: Tensor) -> Statistics:
        """What a collapse shows in."""
        output = output.contiguous()
        middle = self.devices.mean(output.mean(dim=0))
        statistics = {
            "coverage": generated[:, 1].contiguous().mean(),
            "diversity": self.devices.mean((output - middle).square().mean(dim=0)).sqrt().mean(),
        }
        if self.route.has_shapes:
            statistics["occupancy"] = (output > 0.5).float().mean()
            statistics["grey_share"] = ((output > 0.1) & (output < 0.9)).float().mean()
        return statistics

    def _numbers(self, statistics: Statistics) -> dict[str, float]:
        """The means over all processes, together."""
        values = self.devices.mean(torch.stack([value.detach().float() for value in statistics.values()]))
        numbers = dict(zip(statistics, values.tolist(), strict=True))
        if "proxy_loss" in numbers:
            mean = numbers["proxy_loss"] / (2 * self._growth.image_size**2)
            numbers["proxy_psnr"] = float(-10.0 * np.log10(max(mean, 1e-12)))
        return numbers

    def _set_learning_rates(self, done: float) -> None:
        factor = decayed(done, self.config.decay_from)
        for updater in self._updaters().values():
            updater.slow_down(factor)

    def settle(self) -> None:
        """Wait for the images of the next step, if any are being rendered."""
        if self._fakes is not None and self.route.renders:
            self._fakes.renders()

    # What the loop asks for.

    def sample_sheet(self, real: Float[Tensor, "B C H W"]) -> NDArray[np.uint8]:
        """Three rows generated at t = 0.5 from random views, the last row real."""
        return self.examiner.sheet(real)

    def evaluate(self) -> dict[str, float]:
        """Distances of the averaged generator's samples from the training images; the audit of the proxy."""
        return self.examiner.scores()

    def complaint(self, statistics: dict[str, float]) -> str | None:
        """Says so when everything has been empty, or the same, for long."""
        return self._collapse.complaint(statistics)

    def is_well(self) -> bool:
        """Whether no failure shows at present."""
        return self._collapse.is_well

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimisers, random state and the batch whose images the next step uses. Together, if there are
        several processes."""
        return {
            "architecture": architecture(self.config, architecture_settings(self.config)),
            **{name: network.state_dict() for name, network in self._networks().items()},
            "optimizers": {name: updater.state_dict() for name, updater in self._updaters().items()},
            "random": self._random.get_state(),
            "fakes": None if self._fakes is None else self._fakes.state_dict(self.devices),
            "earlier": None if self._proxy is None else self._proxy.earlier_state(),
            "augmentation": self._augmenter.state_dict(),
            "collapse": self._collapse.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken; raises CheckpointError if the networks were others."""
        check_architecture(state.get("architecture"), self.config, architecture_settings(self.config))
        for name, network in self._networks().items():
            network.load_state_dict(state[name])
        for name, updater in self._updaters().items():
            updater.load_state_dict(state["optimizers"][name])
        self._random.set_state(state["random"])
        self._augmenter.load_state_dict(state["augmentation"])
        self._collapse.load_state_dict(state["collapse"])
        like = self.config.views.sample(1, torch.Generator())
        kept, shape = state["fakes"], (self.batch_size, self.config.proxy.matching_thresholds)
        fits = kept is not None and kept["threshold"].shape == shape  # else batches are of another size now
        self._fakes = fakes_from_state(kept, like, self.devices) if fits else None
        if self._proxy is not None:
            self._proxy.load_earlier(state["earlier"], like)

    def _networks(self) -> dict[str, nn.Module]:
        networks: dict[str, nn.Module] = {
            "generator": self.networks.generator,
            "average": self.networks.average,
            "discriminator": self.networks.discriminator,
        }
        return networks if self.networks.proxy is None else networks | {"proxy": self.networks.proxy}

    def _updaters(self) -> dict[str, Updater]:
        updaters = {"generator": self._generator.updater, "discriminator": self._discriminator.updater}
        return updaters if self._proxy is None else updaters | {"proxy": self._proxy.updater}
