# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from unrender.networks.modulated_convolutions import (
    EqualisedConvolution,
    EqualisedLinear,
    MappingNetwork,
    ModulatedConvolution,
    StyledLayer,
    StyledOutput,
    Surroundings,
)


def by_noughts(x: Tensor) -> Tensor:
    return functional.pad(x, (1, 1, 1, 1))


NOUGHTS = Surroundings(by_noughts)


def of_each_sample(layer: ModulatedConvolution, x: Tensor, w: Tensor, demodulate: bool) -> Tensor:
    """StyleGAN2's equations (1) and (3): weights of each sample, scaled by input channel, then to unit length."""
    scales = layer.to_scales(w)
    images = []
    for image, scale in zip(x, scales, strict=True):
        weight = layer.weight / math.sqrt(layer.weight[0].numel()) * scale[None, :, None, None]
        if demodulate:
            weight = weight / torch.sqrt(weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8)
        images.append(functional.conv2d(image[None], weight, padding=weight.shape[-1] // 2))
    return torch.cat(images)


@pytest.mark.parametrize(("side", "demodulate"), [(3, True), (3, False), (1, True), (1, False)])
def test_one_convolution_for_all_is_that_of_each_samples_weights(side: int, demodulate: bool) -> None:
    torch.manual_seed(0)
    layer = ModulatedConvolution(5, 7, 4, side, NOUGHTS, demodulate).double()
    x, w = torch.randn(3, 5, 6, 6).double(), torch.randn(3, 4).double()
    gradients = []
    for y in (layer(x, w), of_each_sample(layer, x, w, demodulate)):
        gradients.append([y, *torch.autograd.grad(y.sin().sum(), list(layer.parameters()))])
    for ours, wanted in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, wanted)


def test_kernels_look_the_same_after_half_a_turn_where_pictures_are_continued_so() -> None:
    torch.manual_seed(6)
    layer = ModulatedConvolution(5, 7, 4, 3, Surroundings(by_noughts, is_turned=True))
    x, w = torch.randn(3, 5, 6, 6), torch.randn(3, 4)
    torch.testing.assert_close(layer(x.flip(2, 3), w), layer(x, w).flip(2, 3))
    plain = ModulatedConvolution(5, 7, 4, 3, NOUGHTS)
    assert (plain(x.flip(2, 3), w) - plain(x, w).flip(2, 3)).abs().max() > 0.1


def test_the_strength_of_a_style_does_not_matter_once_demodulated() -> None:
    torch.manual_seed(1)
    layer = ModulatedConvolution(5, 7, 4, 3, NOUGHTS)
    x, w = torch.randn(2, 5, 6, 6), torch.randn(2, 4)
    once = layer(x, w)
    with torch.no_grad():
        layer.to_scales.weight.mul_(3.0)
        layer.to_scales.bias.mul_(3.0)
    torch.testing.assert_close(layer(x, w), once, atol=1e-5, rtol=1e-5)


def test_a_layer_keeps_the_second_moment_of_normal_numbers() -> None:
    torch.manual_seed(2)
    layer = StyledLayer(64, 64, 16, NOUGHTS)
    with torch.no_grad():
        y = layer(torch.randn(4, 64, 32, 32), torch.randn(4, 16))
    assert y.square().mean().item() == pytest.approx(1.0, rel=0.1)


def test_equalised_layers_scale_when_used() -> None:
    torch.manual_seed(3)
    x = torch.randn(500, 100)
    assert EqualisedLinear(100, 50)(x).std().item() == pytest.approx(1.0, rel=0.1)
    slow = EqualisedLinear(100, 50, bias=2.0, learning_rate=0.01)
    assert slow.weight.std().item() == pytest.approx(100.0, rel=0.1)
    assert slow(x).mean().item() == pytest.approx(2.0, abs=0.1)
    images = torch.randn(2, 32, 16, 16)
    assert EqualisedConvolution(32, 8, stride=2)(images).shape == (2, 8, 8, 8)
    assert EqualisedConvolution(32, 8, side=1, has_bias=False)(images).std().item() == pytest.approx(1.0, rel=0.15)


def test_an_output_begins_as_small_as_it_is_told() -> None:
    torch.manual_seed(4)
    x, w = torch.randn(8, 64, 8, 8), torch.randn(8, 16)
    whole, small = (StyledOutput(64, 3, 16, *how)(x, w).std().item() for how in ((), (0.5, 0.1)))
    assert small == pytest.approx(0.05 * whole, rel=0.5)


def test_the_mapping_does_not_see_the_length_of_z() -> None:
    torch.manual_seed(5)
    mapping = MappingNetwork(16)
    z = torch.randn(3, 16)
    torch.testing.assert_close(mapping(z), mapping(5.0 * z))
    assert len(mapping.layers) == 4
