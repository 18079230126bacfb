# SPDX-License-Identifier: Apache-2.0
"""The proxy's update: equation (9) of IG-GAN, pixels and discriminator output matching."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrender.geometry.cameras import Cameras
from unrender.losses.augmentation import Augmentation
from unrender.losses.matching import feature_matching_loss, output_matching_loss, pixel_loss
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.game.critic import Critic, augmented
from unrender.methods.voxel_gan.game.fakes import Fakes
from unrender.methods.voxel_gan.gradients.paths import shown_to_proxy
from unrender.methods.voxel_gan.proxy.render_buffer import RenderBuffer
from unrender.training.devices import Devices
from unrender.training.updater import Statistics, Updater, add_up

_LOOK_INTERVAL = 16  # steps between looks at how well a frozen proxy does


class ProxyUpdate:
    """Holds the proxy to the black box on what the generator made.

    Pixels are compared where the image of what the proxy is shown is known exactly: for x_d, and for the pair of x_c
    and threshold. Output matching compares what the generator's gradient comes through: on the continuous path the mean
    score over K thresholds, else the score of the one render.
    """

    def __init__(self, config: VoxelGanConfig, proxy: nn.Module, critic: Critic, devices: Devices) -> None:
        self._settings, self._critic, self._devices = config.proxy, critic, devices
        self._proxy = proxy
        self.updater = Updater(proxy, config.proxy, devices, config.accumulation)
        self._buffer: RenderBuffer | None = None
        if config.proxy.replay_images > 0:
            self._buffer = RenderBuffer(config.proxy.replay_images // devices.world, config.seed)

    def pretrain(
        self,
        learning_rate: float,
        solids: Float[Tensor, "B 1 X Y Z"],
        cameras: Cameras,
        renders: Float[Tensor, "B 2 H W"],
    ) -> Statistics:
        """One step of equation (5) on shapes unrelated to the target class."""
        statistics: Statistics = {}
        self.updater.set_learning_rate(learning_rate)
        self.updater.begin()
        for part in self.updater.parts(len(solids)):
            share = (part.stop - part.start) / len(solids)
            pixels = pixel_loss(self._imitate(solids[part], cameras[part]), renders[part])
            self.updater.add(share * pixels)
            add_up(statistics, {"proxy_loss": pixels}, share)
        self.updater.finish()
        return statistics

    def update(
        self, step: int, fakes: Fakes, renders: Float[Tensor, "K B 2 H W"], augmentation: Augmentation | None
    ) -> Statistics:
        """One step on generated shapes; a frozen proxy is only looked at, now and then."""
        if not self._settings.joint:
            return self._look(fakes, renders) if step % _LOOK_INTERVAL == 0 else {}
        statistics: Statistics = {}
        count = renders.shape[1]
        self.updater.begin()
        for part in self.updater.parts(count):
            share = (part.stop - part.start) / count
            loss, of_part = self._loss(fakes, renders[:, part], part, augmentation)
            self.updater.add(share * loss)
            add_up(statistics, of_part, share)
        if self._buffer is not None:
            self._replay(self._buffer, step, fakes, renders[0])
        self.updater.finish()
        return statistics

    def _loss(
        self, fakes: Fakes, renders: Tensor, part: slice, augmentation: Augmentation | None
    ) -> tuple[Tensor, Statistics]:
        settings = self._settings
        output, cameras = fakes.output[part].detach(), fakes.cameras[part]
        threshold = fakes.threshold[0, part]
        imitated = self._imitate(self._exactly_known(output, threshold), cameras)
        pixels = pixel_loss(imitated, renders[0])
        statistics = {"proxy_loss": pixels}
        if settings.matching_weight == 0.0:
            return pixels, statistics
        seen = self._imitate(output, cameras) if settings.path == "continuous" else imitated
        rows = torch.arange(part.start, part.stop)
        statistics["matching_loss"] = self._matching_loss(
            augmented(seen, augmentation, rows),
            augmented(renders.flatten(0, 1), augmentation, rows.repeat(len(renders))),
        )
        return pixels + settings.matching_weight * statistics["matching_loss"], statistics

    def _matching_loss(self, seen: Tensor, renders: Tensor) -> Tensor:
        """Equation (8), between images under the same transformations."""
        score = self._settings.matching_score
        with torch.no_grad():
            aims, aimed_features = self._critic.rate(renders)
        logits, features = self._critic.rate(seen)
        loss = output_matching_loss(logits, aims, score)
        return loss + feature_matching_loss(features, aimed_features) if score == "features" else loss

    def _exactly_known(self, output: Tensor, threshold: Tensor) -> Tensor:
        """The grid for which the black box's image of x_d is exact."""
        path = "straight_through" if self._settings.path == "continuous" else self._settings.path
        return shown_to_proxy(output, threshold, path, self._settings.threshold_softness)

    def _imitate(self, grid: Tensor, cameras: Cameras) -> Tensor:
        with self._devices.autocast():
            images: Tensor = self._proxy(grid, cameras)
        return images

    def _replay(self, buffer: RenderBuffer, step: int, fakes: Fakes, renders: Tensor) -> None:
        """Half a batch of earlier pairs counts as much as so many new ones."""
        half = max(len(renders) // 2, 1)
        if len(buffer) >= half and buffer.resolution == fakes.output.shape[-1]:
            solids, cameras, images = buffer.draw(step, half)
            grid, images = solids.float().to(self._devices.device), images.to(self._devices.device)
            for part in self.updater.parts(half):
                loss = pixel_loss(self._imitate(grid[part], cameras[part]), images[part])
                self.updater.add((part.stop - part.start) / len(renders) * loss)
        buffer.add(step, fakes.binary, fakes.cameras, renders)

    @torch.no_grad()
    def _look(self, fakes: Fakes, renders: Tensor) -> Statistics:
        grid = self._exactly_known(fakes.output, fakes.threshold[0])
        return {"proxy_loss": pixel_loss(self._imitate(grid, fakes.cameras), renders[0])}

    def earlier_state(self) -> dict[str, Any] | None:
        """The buffer of earlier renders, of all processes."""
        return None if self._buffer is None else self._buffer.state_dict(self._devices)

    def load_earlier(self, state: dict[str, Any] | None, cameras_like: Cameras) -> None:
        """Fill the buffer from `earlier_state`."""
        if self._buffer is not None and state is not None:
            self._buffer.load_state_dict(state, cameras_like, self._devices)
