# SPDX-License-Identifier: Apache-2.0
"""The settings of a voxel GAN, and the presets by name."""

from unrender.methods.voxel_gan.config.networks import DiscriminatorConfig, GeneratorConfig, ProxyConfig
from unrender.methods.voxel_gan.config.pictures import DataConfig, PhotoConfig, RendererConfig
from unrender.methods.voxel_gan.config.settings import Route, VoxelGanConfig, load_config, network_threads, preset_names

__all__ = [
    "DataConfig",
    "DiscriminatorConfig",
    "GeneratorConfig",
    "PhotoConfig",
    "ProxyConfig",
    "RendererConfig",
    "Route",
    "VoxelGanConfig",
    "load_config",
    "network_threads",
    "preset_names",
]
