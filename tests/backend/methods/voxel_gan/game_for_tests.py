# SPDX-License-Identifier: Apache-2.0
"""A voxel GAN at toy size on the CPU, driven step by step, with a black box that counts what it renders."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.backend.conftest import TINY
from unrender.data.procedural import make_shape
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting
from unrender.methods.voxel_gan.config import VoxelGanConfig, load_config
from unrender.methods.voxel_gan.method import VoxelGan
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.sampling import TRAINING_KIND
from unrender.metrics.evaluation import Evaluation
from unrender.metrics.feature_classifier import load_feature_classifier
from unrender.renderers.base import PendingRender, RenderedImages, Shapes
from unrender.renderers.off_the_shelf.ray_march_renderer import RayMarchRenderer
from unrender.training.checkpoint import load_checkpoint, save_checkpoint
from unrender.training.devices import Devices

ROUTES = ("proxy", "visual_hull", "absorption", "emission_absorption", "image")
PATHS = ("straight_through", "continuous", "threshold_conditioned")


class CountingRenderer:
    """A ray march that remembers how many solids it was given."""

    differentiable = False

    def __init__(self, size: int) -> None:
        self._renderer = RayMarchRenderer(size)
        self.rendered = 0

    def render(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> RenderedImages:
        self.rendered += len(shapes)
        return self._renderer.render(shapes, cameras, lighting)

    def submit(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> PendingRender:
        self.rendered += len(shapes)
        return self._renderer.submit(shapes, cameras, lighting)

    def close(self) -> None:
        self._renderer.close()


def tiny_config(*overrides: str) -> VoxelGanConfig:
    return load_config("iggan-32", (*TINY, *overrides))


def cpu() -> Devices:
    return Devices.single("float32", torch.device("cpu"))


@functools.cache
def _evaluation() -> Evaluation:
    return Evaluation(load_feature_classifier(), pictures(16))


def game(*overrides: str, devices: Devices | None = None) -> VoxelGan:
    """A game with weights that follow from the seed; its black box is a `CountingRenderer`."""
    torch.set_num_threads(1)  # networks of this size only wait for one another
    config = tiny_config(*overrides)
    black_box = BlackBox(CountingRenderer(config.image_size), config.lighting, config.photos.encoding)
    return VoxelGan(config, black_box, _evaluation(), devices or cpu())


@functools.cache
def pictures(count: int) -> torch.Tensor:
    """(grey, alpha) renders of chairs, [count, 2, 32, 32]."""
    config = tiny_config()
    grids = torch.from_numpy(np.stack([make_shape("chair", seed, 16) for seed in range(count)])[:, None])
    cameras = config.views.sample(count, torch.Generator().manual_seed(5))
    return BlackBox(RayMarchRenderer(32), config.lighting, "linear").render(grids, cameras)


def play(trained: VoxelGan, steps: int, first: int = 0) -> list[dict[str, float]]:
    """Steps of the adversarial phase on the same pictures each time."""
    phase = trained.phases()[-1]
    real = pictures(trained.batch_size)
    size = trained.batch_size
    return [trained.step(phase, step * size, real) for step in range(first, first + steps)]


def proxy_of(trained: VoxelGan) -> torch.nn.Module:
    assert trained.networks.proxy is not None
    return trained.networks.proxy


def weights(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def changed(module: torch.nn.Module, before: dict[str, torch.Tensor]) -> bool:
    return any(not torch.equal(value, before[name]) for name, value in module.state_dict().items())


def through_file(trained: VoxelGan, path: Path) -> dict[str, Any]:
    """The state as a checkpoint brings it back."""
    save_checkpoint(path, trained.state_dict(), TRAINING_KIND)
    return load_checkpoint(path, TRAINING_KIND)
