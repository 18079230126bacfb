# SPDX-License-Identifier: Apache-2.0
"""Looks at a game from outside, on random numbers of its own: sheets, scores, how right the proxy's gradient is."""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.game.critic import Critic
from unrender.methods.voxel_gan.game.players import VoxelGanNetworks
from unrender.methods.voxel_gan.gradients.audit import band_audit
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.metrics.evaluation import Evaluation
from unrender.training.devices import Devices
from unrender.training.sheets import picture_grid

_RENDERS = 64  # images per request
SHEET_COLUMNS = 8


class Examiner:
    """Samples of the averaged generator, by one process alone.

    black_box: of whole size. game: the black box that the game is played with at present.
    """

    def __init__(
        self,
        config: VoxelGanConfig,
        networks: VoxelGanNetworks,
        critic: Critic,
        evaluation: Evaluation,
        black_box: BlackBox,
        game: BlackBox,
        devices: Devices,
    ) -> None:
        self._config, self._networks, self._critic, self._evaluation = config, networks, critic, evaluation
        self._black_box, self._game, self._devices = black_box, game, devices

    def sheet(self, real: Float[Tensor, "B C H W"]) -> NDArray[np.uint8]:
        """Three rows generated at t = 0.5 from random views, the last row real."""
        images = self.images(*self._draw(3 * SHEET_COLUMNS, 1))
        return picture_grid(torch.cat([images, real[:SHEET_COLUMNS].cpu()]), SHEET_COLUMNS, self._black_box.encoding)

    def scores(self) -> dict[str, float]:
        """Distances of samples from the training images; how right the proxy's gradient is."""
        scores = self._evaluation.score(self.images(*self._draw(self._config.evaluate_images, 2)))
        return scores | self._audit()

    @torch.no_grad()
    def images(self, z: Float[Tensor, "B latent"], cameras: Cameras) -> Float[Tensor, "B 2 H W"]:
        """Shapes at t = 0.5 through the black box, whatever the route that they were learned by; the generator's images
        if it has no shapes."""
        images = []
        for first in range(0, len(z), _RENDERS):
            part = slice(first, first + _RENDERS)
            with self._devices.autocast():
                output = self._networks.average(z[part].to(self._devices.device))
            if self._config.route == "image":
                images.append(output.float().cpu())
            else:
                images.append(self._black_box.render((output > 0.5).cpu(), cameras[part]))
        return torch.cat(images)

    @torch.no_grad()
    def _audit(self) -> dict[str, float]:
        config, proxy = self._config, self._networks.proxy
        if proxy is None or config.audit_samples == 0:
            return {}
        z, cameras = self._draw(config.audit_samples, 3)
        shapes = self._networks.average(z.to(self._devices.device))
        path, softness = config.proxy.path, config.proxy.threshold_softness
        audit = band_audit(shapes, cameras, proxy, self._critic.score, self._game, softness, (path,))
        return audit.statistics(path)

    def _draw(self, count: int, purpose: int) -> tuple[Float[Tensor, "B latent"], Cameras]:
        generator = torch.Generator().manual_seed(self._config.seed + purpose)
        z = torch.randn(count, self._config.generator.latent, generator=generator)
        return z, self._config.views.sample(count, generator)
