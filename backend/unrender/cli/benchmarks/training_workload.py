# SPDX-License-Identifier: Apache-2.0
"""What `unrender bench train-step` runs: games of one config with different renderers, on pictures made for them."""

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from unrender.data.procedural import make_shape
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.method import VoxelGan
from unrender.methods.voxel_gan.pictures.black_box import BlackBox, discriminator_images
from unrender.metrics.evaluation import Evaluation
from unrender.metrics.feature_classifier import load_feature_classifier
from unrender.renderers.base import FinishedRender, RenderedImages, Renderer, Shapes
from unrender.training.devices import Devices
from unrender.training.method import Phase

if TYPE_CHECKING:
    from unrender.geometry.cameras import Cameras
    from unrender.geometry.lighting import Lighting

WARM_UP_STEPS = 3


class _Wrapped:
    """A renderer in the place of another one, which belongs to somebody else."""

    differentiable = False

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def render(self, shapes: Shapes, cameras: "Cameras", lighting: "Lighting") -> RenderedImages:
        return self._renderer.render(shapes, cameras, lighting)

    def submit(self, shapes: Shapes, cameras: "Cameras", lighting: "Lighting") -> FinishedRender:
        started = time.perf_counter()
        images = self.render(shapes, cameras, lighting)
        return FinishedRender(images, time.perf_counter() - started)

    def close(self) -> None:
        """Nothing to release."""


class WaitingRenderer(_Wrapped):
    """Has every batch rendered before anything else happens: the plain loop without overlap."""


class ReplayedRenderer(_Wrapped):
    """Returns images that were rendered before: what is left of a step is the networks' time."""

    def __init__(self, renderer: Renderer, images: RenderedImages) -> None:
        super().__init__(renderer)
        self._images = images

    def render(self, shapes: Shapes, cameras: "Cameras", lighting: "Lighting") -> RenderedImages:
        rows = torch.arange(len(shapes)) % len(self._images.rgb)
        return RenderedImages(self._images.rgb[rows], self._images.alpha[rows])


class Workload:
    """Chairs, their renders, and the renderer of a config."""

    def __init__(self, config: VoxelGanConfig, renderer: Renderer, devices: Devices) -> None:
        self.config, self.renderer, self.devices = config, renderer, devices
        count = config.batch_size
        self._solids = torch.from_numpy(
            np.stack([make_shape("chair", seed, config.resolution) for seed in range(count)])[:, None]
        )
        self._cameras = config.views.sample(count, torch.Generator().manual_seed(0))
        rendered = renderer.render(self._solids, self._cameras, config.lighting)
        self.replayed = ReplayedRenderer(renderer, rendered)
        self.real = discriminator_images(rendered, config.photos.encoding)
        self._phase = Phase("adversarial", config.total_images)

    def game(self, renderer: Renderer, config: VoxelGanConfig | None = None, devices: Devices | None = None) -> "Game":
        """A training with this renderer in its loop, after some steps that do not count."""
        config = config or self.config
        black_box = BlackBox(renderer, config.lighting, config.photos.encoding)
        evaluation = Evaluation(load_feature_classifier(), self.real)
        return Game(VoxelGan(config, black_box, evaluation, devices or self.devices), self._phase, self.real)

    def render_seconds(self, batches: int) -> list[float]:
        """Of batches that are rendered while nothing else is done."""
        times = []
        for _ in range(batches):
            started = time.perf_counter()
            self.renderer.render(self._solids, self._cameras, self.config.lighting)
            times.append(time.perf_counter() - started)
        return times


class Game:
    """Steps of one training, timed."""

    def __init__(self, method: VoxelGan, phase: Phase, real: Tensor) -> None:
        self.method, self._phase, self._real = method, phase, real
        self._shown = 0
        self.statistics: list[dict[str, float]] = []
        self.train(WARM_UP_STEPS)
        self.statistics.clear()

    def train(self, steps: int) -> list[float]:
        """Seconds of each step; their statistics are added to `statistics`. No render is under way afterwards."""
        times = []
        for _ in range(steps):
            started = time.perf_counter()
            self.statistics.append(self.method.step(self._phase, self._shown, self._real))
            times.append(time.perf_counter() - started)
            self._shown += self.method.batch_size
        self.method.settle()
        return times

    def steps_per_second(self, steps: int) -> float:
        """Of so many steps."""
        return steps / sum(self.train(steps))

    def mean(self, name: str) -> float:
        """Of a statistic over all steps that count and have it; 0 if none has."""
        values: list[Any] = [step[name] for step in self.statistics if name in step]
        return float(np.mean(values)) if values else 0.0
