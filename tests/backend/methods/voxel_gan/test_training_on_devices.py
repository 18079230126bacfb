# SPDX-License-Identifier: Apache-2.0
"""Two processes play the very game of one process with the joined batch."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.backend.methods.voxel_gan.device_work_for_tests import Recorded, record_alone, record_game, record_games
from tests.backend.methods.voxel_gan.game_for_tests import cpu, game
from unrender.errors import CancelledError, ConfigurationError
from unrender.methods import train
from unrender.methods.voxel_gan.sampling import TRAINING_KIND
from unrender.training.checkpoint import load_checkpoint
from unrender.training.launch import Layout, launch
from unrender.training.process_group import ProcessGroup
from unrender.training.progress import Progress, ignore_progress, never_cancelled
from unrender.training.run_folder import RunFolder

# R1 falls on the first step of each. RenderNet begins with gradients near nought, whose noise Adam makes as large as
# any: small steps keep that out of the losses.
GAMES = {
    "straight-through": ("discriminator.r1_interval=2",),
    "continuous, RenderNet": (
        "proxy.gradient=continuous",
        "proxy.kind=render_net",
        "proxy.pretrain_learning_rate=1e-5",
        "proxy.learning_rate=1e-5",
        "proxy.matching_thresholds=2",
    ),
    "options": (
        "proxy.gradient=threshold_conditioned+band",
        "discriminator.spectral_norm=true",
        "discriminator.silhouette=true",
        "augmentation_target=0.6",
        "proxy.pretrain_images=0",
        "accumulation=2",
    ),
}


@pytest.fixture(scope="module")
def two() -> dict[str, Recorded]:
    recorded = launch(record_games, (tuple(GAMES.values()),), Layout(2), "float32", ignore_progress, never_cancelled)
    assert recorded is not None
    return dict(zip(GAMES, recorded, strict=True))


def assert_same_steps(actual: Recorded, expected: Recorded) -> None:
    assert len(actual.statistics) == len(expected.statistics)
    for step, (ours, theirs) in enumerate(zip(actual.statistics, expected.statistics, strict=True)):
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            if not name.endswith("_seconds"):
                assert math.isclose(ours[name], value, rel_tol=1e-5, abs_tol=1e-6), f"step {step}: {name}"


@pytest.mark.parametrize("game", GAMES)
def test_two_processes_see_the_losses_of_one(game: str, two: dict[str, Recorded]) -> None:
    assert_same_steps(two[game], record_game(cpu(), GAMES[game]))


@pytest.mark.parametrize("game", GAMES)
def test_all_processes_end_with_the_same_weights(game: str, two: dict[str, Recorded]) -> None:
    assert two[game].is_same


@pytest.mark.parametrize("settings", [("discriminator.spectral_norm=true",), ("proxy.gradient=continuous+band",)])
def test_two_half_batches_add_up_to_one_batch_with_batch_norm_too(settings: tuple[str, ...]) -> None:
    assert_same_steps(record_game(cpu(), (*settings, "accumulation=2")), record_game(cpu(), settings))


@pytest.mark.slow  # torch compiles dozens of functions with the machine's C++ compiler
def test_compiled_networks_play_the_same_game() -> None:
    plain = ("discriminator.spectral_norm=true",)
    # In a process of its own, where shapes are not checked: torch cannot compile the checks.
    games = ProcessGroup(1, record_alone, ((plain, (*plain, "compile=true")),), ignore_progress, never_cancelled).run()
    assert_same_steps(*games)


def test_a_batch_that_the_processes_cannot_share_is_one_sentence() -> None:
    devices = cpu()
    devices.world = 4
    with pytest.raises(ConfigurationError, match=r"batch_size is 12, .* 4 processes .* = 2 .*multiple of 8"):
        game("batch_size=12", "accumulation=2", devices=devices)


def test_a_run_of_two_processes_stops_and_goes_on_with_one(
    tiny: tuple[str, ...], pictures: Path, tmp_path: Path
) -> None:
    settings = (*tiny, "precision=float32", "generator.learning_rate=1e-4")
    alone = train("voxel_gan", "iggan-32", pictures, tmp_path / "alone", settings)
    stopped = tmp_path / "stopped"
    phases: list[str] = []

    def note(report: Progress) -> None:
        phases.append(report.phase)

    stop = (note, lambda: "adversarial" in phases)
    with pytest.raises(CancelledError, match="--resume"):
        train("voxel_gan", "iggan-32", pictures, stopped, settings, False, *stop, devices=2)
    kept = RunFolder(stopped).newest_checkpoint()
    assert 16 < int(kept.stem.removeprefix("images-")) < 48
    resumed = train("voxel_gan", "iggan-32", pictures, stopped, (), True)
    expected, actual = (
        load_checkpoint(run.newest_checkpoint(), TRAINING_KIND, ("method", "generator")) for run in (alone, resumed)
    )
    for name, value in expected.items():
        assert np.allclose(value.numpy(), actual[name].numpy(), atol=1e-4), name
    assert [path.name for path in (stopped / "samples").iterdir()] == [
        path.name for path in (alone.path / "samples").iterdir()
    ]
