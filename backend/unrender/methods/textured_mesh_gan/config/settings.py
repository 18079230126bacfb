# SPDX-License-Identifier: Apache-2.0
"""The settings of a textured-mesh GAN."""

from dataclasses import dataclass, field

from unrender.methods.textured_mesh_gan.config.scene import BackgroundConfig, GeneratorConfig
from unrender.methods.textured_mesh_gan.config.views import RendererConfig, ViewConfig


@dataclass(frozen=True, slots=True)
class TexturedMeshGanConfig:
    image_size: int = 64
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    background: BackgroundConfig = field(default_factory=BackgroundConfig)
    views: ViewConfig = field(default_factory=ViewConfig)
    renderer: RendererConfig = field(default_factory=RendererConfig)
