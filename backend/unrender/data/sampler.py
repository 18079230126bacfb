# SPDX-License-Identifier: Apache-2.0
"""The order in which a data set is shown: endless, shuffled, seeded, and resumable at any draw."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int64
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
        self._pass = -1  # the pass that _order belongs to
        self._order = np.zeros(0, np.int64)

    def __next__(self) -> int:
        return int(self.draw(1)[0])

    def draw(self, size: int) -> Int64[Tensor, " size"]:
        """The next `size` items, across the ends of passes where need be."""
        items = np.empty(size, np.int64)
        for place in range(size):
            current, position = divmod(self._drawn, self._count)
            if current != self._pass:
                # NumPy hashes the pair: neighbouring seeds and passes have unrelated orders.
                self._order = np.random.default_rng([self._seed, current]).permutation(self._count)
                self._pass = current
            items[place] = self._order[position]
            self._drawn += 1
        return from_numpy(items)

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
        self._pass = -1
