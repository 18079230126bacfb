# SPDX-License-Identifier: Apache-2.0
"""Light by spherical harmonics: the basis by quadrature over the sphere, and the light of a known environment."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from unrender.geometry.lighting import shade_by_harmonics, spherical_harmonics


def sphere(nodes: int = 24) -> tuple[Tensor, Tensor]:
    """Directions [1, 3, S] and weights [S] of a quadrature that is exact for polynomials of low degree: evenly in
    azimuth, by trapezes in a fine grid of z that ends at the poles."""
    count = 2001
    z = torch.linspace(-1.0, 1.0, count, dtype=torch.float64)
    share = torch.full((count,), 2.0 / (count - 1), dtype=torch.float64)
    share[0] = share[-1] = 1.0 / (count - 1)
    around = torch.arange(nodes, dtype=torch.float64) * (2.0 * math.pi / nodes)
    ring = (1.0 - z * z).sqrt()[:, None]
    height = z[:, None].expand(-1, nodes)
    directions = torch.stack([ring * around.cos(), ring * around.sin(), height]).flatten(1)[None]
    return directions, (share[:, None] * (2.0 * math.pi / nodes)).expand(-1, nodes).flatten()


def test_the_basis_is_orthonormal() -> None:
    directions, weights = sphere()
    basis = spherical_harmonics(directions)[0]
    torch.testing.assert_close((basis * weights) @ basis.T, torch.eye(9, dtype=torch.float64), atol=1e-4, rtol=0.0)


def test_the_order_is_that_of_degree_and_order() -> None:
    """Each function is largest where it should be, and has the sign of its monomial there."""
    root = math.sqrt(0.5)
    where = [(0, 1, 0), (0, 0, 1), (1, 0, 0), (root, root, 0), (0, root, root), (0, 0, 1), (root, 0, root), (1, 0, 0)]
    directions, _ = sphere()
    largest = spherical_harmonics(directions)[0].amax(dim=1)
    for number, direction in enumerate(where, start=1):
        value = spherical_harmonics(torch.tensor([direction], dtype=torch.float64).unsqueeze(-1))[0, number, 0]
        assert value == pytest.approx(float(largest[number]), rel=2e-3)


def test_a_sky_brighter_above_lights_as_the_integral_over_it_says() -> None:
    """Light 1 + y from all sides: Lambert's integral over the hemisphere, divided by pi, is 1 + 2/3 n_y."""
    directions, weights = sphere(96)
    incoming = 1.0 + directions[0, 1]
    coefficients = (spherical_harmonics(directions)[0] * weights * incoming).sum(dim=1)
    by_degree = torch.tensor([1.0] + [2 / 3] * 3 + [1 / 4] * 5, dtype=torch.float64)
    normal = torch.nn.functional.normalize(torch.tensor([[0.3, 0.5, -0.2], [0.0, -1.0, 0.0]], dtype=torch.float64)).T[
        None
    ]
    shade = shade_by_harmonics((coefficients * by_degree).view(1, 1, 9), normal)
    torch.testing.assert_close(shade[0, 0], 1.0 + 2 / 3 * normal[0, 1], atol=1e-4, rtol=0.0)
    for number in range(2):
        cosine = (normal[0, :, number] @ directions[0]).clamp(min=0.0)
        assert (weights * incoming * cosine).sum() / math.pi == pytest.approx(float(shade[0, 0, number]), abs=2e-3)


def test_gradients_reach_coefficients_of_each_item_and_channel_and_the_normals() -> None:
    draw = torch.Generator().manual_seed(0)
    for shape in ((1, 1, 9), (2, 3, 9)):
        coefficients = torch.randn(shape, generator=draw, dtype=torch.float64, requires_grad=True)
        normal = torch.randn(2, 3, 2, 2, generator=draw, dtype=torch.float64, requires_grad=True)
        assert shade_by_harmonics(coefficients, normal).shape == (2, shape[1], 2, 2)
        assert torch.autograd.gradcheck(shade_by_harmonics, (coefficients, normal))
