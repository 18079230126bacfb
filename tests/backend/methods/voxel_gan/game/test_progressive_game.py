# SPDX-License-Identifier: Apache-2.0
"""A game that begins at half the size: what changes at the switch, what does not, and that it resumes on both sides."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from tests.backend.methods.voxel_gan.game_for_tests import ROUTES, game, pictures, play, through_file
from unrender.errors import CheckpointError
from unrender.methods.voxel_gan.method import VoxelGan
from unrender.networks.voxel_generator import VoxelGenerator

GROWS = ("progressive_images=12", "batch_size=4", "total_images=24", "proxy.pretrain_images=0")  # grows after 3 steps
LATENT = torch.randn(6, 8, generator=torch.Generator().manual_seed(3))


def grids(trained: VoxelGan) -> torch.Tensor:
    """Logits of the generator as it is in training."""
    with torch.no_grad():
        generator = trained.networks.generator
        assert isinstance(generator, VoxelGenerator)
        return generator.eval().logits(LATENT)


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_trains_through_the_switch(route: str) -> None:
    trained = game(*GROWS, f"route={route}", "proxy.replay_images=6")
    records = play(trained, 6)
    assert all(math.isfinite(value) for record in records for value in record.values())
    side = trained._fakes.output.shape[-1]  # type: ignore[union-attr]
    assert side == (32 if route == "image" else 16)


def test_the_game_is_half_as_large_before_the_switch() -> None:
    trained = game(*GROWS)
    sides = []
    for step in range(5):
        play(trained, 1, first=step)
        fakes = trained._fakes
        assert fakes is not None
        sides.append((fakes.output.shape[-1], fakes.renders().shape[-1]))
    assert sides == [(8, 16)] * 3 + [(16, 32)] * 2
    assert trained.examiner.images(LATENT, trained.config.views.sample(6, torch.Generator())).shape[-1] == 32


def test_nothing_that_the_networks_compute_changes_at_the_switch() -> None:
    trained = game(*GROWS)
    play(trained, 3)
    small, images = grids(trained), pictures(8)
    trained._growth.enter(8)
    with torch.no_grad():
        rated = trained.networks.discriminator(functional.avg_pool2d(images, 2))[0]
    trained._growth.enter(12)
    wanted = functional.interpolate(small, scale_factor=2.0, mode="trilinear", align_corners=False)
    torch.testing.assert_close(grids(trained), wanted, atol=1e-5, rtol=0.0)
    with torch.no_grad():
        torch.testing.assert_close(trained.networks.discriminator(images)[0], rated, atol=1e-5, rtol=0.0)


def test_small_images_are_averages_of_large_ones_real_or_not() -> None:
    trained = game(*GROWS)
    trained._growth.enter(0)
    solids = torch.zeros(2, 1, 8, 8, 8, dtype=torch.bool)
    solids[:, :, 2:6, 3:6, 2:7] = True
    cameras = trained.config.views.sample(2, torch.Generator().manual_seed(0))
    large = trained.black_box.render(solids, cameras)
    torch.testing.assert_close(trained._growth.black_box.render(solids, cameras), functional.avg_pool2d(large, 2))
    torch.testing.assert_close(trained._growth.fit(large), functional.avg_pool2d(large, 2))


@pytest.mark.parametrize("stop", [2, 3, 4])
def test_a_run_resumes_exactly_before_at_and_behind_the_switch(stop: int, tmp_path: Path) -> None:
    options = (*GROWS, "proxy.pretrain_images=8", "proxy.replay_images=8", "augmentation_target=0.01")
    whole, first, resumed = (game(*options) for _ in range(3))
    for trained, steps in ((whole, 6), (first, stop)):
        pretraining = trained.phases()[0]
        for shown in (0, 4):
            trained.step(pretraining, shown, pictures(4))
        play(trained, steps)
    resumed.load_state_dict(through_file(first, tmp_path / "state.safetensors"))
    play(resumed, 6 - stop, first=stop)
    for name in ("generator", "average", "discriminator", "proxy"):
        expected, actual = whole.state_dict()[name], resumed.state_dict()[name]
        assert all(torch.equal(value, actual[key]) for key, value in expected.items()), name


def test_the_new_layers_learn_behind_the_switch() -> None:
    trained = game(*GROWS)
    generator, judge = trained.networks.generator, trained.networks.discriminator.judges[0]
    play(trained, 3)
    assert not generator.state_dict()["to_logits.weight"].any()
    assert not judge.state_dict()["convolutions.0.weight"].any()
    play(trained, 2, first=3)
    assert generator.state_dict()["to_logits.weight"].abs().min() > 0.0
    assert judge.state_dict()["convolutions.0.weight"].abs().min() > 0.0
    assert trained.networks.average.state_dict()["to_logits.weight"].any()


def test_render_net_grows_too() -> None:
    trained = game(*GROWS, "proxy.kind=render_net", "proxy.channels_3d=4", "proxy.blocks_3d=1", "proxy.blocks_2d=2")
    assert all(math.isfinite(value) for record in play(trained, 4) for value in record.values())


def test_the_papers_discriminator_grows_too() -> None:
    trained = game(*GROWS, "discriminator.spectral_norm=true", "discriminator.r1_gamma=0")
    assert all(math.isfinite(value) for record in play(trained, 5) for value in record.values())
    assert trained.networks.discriminator.state_dict()["judges.0.gain"] != 0.0


def test_a_run_that_grows_is_not_continued_as_one_that_does_not(tmp_path: Path) -> None:
    trained = game(*GROWS)
    play(trained, 1)
    state = through_file(trained, tmp_path / "state.safetensors")
    with pytest.raises(CheckpointError, match=r"progressive_images = 12, but the settings say 0"):
        game("batch_size=4", "total_images=24", "proxy.pretrain_images=0").load_state_dict(state)
