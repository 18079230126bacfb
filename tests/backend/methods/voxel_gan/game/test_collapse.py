# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from tests.backend.methods.voxel_gan.game_for_tests import game, play
from unrender.methods.voxel_gan.game import collapse
from unrender.methods.voxel_gan.game.collapse import CollapseWatch

HEALTHY = {"occupancy": 0.05, "coverage": 0.2, "diversity": 0.1}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collapse, "_PATIENCE_IMAGES", 12)


def complaints(route: str, *statistics: dict[str, float]) -> list[str | None]:
    watch = CollapseWatch(route, 4)
    return [watch.complaint(HEALTHY | step) for step in statistics]


@pytest.mark.parametrize(
    ("route", "sign", "said"),
    [
        ("proxy", {"occupancy": 0.0}, "empty shapes for 12 images.*straight_through"),
        ("visual_hull", {"coverage": 0.0}, "empty shapes for 12 images: lower discriminator"),
        ("image", {"coverage": 0.0}, "empty images for 12 images"),
        ("proxy", {"diversity": 0.0}, "the same shape for every z for 12 images"),
        ("image", {"diversity": 0.0}, "the same image for every z"),
    ],
)
def test_a_state_of_death_that_lasts_is_said(route: str, sign: dict[str, float], said: str) -> None:
    *before, last = complaints(route, sign, sign, sign)
    assert before == [None, None]
    assert last is not None
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(last)


def test_a_sign_of_life_begins_the_count_again() -> None:
    dead = {"occupancy": 0.0}
    assert complaints("proxy", dead, dead, {}, dead, dead) == [None] * 5


def test_a_haze_is_not_empty_for_a_closed_form_and_a_missing_statistic_is_no_sign() -> None:
    haze = {"occupancy": 0.0, "coverage": 0.3}
    assert complaints("absorption", haze, haze, haze) == [None] * 3
    assert CollapseWatch("proxy", 100).complaint({"proxy_loss": 1.0}) is None


def test_the_count_is_part_of_the_state() -> None:
    first, second = CollapseWatch("proxy", 4), CollapseWatch("proxy", 4)
    for _ in range(2):
        first.complaint(HEALTHY | {"occupancy": 0.0})
    second.load_state_dict(first.state_dict())
    assert second.complaint(HEALTHY | {"occupancy": 0.0}) is not None


@pytest.mark.parametrize(
    ("route", "said_to_be"), [("proxy", "empty shapes"), ("visual_hull", "the same shape"), ("image", "the same image")]
)
def test_a_dead_generator_is_noticed_in_the_game(route: str, said_to_be: str) -> None:
    trained = game(f"route={route}", "generator.learning_rate=0.0")
    for parameter in trained.networks.generator.parameters():
        torch.nn.init.constant_(parameter, 0.0)
    said = [trained.complaint(statistics) for statistics in play(trained, 3)]
    assert said[:2] == [None, None]
    assert said[2] is not None
    assert said_to_be in said[2]
