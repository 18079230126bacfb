# SPDX-License-Identifier: Apache-2.0
"""What each of several training processes does in the tests; a module of its own, so that they can import it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tests.backend.methods.game_for_tests import game, pictures, tiny_config
from unrender.training.devices import Devices
from unrender.training.progress import CancelCheck, ProgressCallback

PRETRAINING_STEPS = 2
ADVERSARIAL_STEPS = 4


@dataclass(frozen=True)
class Recorded:
    """statistics: one row per step. weights: of each network at the end. is_same: all processes have these weights."""

    statistics: list[dict[str, float]]
    weights: dict[str, np.ndarray[Any, np.dtype[np.float32]]]
    is_same: bool


def record_games(
    devices: Devices, progress: ProgressCallback, cancelled: CancelCheck, cases: tuple[tuple[str, ...], ...]
) -> list[Recorded]:
    """Play the first steps of games with these settings on shares of the same pictures."""
    torch.set_num_threads(1)
    return [record_game(devices, case) for case in cases]


def record_game(devices: Devices, overrides: tuple[str, ...]) -> Recorded:
    trained = game(*overrides, devices=devices)
    size = trained.batch_size
    every = pictures(24)
    statistics = []
    for phase in trained.phases():
        for step in range(PRETRAINING_STEPS if phase.name == "proxy" else ADVERSARIAL_STEPS):
            chosen = torch.arange(step * size, (step + 1) * size) % len(every)
            statistics.append(trained.step(phase, step * size, every[devices.share(chosen)]))
    weights, is_same = {}, True
    for name, network in sorted(trained._networks().items()):
        flat = torch.cat([value.float().flatten() for value in network.state_dict().values()])
        joint = devices.gather(flat[None])
        is_same &= bool((joint == joint[:1]).all())
        weights[name] = flat.numpy()
    return Recorded(statistics, weights, is_same)
