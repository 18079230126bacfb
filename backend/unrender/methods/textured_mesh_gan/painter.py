# SPDX-License-Identifier: Apache-2.0
"""The generator's side: scenes, their pictures, and what the discriminator thinks of them carried back to the weights.

The way back is taken in three parts, from the pictures to the scenes and from there to the weights, so that each is
timed: autograd would run through all of them at once.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig
from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker, Pictures
from unrender.methods.textured_mesh_gan.players import Players
from unrender.methods.textured_mesh_gan.roughness import Roughness
from unrender.methods.textured_mesh_gan.unevenness import Unevenness
from unrender.networks.scene_generator import Scene
from unrender.training.average import decay_of_step, update_average
from unrender.training.devices import Devices
from unrender.training.stopwatch import Stopwatch
from unrender.training.updater import AdamSettings, Statistics, Updater


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A batch on its way: scenes with the generator's graph, the same ones where the renderer's graph begins, and
    pictures at its end."""

    made: Scene
    shown: Scene
    views: Cameras
    pictures: Pictures


class Painter:
    """Makes pictures from random numbers, and learns from the gradient of the pictures."""

    def __init__(
        self, config: TexturedMeshGanConfig, players: Players, maker: PictureMaker, devices: Devices, watch: Stopwatch
    ) -> None:
        self._config, self._players, self._maker, self._devices, self._watch = config, players, maker, devices, watch
        self.updater = Updater(players.generator, config.generator, devices, 1)
        self.views_updater: Updater | None = None
        if players.views.logits is not None:
            settings = AdamSettings(config.views.learning_rate, config.generator.beta1, config.generator.beta2)
            self.views_updater = Updater(players.views, settings, devices, 1)
        self._roughness = Roughness(config.generator.mesh_cells) if config.laplacian > 0.0 else None
        self._unevenness = Unevenness(config.generator.texture_size) if config.evenness > 0.0 else None

    def paint(self, z: Float[Tensor, "B latent"], uniform: Float[Tensor, "2 B"]) -> Painted:
        """Pictures of new scenes from random views, with the graphs that `update` uses up."""
        for updater in self._updaters():
            updater.begin()
        with self._watch("generator_forward"), self._devices.autocast():
            made: Scene = self._players.generator(z.to(self._devices.device))
        with self._watch("rasterizer_forward"):
            shown = Scene(*(part.detach().requires_grad_(True) for part in made.parts()))
            views = self._players.views.at(uniform)
            return Painted(made, shown, views, self._maker.render(shown, views))

    def update(self, shown: int, painted: Painted, gradient: Float[Tensor, "B 3 H W"]) -> Statistics:
        """One step, after `shown` real pictures. gradient: of the loss with respect to the pictures."""
        statistics: Statistics = {}
        with self._watch("rasterizer_backward"):
            self._devices.backward((painted.pictures.rgb * gradient).sum())
        with self._watch("generator_backward"):
            if self._roughness is not None:
                roughness = self._roughness(painted.shown.vertices)
                self._devices.backward(self._config.laplacian * roughness)
                statistics["roughness"] = roughness.detach()
            if self._unevenness is not None:
                unevenness = self._unevenness(painted.shown.texture)
                self._devices.backward(self._config.evenness * unevenness)
                statistics["unevenness"] = unevenness.detach()
            pairs = zip(painted.made.parts(), painted.shown.parts(), strict=True)
            ends = [(made * leaf.grad).sum() for made, leaf in pairs if leaf.grad is not None]
            self.updater.add(torch.stack(ends).sum())
            for updater in self._updaters():
                updater.finish()
            decay = decay_of_step(self._config.batch_size, self._config.generator.average_images, shown)
            update_average(self._players.average, self._players.generator, decay)
        return statistics

    def _updaters(self) -> list[Updater]:
        return [self.updater] if self.views_updater is None else [self.updater, self.views_updater]
