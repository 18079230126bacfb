# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from scipy import linalg

from unrender.metrics.frechet_distance import frechet_distance


def test_equals_the_closed_form_of_diagonal_gaussians() -> None:
    # Features with exact means and exactly diagonal covariances: corners of boxes.
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * 3)
    spread, other = torch.tensor([1.0, 2.0, 0.5]), torch.tensor([2.0, 2.0, 1.5])
    shift = torch.tensor([0.3, -0.4, 1.2])
    unbiased = 8 / 7  # the corners' covariance is spread^2 * 8 / 7
    expected = shift.square().sum() + unbiased * (spread - other).square().sum()
    assert frechet_distance(corners * spread, corners * other + shift) == pytest.approx(float(expected), rel=1e-6)


def test_equals_the_formula_with_a_matrix_square_root() -> None:
    random = torch.Generator().manual_seed(0)
    mixing = torch.randn(6, 6, generator=random, dtype=torch.float64)
    fake = torch.randn(50, 6, generator=random, dtype=torch.float64) @ mixing
    real = torch.randn(70, 6, generator=random, dtype=torch.float64) + 1.0
    covariances = fake.T.cov().numpy(), real.T.cov().numpy()
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = (fake.mean(0) - real.mean(0)).square().sum().item()
    expected += (covariances[0] + covariances[1] - 2.0 * root).trace()
    assert frechet_distance(fake, real) == pytest.approx(expected, rel=1e-6)


def test_is_nought_for_the_same_features_and_grows_when_there_are_fewer() -> None:
    random = torch.Generator().manual_seed(0)
    features = torch.randn(4000, 16, generator=random)
    assert frechet_distance(features[:500], features[:500]) == pytest.approx(0.0, abs=1e-6)
    few, many = (frechet_distance(features[:n], features[2000 : 2000 + n]) for n in (50, 1500))
    assert few > 5 * many > 0.0, "the documented bias"


def test_one_image_has_no_covariance() -> None:
    with pytest.raises(ValueError, match="at least two"):
        frechet_distance(torch.zeros(1, 4), torch.zeros(8, 4))
