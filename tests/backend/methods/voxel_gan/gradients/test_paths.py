# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from unrender.methods.voxel_gan.gradients.paths import shown_to_proxy

THRESHOLD = torch.tensor([0.02, 0.6])


@pytest.fixture
def grids() -> torch.Tensor:
    grids = torch.rand(2, 1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    grids[:, :, 0], grids[:, :, 1] = 0.0, 1.0
    return grids.requires_grad_(True)


def test_straight_through_shows_the_binary_grid_and_hands_the_gradient_on(grids: torch.Tensor) -> None:
    shown = shown_to_proxy(grids, THRESHOLD, "straight_through", 0.1)
    torch.testing.assert_close(shown, (grids > THRESHOLD.view(2, 1, 1, 1, 1)).float(), atol=1e-6, rtol=0)
    upstream = torch.randn(shown.shape, generator=torch.Generator().manual_seed(1))
    shown.backward(upstream)
    assert torch.equal(grids.grad, upstream)


def test_continuous_shows_the_grid_itself(grids: torch.Tensor) -> None:
    assert shown_to_proxy(grids, THRESHOLD, "continuous", 0.1) is grids


def test_threshold_conditioned_is_nearly_binary_and_keeps_empty_and_full(grids: torch.Tensor) -> None:
    shown = shown_to_proxy(grids, THRESHOLD, "threshold_conditioned", 0.1)
    torch.testing.assert_close(shown[:, :, 0], torch.zeros(2, 1, 4, 4), atol=1e-6, rtol=0)
    torch.testing.assert_close(shown[:, :, 1], torch.ones(2, 1, 4, 4), atol=1e-6, rtol=0)
    sharp = shown_to_proxy(grids, THRESHOLD, "threshold_conditioned", 1e-3)
    away = (grids - THRESHOLD.view(2, 1, 1, 1, 1)).abs() > 0.02
    binary = (grids > THRESHOLD.view(2, 1, 1, 1, 1)).float()
    torch.testing.assert_close(sharp[1:][away[1:]], binary[1:][away[1:]], atol=1e-4, rtol=0)
    shown.sum().backward()
    near = (grids - THRESHOLD.view(2, 1, 1, 1, 1)).abs() < 0.1
    assert grids.grad is not None
    assert grids.grad[near].min() > 2 * grids.grad[(grids - THRESHOLD.view(2, 1, 1, 1, 1)) > 0.3].max()
