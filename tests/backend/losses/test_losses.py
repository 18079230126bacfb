# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from unrender.losses.adversarial import (
    discriminator_loss,
    generator_loss,
    r1_penalty,
    relativistic_discriminator_loss,
    relativistic_generator_loss,
)
from unrender.losses.matching import feature_matching_loss, output_matching_loss, pixel_loss, reward


def test_adversarial_losses_are_equations_2_and_3() -> None:
    real, fake = torch.tensor([0.3, -1.0]), torch.tensor([0.7, 2.0])
    d_real, d_fake = torch.sigmoid(real), torch.sigmoid(fake)
    expected = -(d_real.log().mean() + (1 - d_fake).log().mean())
    torch.testing.assert_close(discriminator_loss(real, fake).mean(), expected)
    torch.testing.assert_close(generator_loss(fake), -d_fake.log())


def test_r1_of_a_linear_discriminator_is_the_squared_norm_of_its_weights() -> None:
    weights = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    images = torch.rand(3, 2, 4, 4, requires_grad=True)
    penalty = r1_penalty((weights * images).sum(dim=(1, 2, 3)), images)
    assert penalty.item() == pytest.approx(weights.square().sum().item(), rel=1e-5)


def test_relativistic_losses_compare_each_fake_with_its_real_image() -> None:
    real, fake = torch.tensor([0.3, -1.0, 2.0]), torch.tensor([0.7, 2.0, -3.0])
    wanted = sum(math.log1p(math.exp(-(r - f))) for r, f in zip(real.tolist(), fake.tolist(), strict=True)) / 3
    assert relativistic_discriminator_loss(real, fake).mean().item() == pytest.approx(wanted, rel=1e-5)
    torch.testing.assert_close(relativistic_generator_loss(real, fake), relativistic_discriminator_loss(fake, real))
    torch.testing.assert_close(relativistic_generator_loss(real + 5, fake + 5), relativistic_generator_loss(real, fake))


def test_losses_of_several_discriminators_add_up() -> None:
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(4, 2, generator=generator), torch.randn(4, 2, generator=generator)
    for loss in (discriminator_loss, relativistic_discriminator_loss, relativistic_generator_loss):
        apart = sum(loss(real[:, judge], fake[:, judge]) for judge in range(2))
        torch.testing.assert_close(loss(real, fake), apart)
    torch.testing.assert_close(generator_loss(fake), generator_loss(fake[:, 0]) + generator_loss(fake[:, 1]))
    apart = sum(output_matching_loss(fake[:2, judge], real[:, judge], "log_d") for judge in range(2))
    torch.testing.assert_close(output_matching_loss(fake[:2], real, "log_d"), apart)


def test_gradient_penalty_trains_the_discriminator() -> None:
    """Its derivative by the weights is that of the closed form: |w|^2, hence 2 w."""
    weights = torch.randn(1, 2, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights.requires_grad_(True)
    images = torch.rand(5, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    r1_penalty((weights * images).sum(dim=(1, 2, 3)), images).backward()
    assert weights.grad is not None
    torch.testing.assert_close(weights.grad, 2.0 * weights.detach())


def test_pixel_loss_sums_over_pixels_and_averages_over_the_batch() -> None:
    assert pixel_loss(torch.zeros(4, 2, 3, 3), torch.full((4, 2, 3, 3), 0.5)).item() == pytest.approx(4.5)


def test_rewards_are_log_d_clamped_or_the_logit() -> None:
    logits = torch.tensor([-100.0, 0.0, 100.0])
    assert reward(logits, "log_d").tolist() == pytest.approx([-15.0, math.log(0.5), 0.0], abs=1e-5)
    assert reward(logits, "logit").tolist() == [-100.0, 0.0, 100.0]


def test_output_matching_gives_no_gradient_to_its_target() -> None:
    proxy, render = torch.tensor([1.0], requires_grad=True), torch.tensor([3.0], requires_grad=True)
    output_matching_loss(proxy, render, "logit").backward()
    assert proxy.grad is not None
    assert proxy.grad.item() == pytest.approx(-4.0)
    assert render.grad is None


def test_one_threshold_is_an_unbiased_target_of_output_matching() -> None:
    """The gradient is linear in the target: averaging over single thresholds gives the gradient at the mean target."""
    targets = torch.tensor([0.2, -1.0, 2.5])
    singles = []
    for target in targets:
        proxy = torch.tensor([0.4], requires_grad=True)
        output_matching_loss(proxy, target[None], "logit").backward()
        assert proxy.grad is not None
        singles.append(proxy.grad.item())
    assert sum(singles) / 3 == pytest.approx(2 * (0.4 - targets.mean().item()), abs=1e-6)


def test_output_matching_aims_at_the_mean_reward_over_the_thresholds() -> None:
    proxy = torch.tensor([0.4, -0.3])
    renders = torch.tensor([1.0, 2.0, -2.0, 0.5, 4.0, -1.0])  # three thresholds of two images
    loss = output_matching_loss(proxy, renders, "log_d")
    rewards = [-math.log1p(math.exp(-value)) for value in renders.tolist()]
    aims = [sum(rewards[image::2]) / 3 for image in range(2)]
    seen = [-math.log1p(math.exp(-value)) for value in proxy.tolist()]
    assert loss.item() == pytest.approx(sum((a - b) ** 2 for a, b in zip(seen, aims, strict=True)) / 2, rel=1e-5)


def test_feature_matching_counts_every_layer_by_its_relative_error() -> None:
    fine, coarse = torch.rand(4, 3, 8, 8) + 0.5, 100.0 * (torch.rand(4, 6, 2, 2) + 0.5)
    loss = feature_matching_loss([1.1 * fine, 0.9 * coarse], [fine, coarse])
    assert loss.item() == pytest.approx(0.01 + 0.01, rel=1e-4)


def test_feature_matching_aims_at_the_expected_features_over_the_thresholds() -> None:
    generator = torch.Generator().manual_seed(0)
    renders = torch.randn(6, 3, 4, 4, generator=generator, dtype=torch.float64).requires_grad_(True)
    aim = renders.detach().view(3, 2, 3, 4, 4).mean(dim=0)
    assert feature_matching_loss([aim], [renders]).item() < 1e-12
    proxy = torch.randn(2, 3, 4, 4, generator=generator, dtype=torch.float32).requires_grad_(True)
    feature_matching_loss([proxy], [renders]).backward()
    assert proxy.grad is not None
    assert renders.grad is None
    wanted = 2.0 * (proxy.detach() - aim) / proxy.numel() / aim.square().mean()
    torch.testing.assert_close(proxy.grad, wanted.float())
