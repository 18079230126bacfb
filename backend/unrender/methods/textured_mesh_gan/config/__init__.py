# SPDX-License-Identifier: Apache-2.0
"""The settings of a textured-mesh GAN."""

from unrender.methods.textured_mesh_gan.config.scene import BackgroundConfig, GeneratorConfig
from unrender.methods.textured_mesh_gan.config.settings import TexturedMeshGanConfig
from unrender.methods.textured_mesh_gan.config.views import RendererConfig, ViewConfig

__all__ = ["BackgroundConfig", "GeneratorConfig", "RendererConfig", "TexturedMeshGanConfig", "ViewConfig"]
