# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from unrender.metrics.turns import identity_over_turn, view_over_identities


def _random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_things_that_look_the_same_from_all_sides_keep_their_identity() -> None:
    figures = identity_over_turn(_random(6, 1, 40).expand(-1, 5, -1))
    assert figures.within == pytest.approx(1.0)
    assert figures.share == pytest.approx(1.0)
    assert figures.recall == 1.0
    assert figures.between < 0.5


def test_one_thing_under_many_names_has_no_identity() -> None:
    figures = identity_over_turn(_random(1, 8, 40).expand(6, -1, -1))
    assert figures.share == pytest.approx(0.0, abs=1e-9)
    assert figures.within == pytest.approx(figures.between)
    assert figures.recall == pytest.approx(1 / 6, abs=1e-9)
    assert identity_over_turn(torch.ones(3, 3, 4)).share == 0.0


def test_chance_is_what_noise_scores() -> None:
    figures = identity_over_turn(_random(10, 12, 50))
    assert abs(figures.recall - 0.1) < 0.05
    assert abs(figures.within - figures.between) < 0.05
    assert figures.share == pytest.approx(1 / 12, abs=0.03)


def test_the_share_is_that_of_the_variances() -> None:
    things, views = 40, 50
    features = 2.0 * _random(things, 1, 30) + torch.randn(things, views, 30, generator=torch.Generator().manual_seed(1))
    assert identity_over_turn(features).share == pytest.approx(4.0 / 5.0, abs=0.03)


def _arrows(turns: list[int], views: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Things that are a pixel each, whose normal turns as the camera goes round, each `turns` views ahead."""
    angle = (torch.arange(views)[None, :] + torch.tensor(turns)[:, None]) * (2.0 * math.pi / views)
    normals = torch.stack([angle.sin(), torch.zeros_like(angle), angle.cos()], dim=2)
    return normals[..., None, None], torch.ones(len(turns), views, 1, 1, 1, dtype=torch.bool)


def test_things_that_face_the_same_way_need_no_turn() -> None:
    figures = view_over_identities(*_arrows([0, 0, 0], 8))
    assert figures.agreement == pytest.approx(1.0)
    assert figures.turned == pytest.approx(-1 / 7, abs=1e-6)
    assert figures.turn_degrees == 0.0


def test_things_that_face_other_ways_are_found_out() -> None:
    figures = view_over_identities(*_arrows([0, 3], 8))
    assert figures.turn_degrees == pytest.approx(135.0)
    assert figures.agreement == pytest.approx(math.cos(math.radians(135.0)), abs=1e-6)


def test_outside_of_the_masks_counts_as_difference() -> None:
    normals, masks = _arrows([0, 0], 4)
    normals, masks = (images.repeat(1, 1, 1, 1, 2) for images in (normals, masks))
    masks[1, :, :, :, 1] = False
    assert view_over_identities(normals, masks).agreement == pytest.approx(0.5)


@pytest.mark.parametrize("shape", [(1, 4, 3), (4, 1, 3)])
def test_one_alone_is_not_compared(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="at least two"):
        identity_over_turn(torch.zeros(shape))
