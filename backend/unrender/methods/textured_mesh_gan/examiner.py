# SPDX-License-Identifier: Apache-2.0
"""Looks at a game from outside, on random numbers of its own: sheets and scores of the averaged generator."""

import math

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from unrender.geometry.cameras import Cameras
from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig
from unrender.methods.textured_mesh_gan.monitors import Monitors
from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
from unrender.methods.textured_mesh_gan.players import Players
from unrender.metrics.evaluation import Evaluation
from unrender.networks.scene_generator import Scene
from unrender.training.devices import Devices
from unrender.training.sheets import colour_grid

_ROWS = 5  # generated ones
_OTHER_VIEWS = 5
SHEET_COLUMNS = 4 + _OTHER_VIEWS
_SHEET_PIXELS = 128  # a side of a sheet's tiles, about
_BATCH = 32


class Examiner:
    """Samples by one process alone."""

    def __init__(
        self,
        config: TexturedMeshGanConfig,
        players: Players,
        maker: PictureMaker,
        monitors: Monitors,
        evaluation: Evaluation,
        devices: Devices,
    ) -> None:
        self._config, self._players, self._maker, self._monitors = config, players, maker, monitors
        self._evaluation, self._devices = evaluation, devices

    @torch.no_grad()
    def sheet(self, real: Float[Tensor, "B 3 H W"]) -> NDArray[np.uint8]:
        """A row for each of five scenes, as in the paper's figure: a sample, its normals, texture and background, five
        other views; the last row are real pictures."""
        scenes, views = self._draw(_ROWS, 1)
        sample = self._maker.render(scenes, views, passes=True)
        assert sample.normal is not None
        columns = [
            sample.rgb,
            0.5 + 0.5 * sample.normal,  # grey where nothing is
            self._fitted(scenes.texture),
            self._fitted(scenes.background),
            *(self._maker.render(scenes, turned).rgb for turned in self._other_views(views)),
        ]
        rows = torch.stack([column.float().cpu() for column in columns], dim=1).flatten(0, 1)
        zoom = max(1, _SHEET_PIXELS // self._config.image_size)
        return colour_grid(torch.cat([rows, real[:SHEET_COLUMNS].cpu()]), SHEET_COLUMNS, zoom)

    def scores(self) -> dict[str, float]:
        """Distances of samples from the training pictures, and the signs of failure."""
        return self._evaluation.score(self.pictures(self._config.evaluate_images)) | self._monitors.look()

    @torch.no_grad()
    def pictures(self, count: int) -> Float[Tensor, "count 3 H W"]:
        """So many samples from views of the prior; always the same random numbers."""
        parts = [min(_BATCH, count - first) for first in range(0, count, _BATCH)]
        drawn = [self._draw(part, 2 + index) for index, part in enumerate(parts)]
        return torch.cat([self._maker.render(scenes, views).rgb.float().cpu() for scenes, views in drawn])

    def _draw(self, count: int, purpose: int) -> tuple[Scene, Cameras]:
        random = torch.Generator().manual_seed(1_000_003 * self._config.seed + purpose)
        z = torch.randn(count, self._config.generator.latent, generator=random)
        with self._devices.autocast():
            scenes: Scene = self._players.average(z.to(self._devices.device))
        return scenes, self._players.views.sample(count, random)

    def _other_views(self, views: Cameras) -> list[Cameras]:
        """On around the object from the samples' views, or from one end of the prior's range to the other."""
        settings, law = self._config.views, self._players.views
        shares = [(index + 1) / (_OTHER_VIEWS + 1) for index in range(_OTHER_VIEWS)]
        if settings.goes_around:
            return [law.cameras(views.azimuth + math.tau * share, views.elevation) for share in shares]
        low, high = (math.radians(value) for value in settings.azimuth_degrees)
        return [
            law.cameras(torch.full_like(views.azimuth, low + (high - low) * share), views.elevation) for share in shares
        ]

    def _fitted(self, pictures: Tensor) -> Tensor:
        side = self._config.image_size
        return functional.interpolate(pictures, (side, side), mode="bilinear", antialias=True)
