# SPDX-License-Identifier: Apache-2.0
"""Augmentation of pictures that fill their frame: no black border, tones of whole pictures, gradients."""

from __future__ import annotations

import math

import pytest
import torch

from unrender.losses.augmentation import Augmentation, draw_augmentation


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def changed(**changes: torch.Tensor) -> Augmentation:
    still = draw_augmentation(1, 16, 0.0, random())
    values = {name: getattr(still, name) for name in ("placement", "contrast", "brightness", "cutout")}
    return Augmentation(**(values | changes))


def test_nothing_happens_at_probability_nought() -> None:
    pictures = torch.rand(4, 3, 16, 16, generator=random(1))
    assert torch.equal(draw_augmentation(4, 16, 0.0, random()).apply_opaque(pictures), pictures)


def test_no_black_comes_in_from_outside() -> None:
    white = torch.ones(300, 3, 16, 16)
    drawn = draw_augmentation(300, 16, 0.8, random(2), flips=True)
    placed = Augmentation(drawn.placement, torch.ones(300), torch.zeros(300), torch.full((300, 2), math.nan))
    torch.testing.assert_close(placed.apply_opaque(white), white)


def test_what_comes_in_is_the_picture_mirrored_at_its_border() -> None:
    pictures = torch.rand(1, 3, 16, 16, generator=random(3))
    moved = changed(placement=torch.tensor([[[1.0, 0.0, 2 * 3 / 16], [0.0, 1.0, 0.0]]])).apply_opaque(pictures)
    wanted = torch.cat([pictures[..., 3:], pictures[..., -3:].flip(-1)], dim=-1)
    torch.testing.assert_close(moved, wanted, atol=2e-5, rtol=0.0)


def test_contrast_and_brightness_change_all_colours_alike() -> None:
    pictures = torch.tensor([0.2, 0.5, 0.7]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    toned = changed(contrast=torch.tensor([2.0]), brightness=torch.tensor([0.1])).apply_opaque(pictures)
    assert toned[0, :, 0, 0].tolist() == pytest.approx([0.0, 0.6, 1.0], abs=1e-6)


def test_nothing_is_cut_out() -> None:
    pictures = torch.rand(1, 3, 16, 16, generator=random(4))
    assert torch.equal(changed(cutout=torch.tensor([[0.5, 0.25]])).apply_opaque(pictures), pictures)


def test_gradients_are_those_of_finite_differences() -> None:
    drawn = draw_augmentation(3, 6, 1.0, random(8), flips=True)
    pictures = torch.rand(3, 3, 6, 6, generator=random(9), dtype=torch.float64).requires_grad_(True)
    assert torch.autograd.gradcheck(drawn.apply_opaque, (pictures,))
