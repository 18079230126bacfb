# SPDX-License-Identifier: Apache-2.0
"""The networks that play, with fresh weights on their device."""

import copy
from dataclasses import dataclass

import torch
from torch import nn

from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig
from unrender.methods.textured_mesh_gan.networks import build_generator
from unrender.methods.textured_mesh_gan.views import ViewPrior
from unrender.networks.residual_discriminator import ResidualDiscriminator
from unrender.networks.scene_generator import SceneGenerator
from unrender.training.devices import Devices


@dataclass(frozen=True, slots=True)
class Players:
    generator: SceneGenerator
    average: SceneGenerator  # exponential moving average of the generator; all samples come from it
    discriminator: ResidualDiscriminator
    views: ViewPrior  # has weights if the law is learned

    def by_name(self) -> dict[str, nn.Module]:
        """All that have weights, as a checkpoint names them."""
        networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "average": self.average,
            "discriminator": self.discriminator,
        }
        return networks if self.views.logits is None else networks | {"views": self.views}


def build_players(config: TexturedMeshGanConfig, devices: Devices) -> Players:
    """All networks with weights that follow from `config.seed`."""
    settings = config.discriminator
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        generator = build_generator(config)
        discriminator = ResidualDiscriminator(config.image_size, 3, settings.channels, settings.group)
    average = copy.deepcopy(generator).eval().requires_grad_(False)
    layout = torch.channels_last if config.channels_last else None
    return Players(
        devices.prepare(generator, layout),
        devices.prepare(average, layout),
        devices.prepare(discriminator, layout),
        devices.prepare(ViewPrior(config.views), None),
    )
