# SPDX-License-Identifier: Apache-2.0
"""What each setting of the game changes, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.backend.methods.voxel_gan.game_for_tests import (
    PATHS,
    CountingRenderer,
    changed,
    cpu,
    game,
    play,
    proxy_of,
    weights,
)
from unrender.data.procedural import make_shape
from unrender.geometry.surface import random_threshold
from unrender.losses.matching import pixel_loss
from unrender.methods.voxel_gan.game.fakes import draw_thresholds
from unrender.methods.voxel_gan.gradients.paths import shown_to_proxy
from unrender.methods.voxel_gan.method import VoxelGan
from unrender.methods.voxel_gan.proxy.replay import ProxyReplay
from unrender.networks.voxel_generator import VoxelGenerator


class Watched:
    """Stands in the place of a function and remembers its arguments."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, *arguments: Any) -> Any:
        self.calls.append(arguments)
        return self.function(*arguments)


def with_grey_shapes(trained: VoxelGan) -> VoxelGan:
    """A generator that starts half full, so that thresholds matter from the first step."""
    generator = trained.networks.generator
    assert isinstance(generator, VoxelGenerator)
    assert generator.to_logits.bias is not None
    with torch.no_grad():
        generator.to_logits.bias.fill_(0.0)
        generator.to_logits.weight.mul_(20.0)
    return trained


def test_a_frozen_proxy_keeps_its_weights_and_a_joint_one_does_not() -> None:
    frozen, joint = game("proxy.joint=false"), game()
    before = weights(proxy_of(frozen))
    assert not changed(proxy_of(joint), before)
    statistics = play(frozen, 3)
    play(joint, 3)
    assert not changed(proxy_of(frozen), before)
    assert changed(proxy_of(joint), before)
    assert "proxy_psnr" in statistics[0], "it is still looked at"


def test_a_frozen_proxy_is_pretrained() -> None:
    trained = game("proxy.joint=false")
    before = weights(proxy_of(trained))
    phase = trained.phases()[0]
    trained.step(phase, 0, torch.zeros(4, 2, 32, 32))
    assert phase.name == "proxy"
    assert changed(proxy_of(trained), before)


@pytest.mark.parametrize("fakes", ["renders", "proxy"])
def test_the_discriminator_sees_renders_or_the_proxys_images(fakes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = with_grey_shapes(game(f"discriminator.fakes={fakes}", "proxy.gradient=continuous"))
    play(trained, 1)
    kept = trained._fakes
    assert kept is not None
    watched = Watched(trained._discriminator.update)
    monkeypatch.setattr(trained._discriminator, "update", watched)
    with torch.no_grad():
        imitated = proxy_of(trained)(kept.output, kept.cameras)
    render = trained.black_box.render(kept.binary, kept.cameras)
    play(trained, 1, first=1)
    expected = {"renders": render, "proxy": imitated}[fakes]
    torch.testing.assert_close(watched.calls[0][2], expected)
    assert not torch.allclose(render, imitated, atol=1e-2)


def test_a_frozen_proxy_that_the_discriminator_sees_needs_no_renders() -> None:
    trained = game("discriminator.fakes=proxy", "proxy.joint=false")
    play(trained, 2)
    renderer = trained.black_box.renderer
    assert isinstance(renderer, CountingRenderer)
    assert renderer.rendered == 0


def test_without_a_matching_weight_the_proxy_learns_from_pixels_alone() -> None:
    without, weak, strong = (game(f"proxy.matching_weight={weight}") for weight in (0.0, 1.0, 100.0))
    assert "matching_loss" not in play(without, 1)[0]
    assert play(weak, 1)[0]["matching_loss"] == pytest.approx(play(strong, 1)[0]["matching_loss"])
    assert changed(proxy_of(without), weights(proxy_of(weak)))
    assert changed(proxy_of(weak), weights(proxy_of(strong)))


def test_thresholds_are_stratified_and_each_is_uniform() -> None:
    drawn = draw_thresholds(4000, 4, torch.Generator().manual_seed(0))
    assert drawn.shape == (4, 4000)
    assert torch.equal((drawn * 4).floor().sort(dim=0).values, torch.arange(4.0)[:, None].expand(-1, 4000))
    for alone in drawn:
        shares = torch.histc(alone, 8, 0.0, 1.0) / 4000
        assert (shares - 1 / 8).abs().max() < 0.03


def test_several_thresholds_lower_the_variance_of_the_target_more_than_independent_ones() -> None:
    score = torch.linspace(0.0, 1.0, 101).square()  # of the render, as a function of the threshold

    def targets(thresholds: torch.Tensor) -> torch.Tensor:
        return score[(thresholds * 100).long()].mean(dim=0)

    one = targets(draw_thresholds(4000, 1, torch.Generator().manual_seed(1)))
    four = targets(draw_thresholds(4000, 4, torch.Generator().manual_seed(2)))
    assert four.mean().item() == pytest.approx(one.mean().item(), abs=0.02)
    assert four.var() < 0.5 * one.var() / 4


def test_every_threshold_is_rendered_and_their_mean_score_is_the_target(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = with_grey_shapes(game("proxy.gradient=continuous", "proxy.matching_thresholds=3"))
    play(trained, 1)
    kept = trained._fakes
    assert kept is not None
    assert kept.threshold.shape == (3, 4)
    for level, images in zip(kept.threshold, kept.renders(), strict=True):
        solids = random_threshold(kept.output, level)
        torch.testing.assert_close(images, trained.black_box.render(solids, kept.cameras))
    with torch.no_grad():
        logits = torch.stack([trained.examiner._critic.logits(images)[:, 0] for images in kept.renders()])
        seen = trained.examiner._critic.logits(proxy_of(trained)(kept.output, kept.cameras))[:, 0]
    monkeypatch.setattr(trained._discriminator, "update", lambda *arguments: {})
    statistics = play(trained, 1, first=1)[0]
    assert statistics["matching_loss"] == pytest.approx((seen - logits.mean(0)).square().mean().item(), rel=1e-3)


@pytest.mark.parametrize("path", PATHS)
def test_pixels_are_compared_for_the_very_grid_and_threshold_of_the_render(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """x_d for two paths; for the threshold-conditioned one the soft grid of the pair (x_c, t) that x_d came from."""
    trained = with_grey_shapes(
        game(f"proxy.gradient={path}", "proxy.matching_weight=0.0", "proxy.threshold_softness=0.2")
    )
    play(trained, 1)
    kept = trained._fakes
    assert kept is not None
    exact = "straight_through" if path == "continuous" else path
    grid = shown_to_proxy(kept.output, kept.threshold[0], exact, 0.2)  # type: ignore[arg-type]
    solids = random_threshold(kept.output, kept.threshold[0])
    assert torch.equal(grid, solids.float()) == (path != "threshold_conditioned")
    with torch.no_grad():
        expected = pixel_loss(proxy_of(trained)(grid, kept.cameras), trained.black_box.render(solids, kept.cameras))
    assert play(trained, 1, first=1)[0]["proxy_loss"] == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("path", PATHS)
def test_what_the_proxy_shows_the_generator_follows_the_path(path: str) -> None:
    trained = with_grey_shapes(game(f"proxy.gradient={path}"))
    output = trained._draw_fakes().output.detach()
    cameras, threshold = trained.config.views.sample(4, torch.Generator().manual_seed(0)), torch.full((4,), 0.4)
    with torch.no_grad():
        images = trained.route.look(output, cameras, threshold)
        grid = shown_to_proxy(output, threshold, path, 0.1)  # type: ignore[arg-type]
        torch.testing.assert_close(images, proxy_of(trained)(grid, cameras))


def test_earlier_renders_are_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, replaying = (with_grey_shapes(game(f"proxy.replay_images={count}")) for count in (0, 8))
    seen = Watched(replaying._proxy._imitate)  # type: ignore[union-attr]
    monkeypatch.setattr(replaying._proxy, "_imitate", seen)
    play(plain, 1)
    play(replaying, 1)
    assert not changed(proxy_of(plain), weights(proxy_of(replaying))), "nothing to replay in the first step"
    first = replaying._proxy._buffer  # type: ignore[union-attr]
    assert first is not None
    assert len(first) == 4
    kept = {grid.numpy().tobytes() for grid in first.draw(0, 4)[0]}
    play(plain, 1, first=1)
    play(replaying, 1, first=1)
    assert changed(proxy_of(plain), weights(proxy_of(replaying)))
    replayed = seen.calls[-1][0]
    assert len(replayed) == 2
    assert all((grid > 0.5).numpy().tobytes() in kept for grid in replayed)


def test_pretraining_shows_the_classes_that_were_asked_for() -> None:
    trained = game("proxy.pretrain_shapes=chair, table")
    assert trained.config.proxy.pretrain_shapes == ("chair", "table")
    replay = ProxyReplay(
        trained.black_box, trained.config.views, 16, 4, 1, 3, trained.config.proxy.pretrain_shapes, cpu()
    )
    grids = replay.batch(0)[0]
    seeds = np.random.default_rng((3, 0, 0)).integers(2**31, size=4)
    for index, name in enumerate(("chair", "table", "chair", "table")):
        assert torch.equal(grids[index, 0], torch.from_numpy(make_shape(name, int(seeds[index]), 16)))
