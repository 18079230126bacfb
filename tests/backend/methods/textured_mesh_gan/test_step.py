# SPDX-License-Identifier: Apache-2.0
"""One step of the game: who learns, from what, and what is told of it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from tests.backend.methods.textured_mesh_gan.textured_game_for_tests import (
    cpu,
    game,
    is_changed,
    photographs,
    play,
    through_file,
    weights,
)
from unrender.errors import CheckpointError, ConfigurationError
from unrender.losses.adversarial import generator_loss
from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
from unrender.methods.textured_mesh_gan.roughness import Roughness
from unrender.methods.textured_mesh_gan.unevenness import Unevenness

PRIORS_OFF = {
    "a background that stays": ("background.moves=false",),
    "no size constraint": ("generator.size_constraint=false",),
    "no pyramid": ("generator.pyramid=false",),
    "no soft layer": ("renderer.silhouette=none",),
    "a narrow range of views": ("views.azimuth_degrees=[-15,15]",),
    "learned views": ("views.learned=true",),
    "smooth meshes": ("laplacian=0.1",),
    "even colours": ("evenness=1.0",),
    "no augmentation": ("augmentation_target=0.0",),
    "light that stands with the camera": ("generator.light=true",),
}


def test_every_network_learns_and_its_average_follows() -> None:
    trained = game()
    before = {name: weights(network) for name, network in trained.players.by_name().items()}
    play(trained, 2)
    assert all(is_changed(network, before[name]) for name, network in trained.players.by_name().items())


def test_statistics_tell_losses_signs_of_failure_and_where_the_time_went() -> None:
    first, second = play(game(), 2)
    losses = {"generator_loss", "discriminator_loss", "real_logit", "fake_logit", "real_sign", "diversity"}
    parts = ("generator_forward", "generator_backward", "rasterizer_forward", "rasterizer_backward")
    judged = ("discriminator_update", "discriminator_verdict")
    seconds = {f"{name}_seconds" for name in (*parts, *judged, "method")}
    signs = {"mask_area", "depth_range", "hollowness", "view_variance"}
    assert losses | seconds | signs | {"r1", "augmentation", "monitor_seconds"} == first.keys()
    assert losses | seconds | {"augmentation"} == second.keys(), "R1 and the looks from all sides are lazy"
    assert all(math.isfinite(value) for value in first.values())
    spent = sum(value for name, value in first.items() if name.endswith("_seconds") and name != "method_seconds")
    assert spent <= first["method_seconds"]


def test_the_way_back_in_parts_is_that_of_autograd() -> None:
    """The generator's gradient, carried over pictures and scenes, is the one that autograd gives at once."""
    still = ("generator.learning_rate=0.0", "views.learned=true", "views.learning_rate=0.0")
    priors = ("laplacian=0.5", "evenness=2.0")
    trained = game("augmentation_target=0.0", *still, *priors)
    painter, critic, players = trained._painter, trained._critic, trained.players
    z = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    uniform = torch.rand(2, 4, generator=torch.Generator().manual_seed(1))
    painted = painter.paint(z, uniform)
    _, gradient = critic.taught(painted.pictures.rgb, None)
    painter.update(0, painted, gradient)
    networks = (players.generator, players.views)
    ours = [parameter.grad for network in networks for parameter in network.parameters()]
    for network in networks:
        network.requires_grad_(True)
    scene, settings = players.generator(z), trained.config.generator
    pictures = PictureMaker(trained.config).render(scene, players.views.at(uniform))
    loss = generator_loss(players.discriminator(pictures.rgb)).mean()
    loss = loss + 0.5 * Roughness(settings.mesh_cells)(scene.vertices)
    loss = loss + 2.0 * Unevenness(settings.texture_size)(scene.texture)
    parameters = [parameter for network in networks for parameter in network.parameters()]
    for mine, theirs in zip(ours, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None and theirs is not None:
            torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("settings", PRIORS_OFF.values(), ids=PRIORS_OFF)
def test_each_prior_can_be_switched_off(settings: tuple[str, ...]) -> None:
    assert all(math.isfinite(value) for record in play(game(*settings), 2) for value in record.values())


def test_a_learned_law_of_views_learns() -> None:
    trained = game("views.learned=true")
    before = trained.players.views.density()
    play(trained, 2)
    assert not torch.equal(trained.players.views.density(), before)


def test_a_game_through_a_file_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    settings = ("views.learned=true", "augmentation_target=0.1")
    whole = game(*settings)
    play(whole, 3)
    resumed = game(*settings, "seed=0")
    resumed.load_state_dict(through_file(whole, tmp_path / "state.safetensors"))
    expected, actual = play(whole, 3, first=3), play(resumed, 3, first=3)
    for ours, theirs in zip(actual, expected, strict=True):
        assert {name: value for name, value in ours.items() if not name.endswith("_seconds")} == {
            name: value for name, value in theirs.items() if not name.endswith("_seconds")
        }
    for name, network in whole.players.by_name().items():
        assert not is_changed(resumed.players.by_name()[name], weights(network))


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        (
            "generator.mesh_cells=16",
            r"mesh_cells = 8, but the settings say 16\. Leave generator\.mesh_cells",
        ),
        ("generator.channels=[8,8,12]", r"generator\.channels = \[8, 8, 8\], but the settings say \[8, 8, 12\]"),
        ("discriminator.channels=[4,8,8]", r"discriminator\.channels = \[8, 8, 8\], but"),
        ("views.learned=true", r"views\.learned = False, but the settings say True"),
    ],
)
def test_a_state_of_another_topology_is_one_sentence(setting: str, complaint: str) -> None:
    with pytest.raises(CheckpointError, match=complaint):
        game(setting).load_state_dict(game().state_dict())


def test_another_texture_size_is_named() -> None:
    larger = game("generator.channels=[8,8,8,8]", "generator.texture_size=32")
    with pytest.raises(CheckpointError, match=r"generator\.channels = \[8, 8, 8\], but"):
        larger.load_state_dict(game().state_dict())


def test_a_batch_that_the_processes_cannot_share_is_one_sentence() -> None:
    devices = cpu()
    devices.world = 4
    with pytest.raises(ConfigurationError, match=r"batch_size is 4, .* 4 processes .*group = 2 .*multiple of 8"):
        game(devices=devices)


def test_the_sheet_has_scenes_in_rows_and_real_pictures_last() -> None:
    trained = game()
    real = photographs(trained.sheet_pictures)
    sheet = trained.sample_sheet(real)
    tile = 16 * 8
    assert sheet.shape == (6 * (tile + 4) - 4, 9 * (tile + 4) - 4, 3)
    last = sheet[-tile:, :tile]
    assert (last == (real[0] * 255).round().byte().permute(1, 2, 0).numpy().repeat(8, 0).repeat(8, 1)).all()
    assert (sheet == trained.sample_sheet(real)).all(), "samples are fixed"
