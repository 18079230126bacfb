# SPDX-License-Identifier: Apache-2.0
"""Averaged generators as files: in the checkpoints of a run, or by themselves, as bundled models have them."""

from pathlib import Path
from typing import TypeVar

from torch import nn

from unrender.configuration import from_mapping, read_toml
from unrender.errors import CheckpointError, ConfigurationError
from unrender.training.checkpoint import load_checkpoint, save_checkpoint

Config = TypeVar("Config")
Generator = TypeVar("Generator", bound=nn.Module)

_AVERAGE = ("method", "average")


def training_kind(method: str) -> str:
    """What the checkpoints of a method's trainings hold, as `save_checkpoint` notes it."""
    return f"{method} training"


def generator_kind(method: str) -> str:
    """The same of a file with nothing but a generator."""
    return f"{method} generator"


def read_model_config(settings: type[Config], folder: Path) -> Config:
    """The resolved settings of a run or of a bundled model; raises CheckpointError."""
    try:
        return from_mapping(settings, read_toml(folder / "config.toml"))
    except ConfigurationError as error:
        raise CheckpointError(f"The model's config cannot be used: {error.message}", error.hint) from error


def load_average(generator: Generator, weights: Path, method: str) -> Generator:
    """Fill a fresh generator with the averaged weights of a run's checkpoint, or with those of a bundled model; ready
    to sample. Raises CheckpointError."""
    if weights.parent.name == "checkpoints":
        state = load_checkpoint(weights, training_kind(method), _AVERAGE)
    else:
        state = load_checkpoint(weights, generator_kind(method))
    try:
        generator.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(
            f"The weights {weights} do not fit the config beside them.", "Was config.toml edited after training?"
        ) from error
    return generator.eval().requires_grad_(False)


def export_average(run_checkpoint: Path, target: Path, method: str) -> None:
    """Write only the averaged generator of a training checkpoint: what a bundled model consists of."""
    save_checkpoint(target, load_checkpoint(run_checkpoint, training_kind(method), _AVERAGE), generator_kind(method))
