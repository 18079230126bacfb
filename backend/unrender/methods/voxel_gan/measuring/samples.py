# SPDX-License-Identifier: Apache-2.0
"""What is measured: generated shapes or images, or real shapes in their place, each from a view of its own."""

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.networks import AnyGenerator
from unrender.methods.voxel_gan.pictures.black_box import BlackBox, PendingImages
from unrender.training.work import Work

_RENDERS = 64  # images per request
_SHAPES = 16  # grids per call of the generator

Threshold = float | Float[Tensor, "N"]


@runtime_checkable  # so that annotations can be checked in the tests
class Samples(Protocol):
    """grids: occupancies, or None where there are only images."""

    grids: Float32[np.ndarray, "N X Y Z"] | None

    def __len__(self) -> int: ...

    def images(self, threshold: Threshold) -> Float[Tensor, "N 2 H W"]:
        """(grey, alpha) images, of voxels above the threshold where there are grids; a tensor has one per shape."""
        ...


class GridSamples:
    """Grids through the black box."""

    def __init__(
        self, grids: Float32[np.ndarray, "N X Y Z"], cameras: Cameras, black_box: BlackBox, work: Work
    ) -> None:
        self.grids: Float32[np.ndarray, "N X Y Z"] | None = grids
        self._occupancy = torch.from_numpy(grids)[:, None]
        self.cameras, self._black_box, self._work = cameras, black_box, work
        self._rendered: dict[float, Tensor] = {}

    def __len__(self) -> int:
        return len(self._occupancy)

    def images(self, threshold: Threshold) -> Float[Tensor, "N 2 H W"]:
        """Renders; those of a number are kept."""
        if isinstance(threshold, Tensor):
            return self._render(threshold)
        if threshold not in self._rendered:
            self._rendered[threshold] = self._render(torch.full((len(self),), threshold))
        return self._rendered[threshold]

    def first(self, count: int) -> "GridSamples":
        """The first so many of them."""
        return GridSamples(self._occupancy[:count, 0].numpy(), self.cameras[:count], self._black_box, self._work)

    def _render(self, thresholds: Float[Tensor, "N"]) -> Float[Tensor, "N 2 H W"]:
        images: list[Tensor] = []
        pending: PendingImages | None = None
        for part in self._work.parts("renders", len(self), _RENDERS):
            solid = self._occupancy[part] > thresholds[part].view(-1, 1, 1, 1, 1)
            following = self._black_box.submit(solid, self.cameras[part])
            if pending is not None:
                images.append(pending.result())
            pending = following
        assert pending is not None  # there is at least one shape
        return torch.cat([*images, pending.result()])


class ImageSamples:
    """Images as a generator of images makes them."""

    grids: Float32[np.ndarray, "N X Y Z"] | None = None

    def __init__(self, images: Float[Tensor, "N 2 H W"]) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def images(self, threshold: Threshold) -> Float[Tensor, "N 2 H W"]:
        """The images, whatever the threshold."""
        return self._images


@torch.no_grad()
def draw_samples(
    generator: AnyGenerator, config: VoxelGanConfig, black_box: BlackBox, count: int, seed: int, work: Work
) -> GridSamples | ImageSamples:
    """`count` samples; number i has the latent code of seed `seed + i`, as `unrender generate` gives it."""
    outputs = []
    for part in work.parts("samples", count, _SHAPES):
        codes = [
            torch.randn(1, generator.latent, generator=torch.Generator().manual_seed(seed + i))
            for i in range(part.start, part.stop)
        ]
        outputs.append(generator(torch.cat(codes)))
    output = torch.cat(outputs)
    if config.route == "image":
        return ImageSamples(output)
    cameras = config.views.sample(count, torch.Generator().manual_seed(seed))
    return GridSamples(output[:, 0].numpy(), cameras, black_box, work)
