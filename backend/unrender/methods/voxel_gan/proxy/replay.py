# SPDX-License-Identifier: Apache-2.0
"""Rendered pairs for the proxy's pre-training, on shapes that have nothing to do with the target class."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from unrender.data.procedural import CLASSES, make_shape
from unrender.data.shape_sets import ShapeSet
from unrender.geometry.cameras import Cameras, ViewLaw
from unrender.methods.voxel_gan.pictures.black_box import BlackBox, PendingImages
from unrender.methods.voxel_gan.pictures.loading import open_folder
from unrender.training.devices import Devices

Pairs = tuple[Bool[Tensor, "B 1 X Y Z"], Cameras, Float[Tensor, "B 2 H W"]]


class ProxyReplay:
    """Renders batches of shapes ahead of time; every `interval`-th iteration shows a new one, the others
    show an earlier one again.

    sources: of shapes, in turn. IG-GAN, section 3, has randomly sampled cubes, or ShapeNet's tables.
    devices: every process renders its share of the joint batch.

    Batch k follows from (seed, k) and the choice from (seed, iteration), so a resumed run renders what it lacks again
    and sees the very same pairs.
    """

    def __init__(
        self,
        black_box: BlackBox,
        views: ViewLaw,
        resolution: int,
        batch_size: int,
        interval: int,
        seed: int,
        sources: tuple[str, ...],
        devices: Devices,
    ) -> None:
        self._black_box, self._views, self._resolution = black_box, views, resolution
        self._batch_size, self._interval, self._seed = batch_size, interval, seed
        self._sources, self._devices = sources, devices
        self._folders: dict[str, ShapeSet] = {}
        self._rendered: dict[int, Pairs] = {}
        self._pending: dict[int, tuple[Tensor, Cameras, PendingImages]] = {}
        self.render_seconds = 0.0  # of the batch that `batch` returned last; 0 for a replayed one

    def batch(self, iteration: int) -> Pairs:
        """Binary grids, cameras and rendered images of an iteration."""
        newest, offset = divmod(iteration, self._interval)
        self.render_seconds = 0.0
        if offset > 0:
            return self._get(int(np.random.default_rng((self._seed, 1, iteration)).integers(newest + 1)))
        pairs = self._get(newest)
        self._submit(newest + 1)
        return pairs

    def _get(self, index: int) -> Pairs:
        if index not in self._rendered:
            self._submit(index)
            grid, cameras, pending = self._pending.pop(index)
            self._rendered[index] = (grid, cameras, pending.result())
            self.render_seconds = pending.render_seconds
        return self._rendered[index]

    def _submit(self, index: int) -> None:
        if index in self._pending or index in self._rendered:
            return
        rng = np.random.default_rng((self._seed, 0, index))
        names = [self._sources[k % len(self._sources)] for k in range(self._batch_size)]
        seeds = torch.tensor([int(rng.integers(2**31)) for _ in names])
        cameras = self._views.sample(self._batch_size, torch.Generator().manual_seed(int(rng.integers(2**62))))
        own = self._devices.share(torch.arange(self._batch_size)).tolist()
        shapes = [self._shape(names[k], int(seeds[k])) for k in own]
        grid = torch.from_numpy(np.stack(shapes)[:, None])
        cameras = self._devices.share(cameras)
        self._pending[index] = (grid, cameras, self._black_box.submit(grid, cameras))

    def _shape(self, source: str, seed: int) -> Bool[np.ndarray, "X Y Z"]:
        if source in CLASSES:
            return make_shape(source, seed, self._resolution)
        if source not in self._folders:
            self._folders[source] = open_folder(source, self._resolution)
        shapes = self._folders[source]
        return shapes.grids(torch.tensor([seed % len(shapes)]))[0, 0].numpy()
