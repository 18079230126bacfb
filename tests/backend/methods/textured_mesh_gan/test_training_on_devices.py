# SPDX-License-Identifier: Apache-2.0
"""Two processes play the very game of one process with the joined batch."""

from __future__ import annotations

import math

import pytest

from tests.backend.methods.textured_mesh_gan.textured_device_work import Recorded, record_game, record_games
from tests.backend.methods.textured_mesh_gan.textured_game_for_tests import cpu
from unrender.training.launch import Layout, launch
from unrender.training.progress import ignore_progress, never_cancelled

# Small steps: Adam makes the noise of gradients near nought as large as any.
_SLOW = ("generator.learning_rate=1e-4", "discriminator.learning_rate=1e-4", "views.learning_rate=1e-4")
GAMES = {
    "as it is": ("augmentation_target=0.0", *_SLOW),
    "options": ("views.learned=true", "laplacian=0.01", "augmentation_target=0.3", "total_images=16", *_SLOW),
}


@pytest.fixture(scope="module")
def two() -> dict[str, Recorded]:
    recorded = launch(record_games, (tuple(GAMES.values()),), Layout(2), "float32", ignore_progress, never_cancelled)
    assert recorded is not None
    return dict(zip(GAMES, recorded, strict=True))


@pytest.mark.parametrize("name", GAMES)
def test_two_processes_see_the_losses_of_one(name: str, two: dict[str, Recorded]) -> None:
    alone = record_game(cpu(), GAMES[name])
    for step, (ours, theirs) in enumerate(zip(two[name].statistics, alone.statistics, strict=True)):
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            if not key.endswith("_seconds"):
                assert math.isclose(ours[key], value, rel_tol=1e-4, abs_tol=1e-5), f"step {step}: {key}"


@pytest.mark.parametrize("name", GAMES)
def test_all_processes_end_with_the_same_weights(name: str, two: dict[str, Recorded]) -> None:
    assert two[name].is_same
