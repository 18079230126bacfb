# SPDX-License-Identifier: Apache-2.0
"""Runs that have died are noticed: numbers that are none, empty shapes, the same shape for everything."""

from __future__ import annotations

import math

import pytest
import torch

from tests.backend.methods.voxel_gan.game_for_tests import ROUTES, game, pictures, play
from unrender.methods.voxel_gan.game import collapse
from unrender.methods.voxel_gan.game.collapse import CollapseWatch

HEALTHY = {"occupancy": 0.1, "coverage": 0.2, "diversity": 0.05}
DYING = {"empty": {"occupancy": 0.0, "coverage": 0.0}, "same": {"diversity": 0.0}}


@pytest.mark.parametrize("network", ["generator", "discriminator", "proxy"])
def test_a_weight_that_is_no_number_shows_in_the_statistics_of_the_next_step(network: str) -> None:
    trained = game("proxy.pretrain_images=0")
    assert all(math.isfinite(value) for value in play(trained, 1)[0].values())
    with torch.no_grad():
        next(getattr(trained.networks, network).parameters())[0] = math.nan
    bad = {name for name, value in play(trained, 1, first=1)[0].items() if not math.isfinite(value)}
    assert bad


def test_a_picture_that_is_no_number_shows_at_once() -> None:
    trained = game("proxy.pretrain_images=0")
    real = pictures(4).clone()
    real[1, 0, 5, 5] = math.nan
    statistics = trained.step(trained.phases()[-1], 0, real)
    assert not math.isfinite(statistics["discriminator_loss"])


@pytest.mark.parametrize("route", ROUTES)
def test_a_generator_that_makes_the_same_for_every_z_is_noticed(route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collapse, "_PATIENCE_IMAGES", 8)
    trained = game(f"route={route}", "proxy.pretrain_images=0", "generator.learning_rate=0.0")
    with torch.no_grad():
        for name, value in trained.networks.generator.named_parameters():
            if name == "features.0.weight":
                value.zero_()  # z has no effect
            elif name in ("to_logits.bias", "to_image.bias"):
                value.fill_(1.0)  # nothing is empty
    first, second = (trained.complaint(statistics) for statistics in play(trained, 2))
    assert first is None
    thing = "image" if route == "image" else "shape"
    assert second is not None
    assert second.startswith(f"the generator has made the same {thing} for every z for 8 images: lower ")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("state", DYING)
def test_only_what_lasts_is_a_collapse(route: str, state: str) -> None:
    watch = CollapseWatch(route, 16)
    dying = HEALTHY | DYING[state]
    for _ in range(599):
        assert watch.complaint(dying) is None
    complaint = watch.complaint(dying)
    assert complaint is not None
    assert "for 9600 images" in complaint
    recovering = CollapseWatch(route, 16)
    for _ in range(599):
        assert recovering.complaint(dying) is None
    assert recovering.complaint(HEALTHY) is None
    assert recovering.complaint(dying) is None


def test_a_resumed_run_goes_on_counting() -> None:
    watch, resumed = CollapseWatch("proxy", 16), CollapseWatch("proxy", 16)
    for _ in range(599):
        watch.complaint(HEALTHY | DYING["empty"])
    resumed.load_state_dict(watch.state_dict())
    assert resumed.complaint(HEALTHY | DYING["empty"]) is not None


def test_steps_that_do_not_look_are_no_evidence() -> None:
    watch = CollapseWatch("proxy", 9600)
    assert watch.complaint({"proxy_loss": 1.0}) is None


@pytest.mark.parametrize("route", ["visual_hull", "proxy"])
def test_a_faint_haze_is_empty_only_for_who_renders_solids(route: str) -> None:
    """A closed form sees what is far below the threshold, and its gradient brings it back."""
    complaint = CollapseWatch(route, 9600).complaint({"occupancy": 0.0, "coverage": 0.2, "diversity": 0.01})
    assert (complaint is None) == (route == "visual_hull")
