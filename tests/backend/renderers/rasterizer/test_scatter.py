# SPDX-License-Identifier: Apache-2.0
"""Sums of pixels into vertices."""

from __future__ import annotations

import pytest
import torch

from unrender.renderers.differentiable.rasterizer.backends import Backend
from unrender.renderers.differentiable.rasterizer.scatter import scatter_corners


@pytest.mark.parametrize("sets", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_each_pixel_adds_to_the_corners_of_its_face(sets: int, dtype: torch.dtype, backend: Backend) -> None:
    draw = torch.Generator().manual_seed(0)
    faces = torch.randint(0, 5, (sets, 6, 3), generator=draw, dtype=torch.int32)
    face = torch.randint(-1, 6, (2, 4, 5), generator=draw, dtype=torch.int32)
    values = torch.randn(2, 4, 5, 3, 2, generator=draw).to(dtype)
    summed = scatter_corners(values, face, faces, 7, backend=backend)
    expected = torch.zeros(2, 7, 2, dtype=dtype)
    for image in range(2):
        for row in range(4):
            for column in range(5):
                seen = int(face[image, row, column])
                for corner in range(3 if seen >= 0 else 0):
                    expected[image, faces[image % sets, seen, corner]] += values[image, row, column, corner]
    torch.testing.assert_close(summed, expected, rtol=1e-5, atol=1e-5)


def test_a_million_small_amounts_are_not_lost(backend: Backend) -> None:
    """One vertex is seen by every pixel: the sum must not stall where float32 has no room for a single amount more."""
    side = 64 if backend == "cuda" else 512
    values = torch.full((1, side, side, 3, 1), 0.1)
    faces = torch.zeros(1, 1, 3, dtype=torch.int32)
    summed = scatter_corners(values, torch.zeros(1, side, side, dtype=torch.int32), faces, 1, backend=backend)
    tolerance = 1e-2 if backend == "reference" else 1e-6
    torch.testing.assert_close(summed, torch.full((1, 1, 1), 0.3 * side * side), rtol=tolerance, atol=0.0)


def test_nothing_to_add(backend: Backend) -> None:
    face = torch.full((2, 3, 3), -1, dtype=torch.int32)
    for faces in (torch.zeros(1, 0, 3, dtype=torch.int32), torch.full((2, 4, 3), -1, dtype=torch.int32)):
        summed = scatter_corners(torch.ones(2, 3, 3, 3, 2), face, faces, 4, backend=backend)
        assert torch.equal(summed, torch.zeros(2, 4, 2))
