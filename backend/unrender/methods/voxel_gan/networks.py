# SPDX-License-Identifier: Apache-2.0
"""The networks of a voxel GAN, built and moved to the device."""

import copy
from dataclasses import dataclass

import torch
from torch import nn

from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.networks.compositing_proxy import CompositingProxy
from unrender.networks.discriminators import Discriminators
from unrender.networks.image_generator import ImageGenerator
from unrender.networks.render_net import RenderNet
from unrender.networks.voxel_generator import VoxelGenerator
from unrender.training.devices import Devices, Network

AnyGenerator = VoxelGenerator | ImageGenerator


@dataclass(frozen=True, slots=True)
class VoxelGanNetworks:
    generator: AnyGenerator
    average: AnyGenerator  # exponential moving average of the generator; all samples come from it
    discriminator: Discriminators
    proxy: nn.Module | None  # of the route "proxy"


def build_generator(config: VoxelGanConfig) -> VoxelGenerator:
    """A generator of shapes of the configured size with fresh weights."""
    return VoxelGenerator(
        config.resolution,
        config.generator.latent,
        config.generator.channels,
        config.generator.logit_blur,
        grows=config.progressive_images > 0,
    )


def build_any_generator(config: VoxelGanConfig) -> AnyGenerator:
    """The route's generator; the one of images mirrors the discriminator, as in DCGAN."""
    if config.route == "image":
        channels = config.discriminator.channels[::-1]
        return ImageGenerator(config.image_size, config.generator.latent, channels, grows=config.progressive_images > 0)
    return build_generator(config)


def build_proxy(config: VoxelGanConfig) -> nn.Module:
    """The proxy renderer: (occupancy [B, 1, X, Y, Z], cameras) -> images [B, 2, H, W]."""
    if config.proxy.kind == "render_net":
        settings = config.proxy
        return RenderNet(
            config.image_size, settings.channels_3d, settings.blocks_3d, settings.blocks_2d, config.channels_last
        )
    return CompositingProxy(
        config.image_size, depth=config.resolution * 5 // 4, mode=config.proxy.compositing, width=config.proxy.width
    )


def build_discriminators(config: VoxelGanConfig) -> Discriminators:
    """The judge of images, and that of silhouettes if there is one."""
    settings, grows = config.discriminator, config.progressive_images > 0
    return Discriminators(config.image_size, settings.channels, settings.spectral_norm, grows, settings.silhouette)


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


@torch.no_grad()
def update_average(average: nn.Module, current: nn.Module, decay: float) -> None:
    """EMA of the weights and of the running statistics, which belong to them; counters are copied."""
    for mean, value in zip(average.parameters(), current.parameters(), strict=True):
        mean.lerp_(value, 1.0 - decay)
    for kept, buffer in zip(average.buffers(), current.buffers(), strict=True):
        if kept.is_floating_point():
            kept.lerp_(buffer, 1.0 - decay)
        else:
            kept.copy_(buffer)
