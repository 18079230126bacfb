# SPDX-License-Identifier: Apache-2.0
"""IG-GAN and its baselines in the same game."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from tests.backend.methods.voxel_gan.game_for_tests import (
    PATHS,
    ROUTES,
    CountingRenderer,
    changed,
    game,
    pictures,
    play,
    through_file,
    weights,
)
from unrender.errors import CheckpointError, UserError
from unrender.geometry.lighting import IGGAN_LIGHTING
from unrender.methods.voxel_gan.method import VoxelGan
from unrender.renderers.differentiable.volumetric import VolumetricRenderer

SETTINGS = [(f"route={route}",) for route in ROUTES[1:]] + [(f"proxy.gradient={path}",) for path in PATHS]


def rendered(trained: VoxelGan) -> int:
    renderer = trained.black_box.renderer
    assert isinstance(renderer, CountingRenderer)
    return renderer.rendered


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings[0])
def test_every_route_teaches_the_generator_and_the_discriminator(settings: tuple[str, ...]) -> None:
    trained = game(*settings)
    generator, discriminator = trained.networks.generator, trained.networks.discriminator
    before = {network: weights(network) for network in (generator, discriminator)}
    statistics = play(trained, 2)
    assert all(math.isfinite(value) for step in statistics for value in step.values())
    for network, was in before.items():
        for name, parameter in network.named_parameters():
            assert not torch.equal(parameter, was[name]), name


@pytest.mark.parametrize("route", ROUTES)
def test_only_the_proxy_route_renders_while_it_trains(route: str) -> None:
    trained = game(f"route={route}")
    play(trained, 2)
    assert rendered(trained) == (3 * trained.batch_size if route == "proxy" else 0)
    assert (trained.networks.proxy is None) == (route != "proxy")
    assert [phase.name for phase in trained.phases()] == (["proxy"] if route == "proxy" else []) + ["adversarial"]


def test_evaluation_renders_shapes_of_every_route_and_scores_images_as_they_are() -> None:
    for route, renders in (("visual_hull", 16), ("image", 0)):
        trained = game(f"route={route}")
        assert math.isfinite(trained.evaluate()["kid"])
        assert rendered(trained) == renders


@pytest.mark.parametrize("route", ["visual_hull", "absorption", "emission_absorption"])
def test_baselines_are_judged_by_their_own_images_of_the_grey_grid(route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = game(f"route={route}")
    play(trained, 1)
    fakes = trained._fakes
    assert fakes is not None
    expected = VolumetricRenderer(route, 32).render(fakes.output, fakes.cameras, IGGAN_LIGHTING).alpha  # type: ignore[arg-type]
    shown: list[tuple[torch.Tensor, torch.Tensor]] = []
    update = trained._discriminator.update

    def watched(step: int, real: torch.Tensor, generated: torch.Tensor, augmentation: None) -> dict[str, torch.Tensor]:
        shown.append((real, generated))
        return update(step, real, generated, augmentation)

    monkeypatch.setattr(trained._discriminator, "update", watched)
    play(trained, 1, first=1)
    real, generated = shown[0]
    torch.testing.assert_close(generated, expected.expand(-1, 2, -1, -1))
    torch.testing.assert_close(real, pictures(4)[:, 1:].expand(-1, 2, -1, -1)), "no law here can shade"


@pytest.mark.parametrize(("route", "accumulation"), [("proxy", 4), ("visual_hull", 2), ("image", 2)])
def test_micro_batches_add_up_to_the_same_step(route: str, accumulation: int) -> None:
    whole, parts = game(f"route={route}"), game(f"route={route}", f"accumulation={accumulation}")
    first, second = play(whole, 2), play(parts, 2)
    for one, other in zip(first, second, strict=True):
        for name in ("generator_loss", "discriminator_loss", "real_logit"):
            assert one[name] == pytest.approx(other[name], abs=1e-4), name
    for network, same in zip(whole._networks().values(), parts._networks().values(), strict=True):
        for (name, value), other_value in zip(network.state_dict().items(), same.state_dict().values(), strict=True):
            torch.testing.assert_close(value, other_value, atol=2e-3, rtol=1e-2, msg=name)


@pytest.mark.parametrize(
    "settings",
    [
        *SETTINGS,
        ("proxy.gradient=continuous", "proxy.matching_thresholds=3"),
        ("proxy.replay_images=10",),
        ("discriminator.fakes=proxy",),
        ("proxy.joint=false",),
        ("discriminator.spectral_norm=true", "discriminator.r1_gamma=0.0"),
        ("proxy.kind=render_net", "proxy.channels_3d=2"),
    ],
    ids=" ".join,
)
def test_resumed_games_go_on_exactly(settings: tuple[str, ...], tmp_path: Path) -> None:
    whole = game(*settings)
    expected = play(whole, 5)
    broken = game(*settings)
    play(broken, 3)
    resumed = game(*settings)
    resumed.load_state_dict(through_file(broken, tmp_path / "state.safetensors"))
    actual = play(resumed, 2, first=3)
    for wanted, got in zip(expected[3:], actual, strict=True):
        for name, value in wanted.items():
            assert name.endswith("seconds") or got[name] == value, name
    for name, network in whole._networks().items():
        assert not changed(resumed._networks()[name], weights(network)), name


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("generator.latent=9", r"generator\.latent = 8, but the settings say 9"),
        ("route=visual_hull", r"route = 'proxy', but the settings say 'visual_hull'"),
        ("proxy.kind=render_net", r"proxy\.kind = 'compositing', but the settings say 'render_net'"),
        ("proxy.width=9", r"proxy\.width = 8"),
        ("discriminator.channels=[4,8,9]", r"discriminator\.channels = \[4, 8, 8\], but the settings say \[4, 8, 9\]"),
        ("discriminator.spectral_norm=true", r"discriminator\.spectral_norm = False"),
    ],
)
def test_a_state_of_other_networks_is_refused_by_the_setting_that_differs(
    setting: str, said: str, tmp_path: Path
) -> None:
    state = through_file(game(), tmp_path / "state.safetensors")
    with pytest.raises(CheckpointError, match=f"trained with {said}"):
        game(setting).load_state_dict(state)


def test_a_state_goes_on_with_another_batch_size() -> None:
    trained = game()
    play(trained, 2)
    other = game("batch_size=6", "proxy.matching_weight=2.0")
    other.load_state_dict(trained.state_dict())
    assert math.isfinite(play(other, 1, first=2)[0]["generator_loss"])


def test_a_batch_that_cannot_be_shared_out_is_refused() -> None:
    with pytest.raises(UserError, match=r"accumulation is 3, but a whole number of equal parts of batch_size \(4\)"):
        game("accumulation=3")
