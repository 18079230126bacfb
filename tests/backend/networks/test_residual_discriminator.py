# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from unrender.losses.adversarial import r1_penalty
from unrender.networks.residual_discriminator import HalvingConvolution, ResidualDiscriminator, minibatch_deviation


def tiny() -> ResidualDiscriminator:
    torch.manual_seed(0)
    return ResidualDiscriminator(16, 3, (4, 6, 8), group=2)


def test_logits_of_a_fresh_network_have_about_unit_variance() -> None:
    torch.manual_seed(1)
    pictures = torch.randn(64, 3, 64, 64)
    logits = torch.cat([ResidualDiscriminator()(part) for part in pictures.split(8)])
    assert 0.1 < logits.square().mean() < 10.0


def test_the_smeared_kernel_is_a_convolution_and_an_average() -> None:
    torch.manual_seed(2)
    halving = HalvingConvolution(3, 5).double()
    assert halving.bias is not None
    halving.bias.data.normal_()
    x = torch.randn(2, 3, 12, 8, dtype=torch.float64)
    whole = functional.conv2d(x, halving.weight / 27.0**0.5, halving.bias, 1, 1)
    torch.testing.assert_close(halving(x), functional.avg_pool2d(whole, 2))


def test_equal_pictures_deviate_by_nothing_and_groups_are_neighbours() -> None:
    x = torch.randn(3, 4, 5, 5)
    pairs = x.repeat_interleave(2, dim=0)
    assert minibatch_deviation(pairs, 2).max() < 1.1e-4
    mixed = torch.cat([pairs[:2], torch.randn(4, 4, 5, 5)])
    deviation = minibatch_deviation(mixed, 2)
    assert deviation.shape == (6, 1, 5, 5)
    expected = (mixed[2] - mixed[3]).abs().div(2.0).mean()
    torch.testing.assert_close(deviation[2:4], expected.expand(2, 1, 5, 5), atol=1e-4, rtol=0.0)


def test_halves_of_a_batch_are_judged_as_the_whole_batch_is() -> None:
    network, pictures = tiny(), torch.rand(8, 3, 16, 16)
    torch.testing.assert_close(torch.cat([network(pictures[:4]), network(pictures[4:])]), network(pictures))


def test_the_penalty_on_gradients_has_gradients_of_its_own() -> None:
    torch.manual_seed(0)
    network = ResidualDiscriminator(16, 3, (4, 6, 8), group=0).double()
    pictures = torch.rand(2, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    weight = network.from_image.weight

    def penalty() -> torch.Tensor:
        seen = pictures.clone().requires_grad_(True)
        return r1_penalty(network(seen), seen)

    (gradient,) = torch.autograd.grad(penalty(), weight)
    direction = torch.randn(weight.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        weight.add_(1e-8 * direction)
    above = penalty().item()
    with torch.no_grad():
        weight.sub_(2e-8 * direction)
    below = penalty().item()
    assert (above - below) / 2e-8 == pytest.approx((gradient * direction).sum().item(), rel=1e-4)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ValueError, match=r"3 channel widths take 16\^2 pictures, not 32\^2"):
        ResidualDiscriminator(32, 3, (4, 6, 8))
    with pytest.raises(ValueError, match="a batch of 3 came, but a multiple of 2"):
        tiny()(torch.rand(3, 3, 16, 16))
