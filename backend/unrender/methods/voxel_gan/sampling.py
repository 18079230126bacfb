# SPDX-License-Identifier: Apache-2.0
"""Occupancy grids from a trained voxel GAN."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from unrender.errors import CheckpointError
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.networks import AnyGenerator, build_any_generator
from unrender.networks.voxel_generator import VoxelGenerator
from unrender.training import generator_files
from unrender.training.generator_files import export_average, generator_kind, load_average, training_kind

_METHOD = "voxel_gan"
GENERATOR_KIND, TRAINING_KIND = generator_kind(_METHOD), training_kind(_METHOD)


def read_model_config(folder: Path) -> VoxelGanConfig:
    """The resolved settings of a run or of a bundled model; raises CheckpointError."""
    return generator_files.read_model_config(VoxelGanConfig, folder)


def load_generator(folder: Path, weights: Path) -> VoxelGenerator:
    """The averaged generator of shapes of a run or of a bundled model, ready to sample; raises CheckpointError."""
    config = read_model_config(folder)
    if config.route == "image":
        raise CheckpointError(
            f'The model {folder} was trained with route = "image": it makes images, and has no shapes to generate.',
            "Train with another route, or look at its samples.",
        )
    generator = load_any_generator(weights, config)
    assert isinstance(generator, VoxelGenerator)
    return generator


def load_any_generator(weights: Path, config: VoxelGanConfig) -> AnyGenerator:
    """The averaged generator of any route, whether of shapes or of images; raises CheckpointError."""
    return load_average(build_any_generator(config), weights, _METHOD)


def export_generator(run_checkpoint: Path, target: Path) -> None:
    """Write only the averaged generator of a training checkpoint: what a bundled model consists of."""
    export_average(run_checkpoint, target, _METHOD)


def sample_occupancy(generator: VoxelGenerator, seed: int, variety: float = 1.0) -> Float32[np.ndarray, "X Y Z"]:
    """The occupancy grid of one seed, in float32 on the CPU: the same on every machine up to rounding."""
    return _occupancy(generator, _code(generator, seed) * variety)


def sample_between(
    generator: VoxelGenerator, first: int, second: int, share: float, variety: float = 1.0
) -> Float32[np.ndarray, "X Y Z"]:
    """A grid on the way from that of one seed (share 0) to that of another (1): along the arc between their codes, for
    in many dimensions those of the normal distribution lie near a sphere (White, Sampling Generative Networks, 2016).
    """
    one, other = _code(generator, first), _code(generator, second)
    angle = torch.arccos(torch.cosine_similarity(one, other).clamp(-1.0, 1.0))
    if float(angle.sin()) < 1e-4:  # a straight line, where there is no arc or no one arc
        return _occupancy(generator, torch.lerp(one, other, share) * variety)
    shares = torch.sin((1.0 - share) * angle), torch.sin(share * angle)
    return _occupancy(generator, (shares[0] * one + shares[1] * other) / angle.sin() * variety)


def _code(generator: VoxelGenerator, seed: int) -> Float[Tensor, "1 latent"]:
    return torch.randn(1, generator.latent, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def _occupancy(generator: VoxelGenerator, z: Float[Tensor, "1 latent"]) -> Float32[np.ndarray, "X Y Z"]:
    return generator(z)[0, 0].numpy()
