# SPDX-License-Identifier: Apache-2.0
"""The networks of a voxel GAN, as its settings say."""

from torch import nn

from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.networks.compositing_proxy import CompositingProxy
from unrender.networks.discriminators import Discriminators
from unrender.networks.image_generator import ImageGenerator
from unrender.networks.render_net import RenderNet
from unrender.networks.voxel_generator import VoxelGenerator

AnyGenerator = VoxelGenerator | ImageGenerator


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
