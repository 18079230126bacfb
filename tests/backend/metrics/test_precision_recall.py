# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from unrender.metrics.precision_recall import precision_recall


def _by_the_definition(fake: torch.Tensor, real: torch.Tensor, k: int) -> tuple[float, float]:
    def covered(point: torch.Tensor, others: torch.Tensor) -> bool:
        for i, centre in enumerate(others):
            distances = sorted(float((centre - other).norm()) for j, other in enumerate(others) if j != i)
            if float((point - centre).norm()) <= distances[k - 1]:
                return True
        return False

    precision = sum(covered(point, real) for point in fake) / len(fake)
    return precision, sum(covered(point, fake) for point in real) / len(real)


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0])
def test_equals_the_definition_by_brute_force(k: int, shift: float) -> None:
    random = torch.Generator().manual_seed(int(10 * shift) + k)
    fake = torch.randn(30, 3, generator=random, dtype=torch.float64) + shift
    real = torch.randn(40, 3, generator=random, dtype=torch.float64)
    assert precision_recall(fake, real, k) == pytest.approx(_by_the_definition(fake, real, k))


def test_a_collapsed_generator_is_precise_without_recall() -> None:
    real = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    fake = real[:1] + 1e-4 * torch.randn(200, 4, generator=torch.Generator().manual_seed(1))
    precision, recall = precision_recall(fake, real)
    assert precision == 1.0
    assert recall < 0.02


def test_sets_that_are_equal_cover_each_other() -> None:
    real = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    assert precision_recall(real, real) == (1.0, 1.0)


def test_too_few_images_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 3"):
        precision_recall(torch.zeros(3, 2), torch.zeros(9, 2))
