# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from unrender.metrics.frechet_distance import GivenFeatures
from unrender.metrics.kernel_distance import kernel_distance, kernel_distance_deviation


def test_equals_the_definition_on_tiny_sets() -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    b = torch.tensor([[0.0, 1.0], [2.0, 2.0]])

    def kernel(x: torch.Tensor, y: torch.Tensor) -> float:
        return (float(x @ y) / 2 + 1) ** 3

    within_a = sum(kernel(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j) / 6
    within_b = sum(kernel(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j) / 2
    between = sum(kernel(x, y) for x in a for y in b) / 6
    assert kernel_distance(a, b) == pytest.approx(within_a + within_b - 2 * between)


def test_is_near_nought_for_one_distribution_and_grows_with_the_shift() -> None:
    random = torch.Generator().manual_seed(0)
    a, b = torch.randn(600, 8, generator=random), torch.randn(600, 8, generator=random)
    same, near, far = (kernel_distance(a + shift, b) for shift in (0.0, 0.5, 1.0))
    assert abs(same) < 0.03
    assert same < near < far


def test_equals_torchmetrics_on_sets_of_one_size() -> None:
    from torchmetrics.image.kid import KernelInceptionDistance

    random = torch.Generator().manual_seed(1)
    a, b = torch.randn(40, 8, generator=random).double(), torch.randn(40, 8, generator=random).double() + 0.5
    metric = KernelInceptionDistance(feature=GivenFeatures(8), subsets=1, subset_size=40)
    metric.update(a, real=False)
    metric.update(b, real=True)
    assert kernel_distance(a, b) == pytest.approx(float(metric.compute()[0]), rel=1e-9)


def test_the_deviation_shrinks_with_more_images_and_leaves_the_random_state_alone() -> None:
    random = torch.Generator().manual_seed(0)
    a, b = torch.randn(800, 4, generator=random), torch.randn(800, 4, generator=random)
    state = torch.random.get_rng_state()
    few, many = kernel_distance_deviation(a[:50], b[:50]), kernel_distance_deviation(a, b)
    assert few > 2 * many > 0.0
    assert torch.equal(state, torch.random.get_rng_state())
    with pytest.raises(ValueError, match="halves"):
        kernel_distance_deviation(a[:3], b)
