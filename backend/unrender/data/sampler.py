# SPDX-License-Identifier: Apache-2.0
"""The order in which a data set is shown: endless, shuffled, seeded, and resumable at any draw."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray
from torch import Tensor, from_numpy

from unrender.errors import DataError


class InfiniteSampler(Iterator[int]):
    """Draws 0..count-1 without end: every pass shows every item once, in an order of its own.

    The order is a function of (seed, pass) alone, so the state is three numbers and any position is reached at once.
    """

    def __init__(self, count: int, seed: int = 0) -> None:
        if count < 1 or seed < 0:
            raise ValueError(f"a sampler needs at least one item and a seed of at least 0, got {count} and {seed}")
        self._count = count
        self._seed = seed
        self._drawn = 0
        self._orders: dict[int, NDArray[np.int64]] = {}  # of the pass that is drawn from, and of the next

    def __next__(self) -> int:
        return int(self.draw(1)[0])

    def draw(self, size: int) -> Int64[Tensor, " size"]:
        """The next `size` items, across the ends of passes where need be."""
        return self.draw_with_passes(size)[0]

    def draw_with_passes(self, size: int) -> tuple[Int64[Tensor, " size"], Int64[Tensor, " size"]]:
        """The next `size` items, and the number of the pass, from 0, that each of them is drawn in."""
        drawn = self.peek(size)
        self._drawn += size
        return drawn

    def peek(self, size: int) -> tuple[Int64[Tensor, " size"], Int64[Tensor, " size"]]:
        """What `draw_with_passes` will return next."""
        passes, positions = np.divmod(np.arange(self._drawn, self._drawn + size), self._count)
        items = np.empty(size, np.int64)
        for current in np.unique(passes):
            chosen = passes == current
            items[chosen] = self._order_of(int(current))[positions[chosen]]
        return from_numpy(items), from_numpy(passes.astype(np.int64))

    def _order_of(self, current: int) -> NDArray[np.int64]:
        if current not in self._orders:
            # NumPy hashes the pair: neighbouring seeds and passes have unrelated orders.
            order = np.random.default_rng([self._seed, current]).permutation(self._count)
            self._orders = {known: self._orders[known] for known in self._orders if known == current - 1} | {
                current: order
            }
        return self._orders[current]

    def state_dict(self) -> dict[str, int]:
        """The state as plain integers, for a checkpoint."""
        return {"count": self._count, "seed": self._seed, "drawn": self._drawn}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Continue where `state_dict` was taken.

        Raises DataError where the data set has another number of items than the one the state belongs to.
        """
        if int(state["count"]) != self._count:
            raise DataError(
                f"The run was trained on {state['count']} images, but the data now holds {self._count}.",
                "Give the folder as it was, or start a new run.",
            )
        self._seed = int(state["seed"])
        self._drawn = int(state["drawn"])
        self._orders = {}
