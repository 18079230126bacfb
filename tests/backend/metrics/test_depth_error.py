# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from unrender.metrics.depth_error import depth_error

EVERYWHERE = torch.ones(1, 1, 8, 8, dtype=torch.bool)


def _ramp() -> torch.Tensor:
    return torch.arange(64.0).view(1, 1, 8, 8) / 64.0


def test_scale_and_distance_are_forgiven() -> None:
    assert depth_error(3.0 * _ramp() + 5.0, _ramp(), EVERYWHERE).item() == pytest.approx(0.0, abs=1e-6)


def test_inside_out_is_as_bad_as_flat() -> None:
    flat = depth_error(torch.full_like(_ramp(), 2.0), _ramp(), EVERYWHERE)
    mean_deviation = (_ramp() - _ramp().mean()).abs().mean()
    assert flat.item() == pytest.approx(mean_deviation.item(), rel=1e-5)
    assert depth_error(-_ramp(), _ramp(), EVERYWHERE).item() == pytest.approx(flat.item(), rel=1e-5)


def test_only_what_is_asked_for_counts() -> None:
    where = EVERYWHERE.clone()
    where[..., :3] = False
    damaged = torch.where(where, _ramp(), 100.0)
    assert depth_error(damaged, _ramp(), where).item() == pytest.approx(0.0, abs=1e-6)


def test_the_fit_is_that_of_the_least_squares() -> None:
    draw = torch.Generator().manual_seed(0)
    found, known = torch.rand(2, 1, 1, 8, 8, generator=draw, dtype=torch.float64).unbind(0)
    found = found + known  # so that the scale is positive
    system = torch.stack([found.flatten(), torch.ones(64, dtype=torch.float64)], dim=1)
    fit = system @ torch.linalg.lstsq(system, known.flatten()).solution
    expected = (fit - known.flatten()).abs().mean().item()
    assert depth_error(found, known, EVERYWHERE).item() == pytest.approx(expected, rel=1e-9)


def test_too_few_pixels_say_nothing() -> None:
    where = torch.zeros_like(EVERYWHERE)
    where[..., 0, :] = True
    assert math.isnan(depth_error(_ramp(), _ramp(), where).item())
