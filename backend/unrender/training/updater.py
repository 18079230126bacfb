# SPDX-License-Identifier: Apache-2.0
"""What every update of a network has in common: an optimiser, micro-batches, several devices."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from unrender.training.devices import Devices

Statistics = dict[str, Tensor]
"""Numbers without a gradient, left on the device: reading each at once would make a GPU wait."""


@runtime_checkable  # so that annotations can be checked in the tests
class OptimizerSettings(Protocol):
    """What a network's settings say of its Adam."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def beta1(self) -> float: ...
    @property
    def beta2(self) -> float: ...


@dataclass(frozen=True, slots=True)
class AdamSettings:
    """`OptimizerSettings` by themselves."""

    learning_rate: float
    beta1: float
    beta2: float


class Updater:
    """Adam over one network. `begin`, any number of `add`, `finish` make one update.

    The network wants gradients only between `begin` and `finish`, so that other updates can look through it.
    """

    def __init__(self, network: nn.Module, settings: OptimizerSettings, devices: Devices, parts: int) -> None:
        self.network, self._devices, self._parts = network, devices, parts
        self._learning_rate = settings.learning_rate
        self._optimizer = torch.optim.Adam(
            network.parameters(), lr=settings.learning_rate, betas=(settings.beta1, settings.beta2)
        )
        network.requires_grad_(False)

    def begin(self) -> None:
        self.network.requires_grad_(True)
        self._optimizer.zero_grad(set_to_none=True)

    def add(self, loss: Tensor) -> None:
        """Add the gradients of a loss; those of micro-batches carry their share of the batch as a factor already."""
        self._devices.backward(loss)

    def finish(self) -> None:
        """Step with the mean gradients of all devices."""
        self._devices.average_gradients(self.network)
        self._optimizer.step()
        self.network.requires_grad_(False)

    def parts(self, count: int) -> list[slice]:
        """The micro-batches of `count` rows, of nearly equal length."""
        edges = [round(count * part / self._parts) for part in range(self._parts + 1)]
        return [slice(first, last) for first, last in pairwise(edges) if last > first]

    def set_learning_rate(self, learning_rate: float) -> None:
        self._optimizer.param_groups[0]["lr"] = learning_rate

    def slow_down(self, factor: float) -> None:
        """Use this share of the configured learning rate from now on."""
        self.set_learning_rate(self._learning_rate * factor)

    def state_dict(self) -> dict[str, Any]:
        return self._optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._optimizer.load_state_dict(state)


def add_up(total: Statistics, part: Statistics, share: float) -> None:
    """Add the statistics of a micro-batch, weighted by its share of the batch."""
    for name, value in part.items():
        total[name] = total.get(name, torch.zeros_like(value)) + share * value.detach()


def decayed(done: float, start: float) -> float:
    """The share of the configured learning rate after this share of the images: whole until `start`, then falling
    linearly to a tenth."""
    return 1.0 if done <= start else max(0.1, 1.0 - 0.9 * (done - start) / max(1.0 - start, 1e-6))
