# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from torch import nn

from unrender.geometry.surface import blur_separable
from unrender.networks.logit_head import blurred_logits


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("side", [0.0, 0.125, 0.25])
@pytest.mark.parametrize("blocks_at_once", [1, 10_000])
def test_values_and_all_gradients_are_those_of_the_convolution_and_the_blur(
    side: float, memory_format: torch.memory_format, blocks_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unrender.networks.logit_head._BLOCKS", blocks_at_once)
    torch.manual_seed(0)
    layer = nn.ConvTranspose3d(3, 1, 4, 2, 1)
    features = torch.randn(5, 3, 4, 5, 6).to(memory_format=memory_format).requires_grad_(True)
    inputs = [features, layer.weight, layer.bias]
    expected = blur_separable(layer(features), side)
    given = blurred_logits(features, layer, side)
    torch.testing.assert_close(given, expected, atol=1e-5, rtol=1e-5)
    upstream = torch.randn(given.shape)
    torch.testing.assert_close(
        torch.autograd.grad(given, inputs, upstream),
        torch.autograd.grad(expected, inputs, upstream),
        atol=1e-4,
        rtol=1e-4,
    )


def test_bfloat16_features_are_near_float32_and_logits_stay_float32() -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose3d(8, 1, 4, 2, 1)
    features = torch.randn(2, 8, 4, 4, 4)
    given = blurred_logits(features.bfloat16(), layer, 0.125)
    assert given.dtype == torch.float32
    torch.testing.assert_close(given, blurred_logits(features, layer, 0.125), atol=0.02, rtol=0.02)


def test_the_layer_alone_is_trained_when_the_features_need_no_gradient() -> None:
    layer = nn.ConvTranspose3d(2, 1, 4, 2, 1)
    blurred_logits(torch.ones(1, 2, 2, 2, 2), layer, 0.25).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.abs().sum() > 0
