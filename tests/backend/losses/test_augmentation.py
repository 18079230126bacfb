# SPDX-License-Identifier: Apache-2.0
"""Augmentation of images of objects: identity, exactness, gradients, pairs, and that it can be undone on average."""

from __future__ import annotations

import math

import pytest
import torch

from unrender.geometry.lighting import IGGAN_LIGHTING, Lighting
from unrender.losses.augmentation import AdaptiveProbability, Augmentation, draw_augmentation


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 4, size: int = 16, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Premultiplied, with a margin around the object."""
    images = torch.rand(count, 2, size, size, generator=random(1), dtype=dtype)
    images[:, 0] *= images[:, 1]
    images[..., : size // 4, :] = images[..., -size // 4 :, :] = 0.0
    return images


def still(count: int) -> Augmentation:
    return draw_augmentation(count, 16, 0.0, random())


def placed(x: tuple[float, float, float], y: tuple[float, float, float]) -> Augmentation:
    identity = still(1)
    return Augmentation(torch.tensor([[x, y]]), identity.contrast, identity.brightness, identity.cutout)


def test_nothing_happens_at_probability_nought() -> None:
    images = pictures()
    assert torch.equal(still(4).apply(images), images)


def test_an_image_that_is_left_alone_comes_out_exactly_beside_others_that_are_not() -> None:
    images = pictures(64)
    drawn = draw_augmentation(64, 16, 0.1, random(2))
    result = drawn.apply(images)
    alone = torch.tensor([torch.equal(a, b) for a, b in zip(result, images, strict=True)])
    assert 0.35 < alone.float().mean() < 0.7, "0.9^6 = 0.53 of the images have no operation (flips are off)"


def test_the_same_seed_transforms_both_images_of_a_pair_alike() -> None:
    images = pictures()
    first, second = (draw_augmentation(4, 16, 0.8, random(5)) for _ in range(2))
    other = draw_augmentation(4, 16, 0.8, random(6))
    assert torch.equal(first.apply(images), second.apply(images))
    assert not torch.equal(first.apply(images), other.apply(images))
    assert torch.equal(first[1:3].apply(images[1:3]), first.apply(images)[1:3])


def test_whole_pixel_shifts_and_mirroring_move_pixels_exactly() -> None:
    images = pictures(1)
    moved = placed((1.0, 0.0, 2 * 2 / 16), (0.0, 1.0, -3 * 2 / 16)).apply(images)
    wanted = torch.zeros_like(images)
    wanted[..., 3:, :-2] = images[..., :-3, 2:]
    torch.testing.assert_close(moved, wanted, atol=2e-5, rtol=0.0)
    mirrored = placed((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)).apply(images)
    torch.testing.assert_close(mirrored, images.flip(-1), atol=2e-5, rtol=0.0)


def test_shifts_are_of_whole_pixels_within_an_eighth_and_turns_are_small() -> None:
    drawn = draw_augmentation(2000, 32, 1.0, random(3))
    pixels = drawn.placement[:, :, 2] * 16
    assert torch.equal(pixels, pixels.round())
    assert pixels.min() == -4
    assert pixels.max() == 4
    angle = torch.rad2deg(torch.atan2(drawn.placement[:, 1, 0], drawn.placement[:, 1, 1]))
    assert 7.0 < angle.abs().max() <= 8.001


@pytest.mark.parametrize("flips", [False, True])
def test_images_are_mirrored_only_where_the_caller_allows_it(flips: bool) -> None:
    drawn = draw_augmentation(4000, 32, 0.6, random(4), flips)
    mirrored = torch.linalg.det(drawn.placement[:, :, :2]) < 0.0
    assert mirrored.float().mean().item() == pytest.approx(0.3 if flips else 0.0, abs=0.03)


def test_light_that_is_its_own_mirror_image_is_known() -> None:
    assert IGGAN_LIGHTING.mirror_symmetric
    assert Lighting((), (), 0.5).mirror_symmetric
    assert Lighting(((0.0, 0.6, 0.8),), (1.0,), 0.1).mirror_symmetric
    assert not Lighting(((0.6, 0.0, 0.8),), (1.0,), 0.1).mirror_symmetric
    assert not Lighting(((0.6, 0.0, 0.8), (-0.6, 0.0, 0.8)), (1.0, 0.5), 0.1).mirror_symmetric


def test_no_grey_appears_where_nothing_is() -> None:
    result = draw_augmentation(200, 16, 0.8, random(7)).apply(pictures(1).expand(200, -1, -1, -1))
    assert (result[:, 0][result[:, 1] == 0.0] == 0.0).all()
    assert (result[:, 1] >= 0.0).all()
    assert (result[:, 1] <= 1.0 + 1e-5).all()


def test_brightness_and_contrast_are_relative_to_alpha() -> None:
    identity = still(1)
    tone = Augmentation(identity.placement, torch.tensor([2.0]), torch.tensor([0.1]), identity.cutout)
    images = torch.tensor([0.3, 0.5]).view(1, 2, 1, 1).expand(1, 2, 4, 4)
    result = tone.apply(images)
    assert result[0, 0, 0, 0].item() == pytest.approx(2.0 * (0.3 - 0.25) + 0.25 + 0.05)
    assert torch.equal(result[:, 1], images[:, 1])


def test_a_quarter_of_the_image_is_cut_out() -> None:
    identity = still(1)
    cut = Augmentation(identity.placement, identity.contrast, identity.brightness, torch.tensor([[0.5, 0.25]]))
    result = cut.apply(torch.ones(1, 2, 16, 16))
    wanted = torch.ones(1, 2, 16, 16)
    wanted[..., :8, 4:12] = 0.0
    assert torch.equal(result[:, 1], wanted[:, 1])


def test_gradients_are_those_of_finite_differences() -> None:
    drawn = draw_augmentation(3, 6, 1.0, random(8), flips=True)
    images = pictures(3, 6, torch.float64).requires_grad_(True)
    assert torch.autograd.gradcheck(drawn.apply, (images,))


def test_the_average_transformation_can_be_undone() -> None:
    """What keeps the generator from learning the transformations (ADA, section 2.2): on average, the operator on images
    is invertible while p is below one."""
    size, draws = 8, 3000
    basis = torch.eye(size * size).view(-1, 1, size, size)
    drawn = draw_augmentation(draws, size, 0.6, random(9), flips=True)
    mean = torch.zeros(size * size, size * size)
    for index in range(draws):
        one = drawn[index : index + 1]
        alpha = torch.cat([torch.zeros_like(basis), basis], dim=1)
        repeated = Augmentation(
            one.placement.expand(len(basis), -1, -1),
            one.contrast.expand(len(basis)),
            one.brightness.expand(len(basis)),
            one.cutout.expand(len(basis), -1),
        )
        mean += repeated.apply(alpha)[:, 1].flatten(1).T / draws
    assert torch.linalg.svdvals(mean).min() > 0.02
    assert (mean.argmax(dim=0) == torch.arange(size * size)).float().mean() > 0.95, "an image is likeliest itself"


def test_probability_follows_the_overfitting_of_the_discriminator() -> None:
    controller = AdaptiveProbability(0.6, 1000)
    controller.update(0.9, 100)
    assert controller.value == pytest.approx(0.1)
    controller.update(0.3, 50)
    assert controller.value == pytest.approx(0.05)
    controller.update(-1.0, 500)
    assert controller.value == 0.0
    for _ in range(20):
        controller.update(1.0, 100)
    assert controller.value == pytest.approx(0.8)
    assert not math.isnan(controller.value)
