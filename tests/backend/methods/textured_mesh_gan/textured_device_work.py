# SPDX-License-Identifier: Apache-2.0
"""What each of several training processes does in the tests; a module of its own, so that they can import it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tests.backend.methods.textured_mesh_gan.textured_game_for_tests import game, photographs
from unrender.training.devices import Devices
from unrender.training.progress import CancelCheck, ProgressCallback

STEPS = 3


@dataclass(frozen=True)
class Recorded:
    """statistics: one row per step. is_same: whether all processes end with the same weights, to the bit."""

    statistics: list[dict[str, float]]
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
    every = photographs(16)
    (phase,) = trained.phases()
    statistics = []
    for step in range(STEPS):
        chosen = torch.arange(step * size, (step + 1) * size) % len(every)
        statistics.append(trained.step(phase, step * size, every[devices.share(chosen)]))
    weights = [
        value.float().flatten()
        for network in trained.players.by_name().values()
        for value in network.state_dict().values()
    ]
    own = torch.cat(weights)
    joint = devices.gather(own[None])
    return Recorded(statistics, bool((joint == joint[:1]).all()))
