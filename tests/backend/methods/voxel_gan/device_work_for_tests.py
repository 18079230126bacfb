# SPDX-License-Identifier: Apache-2.0
"""What each of several training processes does in the tests; a module of its own, so that they can import it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tests.backend.methods.voxel_gan.game_for_tests import cpu, game, pictures
from unrender.training.devices import Devices
from unrender.training.progress import CancelCheck, ProgressCallback

PRETRAINING_STEPS = 1
ADVERSARIAL_STEPS = 3
NETWORKS = ("generator", "average", "discriminator", "proxy")


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


def record_alone(
    rank: int, progress: ProgressCallback, cancelled: CancelCheck, cases: tuple[tuple[str, ...], ...]
) -> list[Recorded]:
    """Play them in one process."""
    return record_games(cpu(), progress, cancelled, cases)


def record_game(devices: Devices, overrides: tuple[str, ...]) -> Recorded:
    trained = game(*overrides, devices=devices)
    size = trained.batch_size
    every = pictures(24)
    statistics = []
    for phase in trained.phases():
        for step in range(PRETRAINING_STEPS if phase.name == "proxy" else ADVERSARIAL_STEPS):
            chosen = torch.arange(step * size, (step + 1) * size) % len(every)
            statistics.append(trained.step(phase, step * size, every[devices.share(chosen)]))
    state = trained.state_dict()
    own = torch.cat([value.float().flatten() for name in NETWORKS for value in state.get(name, {}).values()])
    joint = devices.gather(own[None])
    return Recorded(statistics, len(own) > 0 and bool((joint == joint[:1]).all()))
