# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from unrender.configuration import from_mapping
from unrender.errors import ConfigurationError
from unrender.methods.textured_mesh_gan.config import ViewConfig
from unrender.methods.textured_mesh_gan.views import ViewPrior

NARROW = ViewConfig(azimuth_degrees=(-45.0, 15.0), elevation_degrees=(-10.0, 30.0), bins=4)
LEARNED = ViewConfig(azimuth_degrees=(-45.0, 15.0), elevation_degrees=(-10.0, 30.0), bins=4, learned=True)


def test_views_follow_from_the_random_generator_alone() -> None:
    prior = ViewPrior(NARROW)
    first, again = (prior.sample(5, torch.Generator().manual_seed(3)) for _ in range(2))
    torch.manual_seed(1)
    assert torch.equal(first.azimuth, again.azimuth)
    assert torch.equal(first.elevation, again.elevation)
    draw = torch.Generator().manual_seed(3)
    prior.sample(2, draw)
    assert not torch.equal(prior.sample(5, draw).azimuth, first.azimuth)


@pytest.mark.parametrize("config", [NARROW, LEARNED], ids=["given", "learned"])
def test_angles_are_uniform_in_their_ranges_at_first(config: ViewConfig) -> None:
    views = ViewPrior(config).at(torch.stack([torch.linspace(0.0, 1.0, 7), torch.linspace(1.0, 0.0, 7)]))
    wanted = torch.deg2rad(torch.linspace(-45.0, 15.0, 7)), torch.deg2rad(torch.linspace(30.0, -10.0, 7))
    torch.testing.assert_close(views.azimuth.detach(), wanted[0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(views.elevation.detach(), wanted[1], atol=1e-6, rtol=1e-5)
    assert views.field_of_view == pytest.approx(math.radians(10.0))


def test_the_frame_just_holds_the_ball() -> None:
    views = ViewPrior(ViewConfig(field_of_view_degrees=40.0)).sample(1, torch.Generator())
    # The ball of radius 0.5, seen from `distance`, is a cone of half the field of view.
    assert math.degrees(math.asin(0.5 / views.distance)) == pytest.approx(20.0)


def learned(seed: int = 0) -> ViewPrior:
    prior = ViewPrior(LEARNED).double()
    assert prior.logits is not None
    with torch.no_grad():
        prior.logits.copy_(torch.randn(2, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))
    return prior


def test_a_learned_law_has_the_density_it_names() -> None:
    prior = learned()
    uniform = ((torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000).expand(2, -1)
    views = prior.at(uniform)
    for angle, (low, high), wanted in zip(
        (views.azimuth, views.elevation), ((-45.0, 15.0), (-10.0, 30.0)), prior.density(), strict=True
    ):
        degrees = torch.rad2deg(angle).detach()
        assert (degrees.diff() > 0.0).all()
        counts = torch.histc(degrees, 4, low, high) / len(degrees)
        torch.testing.assert_close(counts, wanted.detach(), atol=1e-4, rtol=0.0)
    assert prior.density().sum(dim=1).tolist() == pytest.approx([1.0, 1.0])


def test_no_view_dies_out() -> None:
    prior = learned()
    assert prior.logits is not None
    with torch.no_grad():
        prior.logits.copy_(torch.tensor([[100.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 100.0]]))
    assert prior.density().min().item() == pytest.approx(0.1 / 4)
    views = prior.at(torch.rand(2, 1000, generator=torch.Generator().manual_seed(0)))
    assert torch.rad2deg(views.azimuth).max() > 10.0
    assert views.azimuth.isfinite().all()


def test_gradients_of_a_learned_law_are_those_of_finite_differences() -> None:
    prior = learned(1)
    uniform = torch.rand(2, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def angles(logits: torch.Tensor) -> torch.Tensor:
        views = torch.func.functional_call(prior, {"logits": logits}, (uniform,))
        return torch.stack([views.azimuth, views.elevation])

    prior.forward = prior.at  # type: ignore[method-assign]  # functional_call calls the module
    assert prior.logits is not None
    assert torch.autograd.gradcheck(angles, prior.logits.detach().clone().requires_grad_())


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("azimuth_degrees", [40.0, -40.0], "lower bound comes first"),
        ("azimuth_degrees", [-300.0, 300.0], "all around"),
        ("elevation_degrees", [-100.0, 0.0], "-90 to 90"),
        ("field_of_view_degrees", 0.0, "0 to 120"),
        ("bins", 1, "at least 2"),
    ],
)
def test_priors_that_make_no_sense_are_refused(setting: str, value: object, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        from_mapping(ViewConfig, {setting: value})
