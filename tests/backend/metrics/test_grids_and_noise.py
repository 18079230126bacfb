# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest
import torch

from unrender.metrics.grid_statistics import grid_statistics, mean_statistics
from unrender.metrics.psnr import psnr


def test_statistics_of_a_grid_that_one_can_count() -> None:
    grid = np.zeros((4, 4, 4), np.float32)
    grid[0, 0, :3] = 0.95  # the largest piece
    grid[2, 2, 2] = 0.6  # a floater that touches nothing by a face
    grid[3, 3, 3] = 0.3  # undecided and below the threshold
    statistics = grid_statistics(grid, 0.5)
    assert statistics.full_share == 4 / 64
    assert statistics.grey_share == 2 / 64
    assert statistics.pieces == 2
    assert statistics.floater_share == pytest.approx(0.25)
    assert statistics.empty_share == 0.0
    assert grid_statistics(grid, 0.2).pieces == 3


def test_an_empty_grid_and_means() -> None:
    empty, full = (
        grid_statistics(np.zeros((2, 2, 2), np.float32), 0.5),
        grid_statistics(np.ones((2, 2, 2), np.float32), 0.5),
    )
    assert (empty.pieces, empty.floater_share, empty.empty_share) == (0, 0, 1)
    mean = mean_statistics([empty, full])
    assert (mean.full_share, mean.pieces, mean.empty_share) == (0.5, 0.5, 0.5)


def test_psnr_of_a_known_error() -> None:
    truth = torch.zeros(2, 1, 4, 4)
    assert psnr(truth + 0.1, truth) == pytest.approx(20.0, abs=1e-5)
    assert psnr(truth, truth) == math.inf
