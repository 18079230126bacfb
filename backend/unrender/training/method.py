# SPDX-License-Identifier: Apache-2.0
"""What a system has to offer so that the one training loop can drive it."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of training with its own updates; `images` is its length in images shown."""

    name: str
    images: int


@runtime_checkable
class Method(Protocol):
    """A trainable system. All state that a resumed run needs goes through `state_dict`."""

    batch_size: int
    sheet_pictures: int  # real ones that a sheet of samples takes

    def phases(self) -> tuple[Phase, ...]:
        """In the order in which they run."""
        ...

    def step(self, phase: Phase, shown: int, real: Float[Tensor, "B C H W"]) -> dict[str, float]:
        """One update of every network; `shown` images of this phase came before. Returns statistics.

        real: this process' share of the joint batch. The statistics are those of the joint batch, so that all processes
        draw the same conclusions, but for seconds.
        """
        ...

    def sample_sheet(self, real: Float[Tensor, "B C H W"]) -> NDArray[np.uint8]:
        """A picture [H, W, 3] of fixed samples, the last row real."""
        ...

    def evaluate(self) -> dict[str, float]:
        """Metrics of the averaged model, on random numbers of their own."""
        ...

    def complaint(self, statistics: dict[str, float]) -> str | None:
        """A sentence if the run has collapsed in a way that the statistics show, else None."""
        ...

    def is_well(self) -> bool:
        """Whether the newest statistics show no sign of a collapse: a checkpoint of now is worth going back to."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Nested dictionaries of tensors, numbers and strings."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        ...
