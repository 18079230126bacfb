# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses

import pytest
import torch

from tests.backend.methods.textured_mesh_gan.measuring.scenes_for_tests import tiny_config
from unrender.methods.textured_mesh_gan.measuring.inversion import InversionSettings, Inverter
from unrender.methods.textured_mesh_gan.networks import build_generator
from unrender.methods.textured_mesh_gan.picture_maker import PictureMaker
from unrender.methods.textured_mesh_gan.views import ViewPrior
from unrender.metrics.feature_classifier import load_feature_classifier
from unrender.training.progress import ignore_progress, never_cancelled
from unrender.training.work import Work

SETTINGS = InversionSettings(bank=32, starts=2, trial=4, steps=10, together=3)


def _inverter(settings: InversionSettings, *overrides: str) -> Inverter:
    config = tiny_config(*overrides)
    torch.manual_seed(0)
    generator = build_generator(config).eval().requires_grad_(False)
    work = Work(ignore_progress, never_cancelled)
    views = ViewPrior(config.views)
    return Inverter(generator, PictureMaker(config), views, load_feature_classifier(), settings, 0, work)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    """Of the very generator, from other random numbers than the search's."""
    config = tiny_config()
    torch.manual_seed(0)
    generator = build_generator(config).eval().requires_grad_(False)
    random = torch.Generator().manual_seed(9)
    views = ViewPrior(config.views).sample(3, random)
    return PictureMaker(config).render(generator(torch.randn(3, 8, generator=random)), views).rgb


def test_the_search_goes_on_from_what_is_nearest(pictures: torch.Tensor) -> None:
    nearest = _inverter(dataclasses.replace(SETTINGS, starts=1, trial=0, steps=0)).invert(pictures)
    found = _inverter(SETTINGS).invert(pictures)
    assert (found.error < nearest.error).all()
    assert found.error.sum() < 0.8 * nearest.error.sum()
    assert len(found.styles) == len(found.cameras) == len(found.error) == 3


def test_it_finds_the_same_again(pictures: torch.Tensor) -> None:
    first, second = (_inverter(SETTINGS).invert(pictures[:2]) for _ in range(2))
    assert torch.equal(first.styles, second.styles)
    assert torch.equal(first.cameras.azimuth, second.cameras.azimuth)


def test_views_stay_within_the_law(pictures: torch.Tensor) -> None:
    ranges = ("views.azimuth_degrees=[-10,10]", "views.elevation_degrees=[0,5]")
    settings = dataclasses.replace(SETTINGS, turn_rate=0.5)
    found = _inverter(settings, *ranges).invert(pictures[:2]).cameras
    assert (found.azimuth.rad2deg().abs() <= 10.001).all()
    assert ((found.elevation.rad2deg() >= -0.001) & (found.elevation.rad2deg() <= 5.001)).all()
