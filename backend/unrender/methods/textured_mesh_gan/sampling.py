# SPDX-License-Identifier: Apache-2.0
"""Textured shapes from a trained textured-mesh GAN."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.geometry.textured_shape import TexturedShape
from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig
from unrender.methods.textured_mesh_gan.networks import build_generator
from unrender.methods.textured_mesh_gan.scene import SceneTopology, textured_shape
from unrender.networks.scene_generator import SceneGenerator
from unrender.training import generator_files
from unrender.training.generator_files import export_average, generator_kind, load_average, training_kind

_METHOD = "textured_mesh_gan"
GENERATOR_KIND, TRAINING_KIND = generator_kind(_METHOD), training_kind(_METHOD)


def read_model_config(folder: Path) -> TexturedMeshGanConfig:
    """The resolved settings of a run or of a bundled model; raises CheckpointError."""
    return generator_files.read_model_config(TexturedMeshGanConfig, folder)


def load_generator(folder: Path, weights: Path) -> SceneGenerator:
    """The averaged generator of a run or of a bundled model, ready to sample; raises CheckpointError."""
    return load_average(build_generator(read_model_config(folder)), weights, _METHOD)


def export_generator(run_checkpoint: Path, target: Path) -> None:
    """Write only the averaged generator of a training checkpoint: what a bundled model consists of."""
    export_average(run_checkpoint, target, _METHOD)


@torch.no_grad()
def sample_style(generator: SceneGenerator, seed: int, variety: float = 1.0) -> Float[Tensor, "1 latent"]:
    """The style of one seed, drawn towards the mean style for a variety below 1 (StyleGAN's truncation)."""
    z = torch.randn(1, generator.latent, generator=torch.Generator().manual_seed(seed))
    return torch.lerp(generator.mean_style(), generator.mapping(z), variety)


@torch.no_grad()
def sample_shape(generator: SceneGenerator, seed: int, variety: float = 1.0) -> TexturedShape:
    """The object of one seed, computed in float32 on the CPU: the same on every machine up to rounding."""
    return shape_of_style(generator, sample_style(generator, seed, variety))


@torch.no_grad()
def shape_of_style(generator: SceneGenerator, style: Float[Tensor, "1 latent"]) -> TexturedShape:
    """The object of a style, such as one between those of two seeds."""
    return textured_shape(generator.scene(style), SceneTopology(generator.surface.cells))
