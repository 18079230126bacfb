# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from torch import nn

from unrender.training.average import decay_of_step, update_average


def test_after_its_half_life_half_of_what_was_is_left() -> None:
    average, current = nn.Linear(2, 1), nn.Linear(2, 1)
    nn.init.zeros_(average.weight)
    nn.init.ones_(current.weight)
    for _ in range(10):
        update_average(average, current, decay_of_step(16, 160, 1_000_000))
    torch.testing.assert_close(average.weight, torch.full((1, 2), 0.5))


def test_the_half_life_of_a_young_run_is_a_share_of_its_age() -> None:
    assert decay_of_step(16, 10_000, 0) == 0.0
    assert decay_of_step(16, 10_000, 6_400) == pytest.approx(0.5 ** (16 / 320))
    assert decay_of_step(16, 10_000, 10**6) == pytest.approx(0.5 ** (16 / 10_000))
