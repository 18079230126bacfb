# SPDX-License-Identifier: Apache-2.0
"""The proxy's pre-training: equation (5) of IG-GAN on shapes that have nothing to do with the target class."""

import time

from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.proxy.replay import ProxyReplay
from unrender.methods.voxel_gan.proxy.update import ProxyUpdate
from unrender.training.devices import Devices
from unrender.training.updater import Statistics


class Pretraining:
    """Shows the proxy procedural shapes and what the black box makes of them, with a falling learning rate."""

    def __init__(
        self, config: VoxelGanConfig, black_box: BlackBox, proxy: ProxyUpdate, resolution: int, devices: Devices
    ) -> None:
        self._config, self._proxy, self._devices = config, proxy, devices
        self._replay = ProxyReplay(
            black_box,
            config.views,
            resolution,
            config.batch_size,
            config.proxy.pretrain_fresh_interval,
            config.seed,
            config.proxy.pretrain_shapes,
            devices,
        )

    def step(self, shown: int) -> tuple[Statistics, dict[str, float]]:
        """One update after `shown` images; statistics, and the seconds that it waited and that the renderer took."""
        settings = self._config.proxy
        waiting = time.perf_counter()
        grid, cameras, images = self._replay.batch(shown // self._config.batch_size)
        waited = time.perf_counter() - waiting
        device = self._devices.device
        learning_rate = settings.pretraining_rate * (1.0 - 0.9 * shown / settings.pretrain_images)
        statistics = self._proxy.pretrain(learning_rate, grid.float().to(device), cameras, images.to(device))
        return statistics, {"wait_seconds": waited, "render_seconds": self._replay.render_seconds}
