# SPDX-License-Identifier: Apache-2.0
"""What a training is shown: pictures that are there, or pictures of objects that are rendered while it goes on.

A picture is asked for by its item and by the pass (epoch) that it is shown in. A still set shows the same picture in
every pass; a re-rendered one ("unlimited" in IG-GAN, section 4.2) shows the item's object from a new view that follows
from (seed, pass, item) alone, so that a resumed run sees the very same pictures.
"""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from unrender.data.shape_sets import ShapeSet
from unrender.geometry.cameras import Cameras, ViewLaw

Batch = Float[Tensor, "B C H W"]
Items = Int64[Tensor, " B"]

_EXAMPLE_BATCH = 64


@runtime_checkable  # so that annotations can be checked in the tests
class TrainingPictures(Protocol):
    """A set of pictures of one size, on the CPU; premultiplied, alpha last."""

    waited_seconds: float  # that the last `batch` waited for a renderer

    def __len__(self) -> int: ...

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a picture."""
        ...

    def batch(self, items: Items, passes: Items) -> Batch:
        """The pictures of these items in these passes."""
        ...

    def prefetch(self, items: Items, passes: Items) -> None:
        """Say which batch will be asked for next, so that it can be rendered meanwhile; returns at once."""
        ...

    def examples(self, count: int) -> Batch:
        """At most `count` pictures, evenly spread over the set, the same ones each time: for sheets and measures."""
        ...

    def close(self) -> None:
        """Stop rendering ahead. The renderer itself belongs to the caller."""
        ...


@runtime_checkable
class PendingPictures(Protocol):
    def result(self) -> Batch:
        """Wait for the pictures."""
        ...


@runtime_checkable
class PictureRenderer(Protocol):
    """Binary grids to pictures as the discriminator sees them."""

    def submit(self, grid: Bool[Tensor, "B 1 X Y Z"], cameras: Cameras) -> PendingPictures: ...


class StillPictures:
    """Pictures in memory."""

    def __init__(self, images: Float[Tensor, "N C H W"]) -> None:
        self.images = images
        self.waited_seconds = 0.0

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def batch(self, items: Items, passes: Items) -> Batch:
        """The pictures of these items, whatever the pass."""
        return self.images[items]

    def prefetch(self, items: Items, passes: Items) -> None:
        """Nothing to do: the pictures are there."""

    def examples(self, count: int) -> Batch:
        """At most `count` pictures, evenly spread over the set."""
        return self.images[spread(len(self), count)]

    def close(self) -> None:
        """Nothing to stop."""


class RerenderedPictures:
    """Item k shows object `k // views_per_object`, in every pass from a new view of the law.

    `prefetch` hands grids and views to the renderer from a thread of its own. shape: channels, height and width of its
    pictures. Announce only what will be asked for: a batch is kept until then.
    """

    def __init__(
        self,
        shapes: ShapeSet,
        views_per_object: int,
        law: ViewLaw,
        seed: int,
        renderer: PictureRenderer,
        shape: tuple[int, int, int],
    ) -> None:
        self._shapes, self._views_per_object = shapes, views_per_object
        self._law, self._seed, self._renderer, self._shape = law, seed, renderer, shape
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._pending: dict[tuple[tuple[int, ...], tuple[int, ...]], Future[PendingPictures]] = {}
        self._examples: dict[int, Batch] = {}
        self.waited_seconds = 0.0

    def __len__(self) -> int:
        return len(self._shapes) * self._views_per_object

    @property
    def shape(self) -> tuple[int, int, int]:
        return self._shape

    def batch(self, items: Items, passes: Items) -> Batch:
        """The pictures of these items in these passes, rendered now where they were not announced."""
        started = time.perf_counter()
        self.prefetch(items, passes)
        pictures = self._pending.pop(_key(items, passes)).result().result()
        self.waited_seconds = time.perf_counter() - started
        return pictures

    def prefetch(self, items: Items, passes: Items) -> None:
        """Begin to render a batch."""
        key = _key(items, passes)
        if key not in self._pending:
            self._pending[key] = self._thread.submit(self._submit, items.clone(), passes.clone())

    def examples(self, count: int) -> Batch:
        """At most `count` items, evenly spread, from their views in pass 0."""
        if count not in self._examples:
            items = spread(len(self), count)
            parts = [self.batch(part, torch.zeros_like(part)) for part in items.split(_EXAMPLE_BATCH)]
            self._examples[count] = torch.cat(parts)
        return self._examples[count]

    def close(self) -> None:
        """Forget what was announced."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._pending.clear()

    @torch.no_grad()
    def _submit(self, items: Items, passes: Items) -> PendingPictures:
        grids = self._shapes.grids(items // self._views_per_object)
        return self._renderer.submit(grids, views_of(self._law, self._seed, items, passes))


def views_of(law: ViewLaw, seed: int, items: Items, passes: Items) -> Cameras:
    """The views that items are seen from in passes: a function of (seed, pass, item) alone."""
    pairs = zip(passes.tolist(), items.tolist(), strict=True)
    uniform = np.stack([np.random.default_rng((seed, *pair)).random(2, np.float32) for pair in pairs], axis=1)
    return law.at(torch.from_numpy(uniform))


def spread(length: int, count: int) -> Int64[Tensor, " N"]:
    """At most `count` of the numbers 0 to `length - 1`, evenly spread, in ascending order."""
    return torch.linspace(0, length - 1, min(length, count), dtype=torch.float64).round().long()


def _key(items: Items, passes: Items) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(items.tolist()), tuple(passes.tolist())
