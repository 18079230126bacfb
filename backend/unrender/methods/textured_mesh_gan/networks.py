# SPDX-License-Identifier: Apache-2.0
"""The generator of a textured-mesh GAN, as its settings say."""

import torch

from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig
from unrender.networks.modulated_convolutions import EqualisedLinear, MappingNetwork
from unrender.networks.octahedral_surface import OctahedralSurface
from unrender.networks.scene_generator import BackgroundGenerator, SceneGenerator, SphereGenerator

_HARMONICS = 8  # of degrees 1 and 2


def build_generator(config: TexturedMeshGanConfig) -> SceneGenerator:
    """A generator of scenes with fresh weights."""
    settings = config.generator
    return SceneGenerator(
        MappingNetwork(settings.latent, settings.mapping_layers),
        SphereGenerator(settings.channels, settings.latent, settings.shape_size, settings.pyramid),
        OctahedralSurface(settings.mesh_cells, settings.radius, settings.smoothing, settings.size_constraint),
        BackgroundGenerator(config.background.channels, settings.latent, config.views.goes_around),
        _light(settings.latent) if settings.light else None,
    )


def _light(style: int) -> EqualisedLinear:
    """Weak at first: no side of a fresh scene is black."""
    light = EqualisedLinear(style, _HARMONICS)
    with torch.no_grad():
        light.weight.mul_(0.25)
    return light
