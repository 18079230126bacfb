# SPDX-License-Identifier: Apache-2.0
"""Smooth coordinates: another name for the same surface, in which a pull at one vertex takes its neighbours along."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unrender.geometry.large_steps import SmoothCoordinates
from unrender.geometry.octahedral_sphere import octahedral_sphere

SPHERE = octahedral_sphere(4)
VERTICES = torch.from_numpy(SPHERE.vertices)


def coordinates(smoothness: float) -> SmoothCoordinates:
    return SmoothCoordinates(SPHERE.faces, len(SPHERE.vertices), smoothness)


def test_there_and_back_is_the_same_surface() -> None:
    system = coordinates(20.0)
    assert torch.allclose(system.to_vertices(system.from_vertices(VERTICES)), VERTICES, atol=1e-6)


def test_without_smoothness_they_are_the_vertices() -> None:
    assert torch.equal(coordinates(0.0).to_vertices(VERTICES), VERTICES)


def test_the_matrix_is_that_of_the_definition() -> None:
    tetrahedron = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]], np.int32)
    system = SmoothCoordinates(tetrahedron, 4, 2.0)
    expected = torch.eye(4) + 2.0 * (4.0 * torch.eye(4) - torch.ones(4, 4))
    points = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(system.from_vertices(points), expected @ points, atol=1e-5)


def test_gradients_are_exact() -> None:
    points = torch.randn(len(VERTICES), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    system = coordinates(5.0)
    assert torch.autograd.gradcheck(system.to_vertices, (points.requires_grad_(),), fast_mode=True)


def test_a_pull_at_one_vertex_moves_its_surroundings_and_the_centre_of_all_alike() -> None:
    system = coordinates(20.0)
    u = system.from_vertices(VERTICES).requires_grad_()
    system.to_vertices(u)[7, 0].backward()
    assert u.grad is not None
    pull = u.grad[:, 0]
    assert (pull > 0).all()
    assert int(pull.argmax()) == 7
    assert float(pull.sum()) == pytest.approx(1.0, abs=1e-5)


def test_a_negative_smoothness_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        coordinates(-1.0)
