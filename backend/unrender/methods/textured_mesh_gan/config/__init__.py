# SPDX-License-Identifier: Apache-2.0
"""The settings of a textured-mesh GAN, and the presets by name."""

from unrender.methods.textured_mesh_gan.config.game import DiscriminatorConfig, PhotoConfig, WatchConfig
from unrender.methods.textured_mesh_gan.config.scene import BackgroundConfig, GeneratorConfig
from unrender.methods.textured_mesh_gan.config.settings import (
    TexturedMeshGanConfig,
    load_config,
    network_threads,
    preset_names,
)
from unrender.methods.textured_mesh_gan.config.views import RendererConfig, ViewConfig

__all__ = [
    "BackgroundConfig",
    "DiscriminatorConfig",
    "GeneratorConfig",
    "PhotoConfig",
    "RendererConfig",
    "TexturedMeshGanConfig",
    "ViewConfig",
    "WatchConfig",
    "load_config",
    "network_threads",
    "preset_names",
]
