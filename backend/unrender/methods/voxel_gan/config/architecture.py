# SPDX-License-Identifier: Apache-2.0
"""Which settings decide the shapes of the weights, so that a checkpoint of other networks is refused by their names."""

from collections.abc import Mapping
from typing import Any

from unrender.configuration import to_mapping
from unrender.errors import CheckpointError
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


def architecture(config: VoxelGanConfig) -> dict[str, str]:
    """The settings that a checkpoint is bound to, by their dotted names, as text."""
    names = _EVERYWHERE + (_OF_PROXY[config.proxy.kind] if config.route == "proxy" else ())
    mapping = to_mapping(config)
    return {name: repr(_value(mapping, name)) for name in names}


def check_architecture(saved: Mapping[str, str] | None, config: VoxelGanConfig) -> None:
    """Raises CheckpointError that names the first setting in which a checkpoint and the settings differ."""
    if saved is None:
        raise CheckpointError(
            "The checkpoint was written by an older Unrender, whose training cannot be continued.",
            "It still generates; train again with another --out.",
        )
    for name, value in architecture(config).items():
        if saved.get(name, value) != value:
            raise CheckpointError(
                f"The checkpoint was trained with {name} = {saved[name]}, but the settings say {value}.",
                f"Leave {name} as it was to continue, or start a new run with another --out.",
            )


def _value(mapping: Mapping[str, Any], name: str) -> Any:
    value: Any = mapping
    for key in name.split("."):
        value = value[key]
    return value
