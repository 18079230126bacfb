# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from unrender.geometry.octahedral_sphere import pixel_directions
from unrender.methods.textured_mesh_gan.unevenness import Unevenness

SIZE = 32


def textures(value: torch.Tensor) -> torch.Tensor:
    """One texture, of a function of the direction that is given at every texel."""
    return value.expand(1, 3, SIZE, SIZE)


def test_one_colour_is_even_whatever_it_is() -> None:
    assert Unevenness(SIZE)(textures(torch.tensor(0.7))).item() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_slope_from_side_to_side_has_its_variance(axis: int) -> None:
    n = torch.from_numpy(pixel_directions(SIZE))[..., axis]
    assert Unevenness(SIZE)(textures(0.5 + 0.3 * n)).item() == pytest.approx(0.3**2 / 3.0, rel=0.01)


def test_two_halves_have_most_of_their_variance_and_fine_stripes_little() -> None:
    n = torch.from_numpy(pixel_directions(SIZE))[..., 0]
    halves = Unevenness(SIZE)(textures((n > 0.0).float())).item()
    assert halves == pytest.approx(3.0 / 16.0, rel=0.02)  # (integral of |n| / 2)^2 * 3, of a variance of 1/4
    assert Unevenness(SIZE)(textures((torch.sin(12.0 * n) > 0.0).float())).item() < 0.05 * halves


def test_a_step_down_its_gradient_makes_textures_more_even() -> None:
    texture = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0), requires_grad=True)
    unevenness = Unevenness(SIZE)
    before = unevenness(texture)
    before.backward()
    assert texture.grad is not None
    assert unevenness((texture - 100.0 * texture.grad).detach()) < before
