# SPDX-License-Identifier: Apache-2.0
"""What the options of the game do: R3GAN, augmentation, silhouettes, feature matching; each resumes exactly."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.backend.methods.voxel_gan.game_for_tests import (
    PATHS,
    ROUTES,
    changed,
    cpu,
    game,
    pictures,
    play,
    through_file,
    weights,
)
from unrender.data.procedural import make_shape
from unrender.geometry.cameras import Cameras
from unrender.losses.augmentation import draw_augmentation
from unrender.methods.voxel_gan.game.critic import Critic, Judge
from unrender.methods.voxel_gan.game.fakes import Fakes
from unrender.methods.voxel_gan.method import VoxelGan
from unrender.methods.voxel_gan.networks import build_discriminators, build_proxy
from unrender.methods.voxel_gan.proxy.update import ProxyUpdate
from unrender.training.augmenter import Augmenter

ALL = (
    "adversarial_loss=r3gan",
    "augmentation_target=0.01",
    "discriminator.silhouette=true",
    "proxy.matching_score=features",
    "proxy.pretrain_images=0",
)


class PerfectProxy(nn.Module):
    """Makes the black box's images."""

    def __init__(self, trained: VoxelGan) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self._black_box = trained.black_box

    def forward(self, grid: torch.Tensor, cameras: Cameras) -> torch.Tensor:
        return self._black_box.render(grid > 0.5, cameras) + 0.0 * self.weight


def chairs(trained: VoxelGan) -> Fakes:
    """A generated batch of solid shapes and its renders."""
    output = torch.from_numpy(np.stack([make_shape("chair", seed, 16) for seed in range(4)])[:, None]).float()
    cameras = trained.config.views.sample(4, torch.Generator().manual_seed(0))
    fakes = Fakes(output, cameras, torch.full((1, 4), 0.5))
    fakes.submit(trained.black_box)
    return fakes


@pytest.mark.parametrize("route", ROUTES)
def test_all_options_together_train_on_every_route(route: str) -> None:
    trained = game(*ALL, f"route={route}")
    before = weights(trained.networks.discriminator), weights(trained.networks.generator)
    records = play(trained, 3)
    assert all(math.isfinite(value) for record in records for value in record.values())
    assert changed(trained.networks.discriminator, before[0])
    assert changed(trained.networks.generator, before[1])
    assert {"r1", "r2", "augmentation"} <= set(records[0])


@pytest.mark.parametrize("path", PATHS)
def test_a_game_with_all_options_resumes_exactly(path: str, tmp_path: Path) -> None:
    options: tuple[str, ...] = (*ALL, f"proxy.gradient={path}", "discriminator.r1_interval=2", "total_images=160")
    options += ("proxy.matching_thresholds=2",) if path == "continuous" else ()
    whole = game(*options)
    play(whole, 5)
    first = game(*options)
    play(first, 2)
    resumed = game(*options)
    resumed.load_state_dict(through_file(first, tmp_path / "state.safetensors"))
    play(resumed, 3, first=2)
    assert resumed.state_dict()["augmentation"] == whole.state_dict()["augmentation"]
    assert 0.0 < resumed.state_dict()["augmentation"]["probability"] <= 0.8
    for name in ("generator", "average", "discriminator", "proxy"):
        expected, actual = whole.state_dict()[name], resumed.state_dict()[name]
        assert all(torch.equal(value, actual[key]) for key, value in expected.items()), name


def test_r3gan_does_not_depend_on_where_the_line_between_real_and_fake_is() -> None:
    """A constant on all logits changes the non-saturating losses, and nothing of R3GAN's."""
    records = {}
    for loss in ("r3gan", "non_saturating"):
        for shift in (0.0, 3.0):
            trained = game(f"adversarial_loss={loss}", "proxy.pretrain_images=0")
            with torch.no_grad():
                trained.networks.discriminator.judges[0].to_logit.bias += shift  # type: ignore[union-attr, operator]
            records[loss, shift] = play(trained, 2)[1]
    for name in ("discriminator_loss", "generator_loss", "real_sign", "matching_loss"):
        assert records["r3gan", 0.0][name] == pytest.approx(records["r3gan", 3.0][name], abs=1e-4)
    gap = records["non_saturating", 0.0]["generator_loss"] - records["non_saturating", 3.0]["generator_loss"]
    assert gap > 0.5


def test_r3gan_compares_every_fake_with_its_own_real_image() -> None:
    trained = game("adversarial_loss=r3gan", "discriminator.silhouette=true", "proxy.pretrain_images=0")
    critic = Critic(trained.networks.discriminator, cpu())
    fakes, real = pictures(8)[:4], pictures(8)[4:]
    judge = Judge(critic, None, critic.logits(real))
    wanted = torch.nn.functional.softplus(critic.logits(real) - critic.logits(fakes)).sum(dim=1)
    torch.testing.assert_close(judge.losses(fakes, slice(None)), wanted)
    torch.testing.assert_close(judge.losses(fakes[[2, 0]], torch.tensor([2, 0])), wanted[[2, 0]])


def test_augmentation_rises_while_the_discriminator_tells_real_images_and_falls_when_it_cannot() -> None:
    trained = game("augmentation_target=0.5", "total_images=1600", "proxy.pretrain_images=0")
    with torch.no_grad():
        trained.networks.discriminator.judges[0].to_logit.bias.fill_(30.0)  # type: ignore[union-attr, operator]
    certain = [record["augmentation"] for record in play(trained, 3)]
    assert certain == pytest.approx([0.0, 4 / 160, 8 / 160])
    with torch.no_grad():
        trained.networks.discriminator.judges[0].to_logit.bias.fill_(-30.0)  # type: ignore[union-attr, operator]
    wrong = [record["augmentation"] for record in play(trained, 3, first=3)]
    assert wrong == pytest.approx([12 / 160, 8 / 160, 4 / 160])


def test_no_target_no_augmentation() -> None:
    trained = game("proxy.pretrain_images=0")
    assert "augmentation" not in play(trained, 1)[0]
    assert Augmenter(trained.config, trained.config.mirror_symmetric, cpu()).draw(0, 0, 32) is None


def test_images_are_mirrored_only_where_light_and_views_are_their_own_mirror_images() -> None:
    allowed = {}
    for name, overrides in {
        "as in the paper": (),
        "light from the left": (
            "lighting.directions=[[-0.6,0.0,0.8]]",
            "lighting.intensities=[1.0]",
            "lighting.ambient=0.1",
        ),
        "views from the right": ("views.azimuth_degrees=[0,90]",),
    }.items():
        trained = game("augmentation_target=0.5", "batch_size=64", "total_images=64", *overrides)
        augmenter = Augmenter(trained.config, trained.config.mirror_symmetric, cpu())
        augmenter.load_state_dict({"probability": 0.8})
        drawn = augmenter.draw(0, 0, 32)
        assert drawn is not None
        allowed[name] = bool((torch.linalg.det(drawn.placement[:, :, :2]) < 0.0).any())
    assert allowed == {"as in the paper": True, "light from the left": False, "views from the right": False}


@pytest.mark.parametrize("score", ["log_d", "logit", "features"])
@pytest.mark.parametrize("thresholds", [1, 3])
def test_a_perfect_proxy_is_matched_whatever_the_augmentation(score: str, thresholds: int) -> None:
    """Proxy and black box pass the same transformation: else even equal images would be rated differently."""
    trained = game(f"proxy.matching_score={score}", "proxy.pretrain_images=0", "augmentation_target=0.5")
    fakes = chairs(trained)
    critic = Critic(trained.networks.discriminator, cpu())
    update = ProxyUpdate(trained.config, PerfectProxy(trained), critic, cpu())
    augmentation = draw_augmentation(4, 32, 0.8, torch.Generator().manual_seed(0))
    renders = fakes.renders().expand(thresholds, -1, -1, -1, -1)
    statistics = update.update(0, fakes, renders, augmentation)
    assert statistics["matching_loss"].item() == pytest.approx(0.0, abs=1e-9)


def test_feature_matching_brings_the_proxys_features_to_those_of_the_renders() -> None:
    trained = game("proxy.matching_score=features", "proxy.matching_weight=100", "proxy.pretrain_images=0")
    fakes = chairs(trained)
    critic = Critic(trained.networks.discriminator, cpu())
    torch.manual_seed(0)
    update = ProxyUpdate(trained.config, build_proxy(trained.config), critic, cpu())
    update.updater.set_learning_rate(5e-3)
    losses = [update.update(step, fakes, fakes.renders(), None)["matching_loss"].item() for step in range(40)]
    assert losses[-1] < 0.3 * losses[0]


def test_both_discriminators_teach_the_generator() -> None:
    trained = game("discriminator.silhouette=true", "proxy.pretrain_images=0")
    assert len(build_discriminators(trained.config)) == 2
    critic = Critic(trained.networks.discriminator, cpu())
    images = pictures(4).clone().requires_grad_(True)
    (both,) = torch.autograd.grad(Judge(critic, None, None).losses(images, slice(None)).sum(), images)
    apart = torch.zeros_like(images)
    for index in range(2):
        logits = critic.logits(images)[:, index]
        apart += torch.autograd.grad(torch.nn.functional.softplus(-logits).sum(), images)[0]
    torch.testing.assert_close(both, apart)
    before = [weights(judge) for judge in trained.networks.discriminator.judges]
    play(trained, 1)
    for judge, old in zip(trained.networks.discriminator.judges, before, strict=True):
        assert changed(judge, old)


def test_penalties_of_two_discriminators_add_up() -> None:
    records = {}
    for silhouette in ("false", "true"):
        trained = game(f"discriminator.silhouette={silhouette}", "proxy.pretrain_images=0", "discriminator.r1_gamma=1")
        critic = Critic(trained.networks.discriminator, cpu())
        exact = pictures(4).clone().requires_grad_(True)
        apart = 0.0
        for logits in critic.exact_logits(exact).unbind(1):
            (gradient,) = torch.autograd.grad(logits.sum(), exact, retain_graph=True)
            apart += gradient.square().sum(dim=(1, 2, 3)).mean().item()
        records[silhouette] = play(trained, 1)[0]["r1"]
        assert records[silhouette] == pytest.approx(apart, rel=1e-4)
    assert records["true"] > records["false"]
