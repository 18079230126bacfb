# SPDX-License-Identifier: Apache-2.0
"""The networks that play, with fresh weights on their device."""

import copy
from dataclasses import dataclass

import torch
from torch import nn

from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.networks import AnyGenerator, build_any_generator, build_discriminators, build_proxy
from unrender.networks.discriminators import Discriminators
from unrender.training.devices import Devices, Network


@dataclass(frozen=True, slots=True)
class VoxelGanNetworks:
    generator: AnyGenerator
    average: AnyGenerator  # exponential moving average of the generator; all samples come from it
    discriminator: Discriminators
    proxy: nn.Module | None  # of the route "proxy"


def build_networks(config: VoxelGanConfig, devices: Devices) -> VoxelGanNetworks:
    """All networks of the route with weights that follow from `config.seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        generator = build_any_generator(config)
        discriminator = build_discriminators(config)
        proxy = build_proxy(config) if config.route == "proxy" else None
    average = copy.deepcopy(generator).eval().requires_grad_(False)
    volumes = torch.channels_last if config.route == "image" else torch.channels_last_3d

    def placed(module: Network, memory_format: torch.memory_format | None) -> Network:
        return devices.prepare(module, memory_format if config.channels_last else None, config.compile)

    return VoxelGanNetworks(
        placed(generator, volumes),
        devices.prepare(average, volumes if config.channels_last else None),
        placed(discriminator, torch.channels_last),
        None if proxy is None else placed(proxy, torch.channels_last if config.proxy.kind == "compositing" else None),
    )
