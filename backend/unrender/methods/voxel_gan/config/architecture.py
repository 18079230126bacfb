# SPDX-License-Identifier: Apache-2.0
"""Which settings decide the shapes of the weights, so that a checkpoint of other networks is refused by their names."""

from unrender.methods.voxel_gan.config import VoxelGanConfig

_EVERYWHERE = (
    "route",
    "resolution",
    "image_size",
    "progressive_images",
    "generator.latent",
    "generator.channels",
    "discriminator.channels",
    "discriminator.spectral_norm",
    "discriminator.silhouette",
)
_OF_PROXY = {
    "compositing": ("proxy.kind", "proxy.width"),
    "render_net": ("proxy.kind", "proxy.channels_3d", "proxy.blocks_3d", "proxy.blocks_2d"),
}


def architecture_settings(config: VoxelGanConfig) -> tuple[str, ...]:
    """The dotted names of the settings that a checkpoint is bound to."""
    return _EVERYWHERE + (_OF_PROXY[config.proxy.kind] if config.route == "proxy" else ())
