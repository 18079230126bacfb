# SPDX-License-Identifier: Apache-2.0
"""A textured-mesh GAN at toy size on the CPU, driven step by step."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import torch

from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig, load_config
from unrender.methods.textured_mesh_gan.method import TexturedMeshGan
from unrender.methods.textured_mesh_gan.sampling import TRAINING_KIND
from unrender.metrics.evaluation import Evaluation
from unrender.metrics.feature_classifier import load_feature_classifier
from unrender.training.checkpoint import load_checkpoint, save_checkpoint
from unrender.training.devices import Devices

TINY = ("precision=float32",)


def tiny_config(*overrides: str) -> TexturedMeshGanConfig:
    return load_config("textured-16", (*TINY, *overrides))


def cpu() -> Devices:
    return Devices.single("float32", torch.device("cpu"))


@functools.cache
def photographs(count: int) -> torch.Tensor:
    """Discs of one colour on white, [count, 3, 16, 16]."""
    random = torch.Generator().manual_seed(5)
    colours = torch.rand(count, 3, 1, 1, generator=random)
    radii = 4.0 + 3.0 * torch.rand(count, 1, 1, 1, generator=random)
    places = torch.arange(16) - 7.5
    inside = (places[:, None].square() + places.square()).sqrt()[None, None] < radii
    return torch.where(inside, colours, 1.0)


@functools.cache
def evaluation() -> Evaluation:
    return Evaluation(load_feature_classifier(), photographs(16))


def game(*overrides: str, devices: Devices | None = None) -> TexturedMeshGan:
    """A game with weights that follow from the seed."""
    torch.set_num_threads(1)  # networks of this size only wait for one another
    return TexturedMeshGan(tiny_config(*overrides), evaluation(), devices or cpu())


def play(trained: TexturedMeshGan, steps: int, first: int = 0) -> list[dict[str, float]]:
    """Steps on the same pictures each time."""
    size = trained.batch_size
    phase = trained.phases()[0]
    return [trained.step(phase, step * size, photographs(size)) for step in range(first, first + steps)]


def through_file(trained: TexturedMeshGan, path: Path) -> dict[str, Any]:
    """The state as a checkpoint brings it back."""
    save_checkpoint(path, trained.state_dict(), TRAINING_KIND)
    return load_checkpoint(path, TRAINING_KIND)


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def is_changed(module: torch.nn.Module, before: dict[str, torch.Tensor]) -> bool:
    return any(not torch.equal(value, before[name]) for name, value in module.state_dict().items())
