# SPDX-License-Identifier: Apache-2.0
"""IG-GAN (Lunz, Li, Fitzgibbon, Kushman 2020): a voxel GAN that learns through a renderer without gradients.

Who sees which image (section 3 of the paper):

    update          proxy input    black-box render       gradient goes to
    discriminator   none           fake image             discriminator
    generator       x_c or x_d     none                   generator (through discriminator and proxy)
    proxy, pixels   x_d            pixel target           proxy
    proxy, outputs  x_c or x_d     target of F = log D    proxy (through a frozen discriminator)

x_d (straight-through: forward on x_d, gradient handed to x_c) or x_c (the paper) by `proxy.gradient`.
"""

import time
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from unrender.geometry.cameras import Cameras
from unrender.geometry.surface import random_threshold
from unrender.losses.adversarial import discriminator_loss, generator_loss, r1_penalty
from unrender.losses.matching import output_matching_loss, pixel_loss
from unrender.methods.voxel_gan.black_box import BlackBox
from unrender.methods.voxel_gan.config import DiscriminatorConfig, GeneratorConfig, ProxyConfig, VoxelGanConfig
from unrender.methods.voxel_gan.evaluation import Evaluation
from unrender.methods.voxel_gan.fakes import Fakes, fakes_from_state
from unrender.methods.voxel_gan.networks import build_networks, update_average
from unrender.methods.voxel_gan.replay import ProxyReplay
from unrender.training.method import Phase
from unrender.training.precision import autocast, use_bfloat16
from unrender.training.sheets import picture_grid

_EMPTY_SHARE = 1e-4  # a shape with fewer full voxels than this at t = 0.5 counts as empty
_PATIENCE_IMAGES = 9_600  # images before emptiness counts as a collapse: runs start empty


class VoxelGan:
    """The trainable system; drives one step at a time, renders for the next step while the current one computes."""

    def __init__(
        self, config: VoxelGanConfig, black_box: BlackBox, evaluation: Evaluation, device: torch.device
    ) -> None:
        self.config, self.black_box, self.device = config, black_box, device
        self.batch_size = config.batch_size
        self.networks = build_networks(config, device)
        self._evaluation = evaluation
        self._bfloat16 = use_bfloat16(config.precision, device)
        self._random = torch.Generator().manual_seed(config.seed)
        self._fakes: Fakes | None = None
        self._replay: ProxyReplay | None = None
        self._optimizers = {
            "generator": _adam(self.networks.generator, config.generator),
            "discriminator": _adam(self.networks.discriminator, config.discriminator),
            "proxy": _adam(self.networks.proxy, config.proxy),
        }
        self._empty_images = 0

    def phases(self) -> tuple[Phase, ...]:
        """Pre-training of the proxy on generic shapes, then the game of three networks, 1:1:1."""
        adversarial = Phase("adversarial", self.config.total_images)
        if self.config.proxy.pretrain_images == 0:
            return (adversarial,)
        return (Phase("proxy", self.config.proxy.pretrain_images), adversarial)

    def step(self, phase: Phase, shown: int, real: Float[Tensor, "B C H W"]) -> dict[str, float]:
        """One step; statistics carry the losses and the seconds of `network`, `render` and `wait`."""
        if phase.name == "proxy":
            return self._pretrain_step(shown, phase)
        self._set_learning_rates(shown / phase.images)
        return self._adversarial_step(shown, real.to(self.device))

    # Proxy pre-training, equation (5) on shapes unrelated to the target class.

    def _pretrain_step(self, shown: int, phase: Phase) -> dict[str, float]:
        started = time.perf_counter()
        config = self.config
        if self._replay is None:
            self._replay = ProxyReplay(
                self.black_box,
                config.views,
                config.resolution,
                config.batch_size,
                config.proxy.pretrain_fresh_interval,
                config.seed,
            )
        iteration = shown // config.batch_size
        self._optimizers["proxy"].param_groups[0]["lr"] = config.proxy.pretrain_learning_rate * (
            1.0 - 0.9 * shown / phase.images
        )
        waiting = time.perf_counter()
        grid, cameras, images = self._replay.batch(iteration)
        waited = time.perf_counter() - waiting
        self.networks.proxy.requires_grad_(True)
        with autocast(self._bfloat16, self.device):
            loss = pixel_loss(self.networks.proxy(grid.float().to(self.device), cameras), images.to(self.device))
        self._update("proxy", loss)
        wall = time.perf_counter() - started
        return {
            "proxy_loss": loss.item(),
            "proxy_psnr": _psnr(loss.item(), images),
            "network_seconds": wall - waited,
            "render_seconds": self._replay.render_seconds,
            "wait_seconds": waited,
        }

    # The game.

    def _adversarial_step(self, shown: int, real: Tensor) -> dict[str, float]:
        started = time.perf_counter()
        step = shown // self.batch_size
        if self._fakes is None:
            self._replay = None
            self._fakes = self._draw_fakes()
        # Rendered while the updates below compute; the generator's update uses its graph, the next step its images.
        following = self._draw_fakes()
        fakes = self._fakes
        waiting = time.perf_counter()
        images = fakes.arrived().to(self.device)
        waited = time.perf_counter() - waiting
        statistics = self._discriminator_update(step, real, images)
        statistics |= self._proxy_update(fakes, images)
        statistics |= self._generator_update(following)
        # The average forgets its empty start quickly: the decay grows with the steps until it is the configured one.
        decay = min(self.config.generator.average_decay, (1.0 + step) / (10.0 + step))
        update_average(self.networks.average, self.networks.generator, decay)
        following.continuous = following.continuous.detach()
        self._fakes = following
        wall = time.perf_counter() - started
        return statistics | {
            "occupancy": (following.continuous > 0.5).float().mean().item(),
            "grey_share": ((following.continuous > 0.1) & (following.continuous < 0.9)).float().mean().item(),
            "network_seconds": wall - waited,
            "render_seconds": fakes.pending.render_seconds if fakes.pending is not None else 0.0,
            "wait_seconds": waited,
        }

    def _draw_fakes(self) -> Fakes:
        count = self.batch_size
        z = torch.randn(count, self.config.generator.latent, generator=self._random).to(self.device)
        cameras = self.config.views.sample(count, self._random)
        threshold = torch.rand(count, generator=self._random).to(self.device)
        self.networks.generator.requires_grad_(True)
        with autocast(self._bfloat16, self.device):
            continuous = self.networks.generator(z)
        binary = random_threshold(continuous.detach(), threshold)
        return Fakes(continuous, binary, cameras, self.black_box.submit(binary.cpu(), cameras))

    def _discriminator_update(self, step: int, real: Tensor, images: Tensor) -> dict[str, float]:
        settings = self.config.discriminator
        discriminator = self.networks.discriminator.requires_grad_(True)
        with autocast(self._bfloat16, self.device):
            logits = discriminator(torch.cat([real, images]).contiguous(memory_format=torch.channels_last))
        real_logits, fake_logits = logits.split(len(real))
        loss = discriminator_loss(real_logits, fake_logits)
        statistics = {
            "discriminator_loss": loss.item(),
            "real_logit": real_logits.mean().item(),
            "fake_logit": fake_logits.mean().item(),
        }
        if settings.r1_gamma > 0.0 and step % settings.r1_interval == 0:
            exact = real.detach().clone().requires_grad_(True)
            penalty = r1_penalty(discriminator(exact), exact)
            loss = loss + 0.5 * settings.r1_gamma * settings.r1_interval * penalty
            statistics["r1"] = penalty.item()
        self._update("discriminator", loss)
        self.networks.discriminator.requires_grad_(False)
        return statistics

    def _proxy_update(self, fakes: Fakes, images: Tensor) -> dict[str, float]:
        settings = self.config.proxy
        proxy = self.networks.proxy.requires_grad_(True)
        binary = fakes.binary.float().to(self.device)
        with autocast(self._bfloat16, self.device):
            imitated = proxy(binary, fakes.cameras)
            pixels = pixel_loss(imitated, images)
            loss = pixels
            if settings.matching_weight > 0.0:
                # The generator is shown x_d through the proxy (straight-through) or x_c (the paper): match that one.
                seen = imitated
                if settings.gradient == "continuous":
                    seen = proxy(fakes.continuous.detach(), fakes.cameras)
                with torch.no_grad():
                    target = self.networks.discriminator(images)
                matching = output_matching_loss(self.networks.discriminator(seen), target, settings.matching_score)
                loss = loss + settings.matching_weight * matching
        self._update("proxy", loss)
        proxy.requires_grad_(False)
        return {"proxy_loss": pixels.item(), "proxy_psnr": _psnr(pixels.item(), images)}

    def _generator_update(self, fakes: Fakes) -> dict[str, float]:
        shown = fakes.continuous
        if self.config.proxy.gradient == "straight_through":
            shown = fakes.binary.float() + (shown - shown.detach())
        with autocast(self._bfloat16, self.device):
            loss = generator_loss(self.networks.discriminator(self.networks.proxy(shown, fakes.cameras)))
        self._update("generator", loss)
        return {"generator_loss": loss.item()}

    def _update(self, name: str, loss: Tensor) -> None:
        optimizer = self._optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def _set_learning_rates(self, done: float) -> None:
        start = self.config.decay_from
        factor = 1.0 if done <= start else max(0.1, 1.0 - 0.9 * (done - start) / max(1.0 - start, 1e-6))
        for name, part in (
            ("generator", self.config.generator),
            ("discriminator", self.config.discriminator),
            ("proxy", self.config.proxy),
        ):
            self._optimizers[name].param_groups[0]["lr"] = part.learning_rate * factor

    def settle(self) -> None:
        """Wait for the images of the next step, if any are being rendered."""
        if self._fakes is not None:
            self._fakes.arrived()

    # What the loop asks for.

    def sample_sheet(self, real: Float[Tensor, "B C H W"]) -> NDArray[np.uint8]:
        """Three rows generated at t = 0.5 from random views, the last row real."""
        columns = 8
        generator = torch.Generator().manual_seed(self.config.seed + 1)
        z = torch.randn(3 * columns, self.config.generator.latent, generator=generator)
        cameras = self.config.views.sample(3 * columns, generator)
        images = self.render_average(z, cameras)
        return picture_grid(torch.cat([images, real[:columns].cpu()]), columns, self.black_box.encoding)

    @torch.no_grad()
    def render_average(self, z: Float[Tensor, "B latent"], cameras: Cameras) -> Float[Tensor, "B 2 H W"]:
        """Samples of the averaged generator at t = 0.5 through the black box."""
        with autocast(self._bfloat16, self.device):
            grids = [self.networks.average(part.to(self.device)) > 0.5 for part in z.split(64)]
        return self.black_box.render(torch.cat(grids).cpu(), cameras)

    def evaluate(self) -> dict[str, float]:
        """KID of the averaged generator's renders at t = 0.5 against the training images."""
        generator = torch.Generator().manual_seed(self.config.seed + 2)
        count = self.config.evaluate_images
        z = torch.randn(count, self.config.generator.latent, generator=generator)
        cameras = self.config.views.sample(count, generator)
        images = torch.cat([self.render_average(z[i : i + 64], cameras[i : i + 64]) for i in range(0, count, 64)])
        return self._evaluation.score(images)

    def complaint(self, statistics: dict[str, float]) -> str | None:
        """Says so when every shape has been empty for long."""
        if statistics.get("occupancy", 1.0) > _EMPTY_SHARE:
            self._empty_images = 0
        else:
            self._empty_images += self.batch_size
        if self._empty_images < _PATIENCE_IMAGES:
            return None
        return (
            f"the generator has made empty shapes for {self._empty_images} images: lower discriminator.learning_rate, "
            'or set proxy.gradient = "straight_through" or proxy.compositing = "max"'
        )

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimisers, random state and the batch whose images the next step uses."""
        return {
            "generator": self.networks.generator.state_dict(),
            "average": self.networks.average.state_dict(),
            "discriminator": self.networks.discriminator.state_dict(),
            "proxy": self.networks.proxy.state_dict(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self._optimizers.items()},
            "random": self._random.get_state(),
            "fakes": None if self._fakes is None else self._fakes.state_dict(),
            "empty_images": self._empty_images,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        modules: dict[str, nn.Module] = {
            "generator": self.networks.generator,
            "average": self.networks.average,
            "discriminator": self.networks.discriminator,
            "proxy": self.networks.proxy,
        }
        for name, module in modules.items():
            module.load_state_dict(state[name])
        for name, optimizer in self._optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self._random.set_state(state["random"])
        self._empty_images = state["empty_images"]
        like = self.config.views.sample(1, torch.Generator())
        self._fakes = None if state["fakes"] is None else fakes_from_state(state["fakes"], like)


def _adam(module: nn.Module, part: GeneratorConfig | DiscriminatorConfig | ProxyConfig) -> torch.optim.Adam:
    return torch.optim.Adam(module.parameters(), lr=part.learning_rate, betas=(part.beta1, part.beta2))


def _psnr(summed_loss: float, images: Tensor) -> float:
    mean = summed_loss / images[0].numel()
    return float(-10.0 * np.log10(max(mean, 1e-12)))
