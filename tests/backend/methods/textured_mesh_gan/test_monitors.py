# SPDX-License-Identifier: Apache-2.0
"""The signs of failure on shapes whose failure is known."""

from __future__ import annotations

import math
import re

import pytest
import torch

from tests.backend.methods.textured_mesh_gan.textured_game_for_tests import game, play
from unrender.geometry.cameras import Cameras, ViewLaw
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.methods.textured_mesh_gan.collapse import FAILURES, CollapseWatch
from unrender.methods.textured_mesh_gan.config import load_config
from unrender.methods.textured_mesh_gan.monitors import depth_range, hollowness
from unrender.methods.textured_mesh_gan.roughness import Roughness

TEMPLATE = octahedral_sphere(16)
FACES = torch.from_numpy(TEMPLATE.faces).long()
HEALTHY = {"mask_area": 0.5, "depth_range": 0.8, "hollowness": 0.2, "view_variance": 0.01, "diversity": 0.1}


def sphere() -> torch.Tensor:
    return 0.5 * torch.from_numpy(TEMPLATE.vertices)[None]


def all_around() -> Cameras:
    steps = torch.arange(36) / 36.0
    return ViewLaw(elevation_degrees=(0.0, 0.0)).at(torch.stack([steps, steps]))


def bowl() -> torch.Tensor:
    """A sphere whose front half is pushed through to the back, but for a tenth."""
    vertices = sphere()
    vertices[..., 1] = torch.where(vertices[..., 1] < 0.0, -0.9 * vertices[..., 1], vertices[..., 1])
    return vertices


def test_depth_is_that_of_the_flattest_view() -> None:
    assert depth_range(sphere(), all_around()) == pytest.approx(1.0, abs=0.02)
    card = sphere() * torch.tensor([1.0, 0.1, 1.0])
    assert depth_range(card, all_around()) == pytest.approx(0.1, abs=0.01)
    assert depth_range(torch.cat([sphere(), card]), all_around()) == pytest.approx(0.55, abs=0.02)


def test_hollowness_of_a_ball_a_bowl_and_one_turned_inside_out() -> None:
    assert hollowness(sphere(), FACES) == pytest.approx(0.0, abs=1e-5)
    assert hollowness(bowl(), FACES) == pytest.approx(0.9, abs=0.01)
    assert hollowness(sphere() * torch.tensor([1.0, -1.0, 1.0]), FACES) == pytest.approx(2.0, abs=1e-5)
    assert hollowness(sphere() * torch.tensor([1.0, 0.0, 1.0]), FACES) == 1.0


def test_roughness_of_a_sphere_is_small_and_that_of_noise_is_not() -> None:
    rough = sphere() + 0.02 * torch.randn(sphere().shape, generator=torch.Generator().manual_seed(0))
    measure = Roughness(32)
    assert measure(sphere()) < 0.01
    assert measure(rough) > 30 * measure(sphere())
    assert measure(0.5 * sphere()) == pytest.approx(0.25 * measure(sphere()).item(), rel=1e-4)


def test_a_plain_object_varies_with_the_view_and_a_grey_ball_does_not() -> None:
    trained = game()
    look = trained._monitors.look
    assert look()["view_variance"] > 1e-5
    with torch.no_grad():
        for layer in trained.players.average.sphere.to_rgb:
            layer.convolution.weight.zero_()  # type: ignore[union-attr, operator]
        for layer in trained.players.average.sphere.to_offsets:
            layer.convolution.weight.zero_()  # type: ignore[union-attr, operator]
    signs = look()
    assert signs["view_variance"] < 1e-5
    assert signs["mask_area"] == pytest.approx(math.pi * 0.3**2, abs=0.05)
    assert signs["depth_range"] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "statistics", "said"),
    [
        ("object as background", {"mask_area": 0.97}, r"become the background: it takes 0\.97"),
        ("background as object", {"mask_area": 0.01}, r"background has become the object, which takes 0\.010"),
        ("flat", {"depth_range": 0.05}, r"shapes are flat: their depth is 0\.05 of their width"),
        ("hollow", {"hollowness": 0.95}, r"shapes are hollow: they lack 0\.95"),
        ("view collapse", {"view_variance": 1e-7}, r"all views of an object look the same: .* 1\.0e-07"),
        ("one picture", {"diversity": 1e-4}, r"all pictures are the same"),
    ],
)
def test_a_failure_that_lasts_is_said(name: str, statistics: dict[str, float], said: str) -> None:
    config = load_config("textured-16", ("watch.patience_images=64",))
    watch = CollapseWatch(config)
    assert watch.complaint(HEALTHY) is None
    assert watch.is_well
    complaints = [watch.complaint(HEALTHY | statistics) for _ in range(16)]
    assert not watch.is_well
    lasted = 64 // (config.batch_size * (1 if name == "one picture" else config.watch.interval))
    assert complaints[: lasted - 1] == [None] * (lasted - 1)
    assert re.search(said, complaints[lasted - 1] or "")
    again = CollapseWatch(config)
    again.load_state_dict(watch.state_dict())
    assert not again.is_well
    assert again.complaint(HEALTHY) is None
    assert again.is_well


@pytest.mark.parametrize(
    ("setting", "statistics", "advice"),
    [
        ("background.moves=false", {"mask_area": 0.01}, r"set background\.moves=true"),
        ("generator.size_constraint=false", {"mask_area": 0.99}, r"set generator\.size_constraint=true"),
        ("views.azimuth_degrees=[-15,15]", {"depth_range": 0.1}, r"widen views\.azimuth_degrees"),
        ("generator.pyramid=false", {"hollowness": 0.9}, r"set generator\.pyramid=true"),
        ("renderer.silhouette=none", {"mask_area": 0.01}, r'set renderer\.silhouette="soft_skirt"'),
        ("seed=1", {"diversity": 0.0}, r"raise discriminator\.r1_gamma, or set augmentation_target"),
    ],
)
def test_the_prior_that_cures_a_failure_is_named(setting: str, statistics: dict[str, float], advice: str) -> None:
    config = load_config("textured-16", (setting, "watch.patience_images=1"))
    assert re.search(advice, CollapseWatch(config).complaint(HEALTHY | statistics) or "")


def test_a_watch_without_patience_stops_nothing() -> None:
    watch = CollapseWatch(load_config("textured-16", ("watch.patience_images=0",)))
    assert all(watch.complaint({"diversity": 0.0}) is None for _ in range(100))
    assert {failure.statistic for failure in FAILURES.values()} == HEALTHY.keys()


def test_steps_between_two_looks_leave_a_failure_as_it_was() -> None:
    trained = game()
    records = play(trained, 3)
    watch = CollapseWatch(trained.config)
    watch.complaint(HEALTHY | {"mask_area": 0.0})
    for record in records[1:]:
        watch.complaint(record)
    assert not watch.is_well
