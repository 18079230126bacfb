# SPDX-License-Identifier: Apache-2.0
"""Normals with gradients: against the house's own without, against plain PyTorch, and by central differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import shapes
from unrender.geometry.vertex_normals import vertex_normals
from unrender.renderers.differentiable.rasterizer.backends import Backend
from unrender.renderers.differentiable.rasterizer.face_corners import face_corners
from unrender.renderers.differentiable.rasterizer.normals import flat_normals, smooth_normals


def solid(batch: int = 1, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Vertices of a torus of about unit size, each item of the batch another one, and its faces."""
    mesh = shapes.torus((2, 2), rings=6, sides=5, batch=batch, dtype=dtype)
    return mesh.screen, mesh.faces


def gradient(vertices: Tensor, faces: Tensor, backend: Backend) -> tuple[Tensor, Tensor]:
    leaf = vertices.clone().requires_grad_(True)
    normals = smooth_normals(leaf, faces, backend=backend)
    upstream = torch.linspace(-1.0, 1.0, normals.numel(), dtype=normals.dtype).view_as(normals)
    return normals.detach(), torch.autograd.grad(normals, leaf, upstream)[0]


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_normals_are_those_of_the_exported_meshes(backend: Backend) -> None:
    vertices, faces = solid(batch=2)
    got = smooth_normals(vertices, faces, backend=backend)
    for item in range(2):
        wanted = vertex_normals(vertices[item].numpy().astype(np.float32), faces.numpy())
        np.testing.assert_allclose(got[item].numpy(), wanted, atol=2e-4)


def test_the_kernels_are_the_reference() -> None:
    vertices, faces = solid(batch=2)
    torch.testing.assert_close(gradient(vertices, faces, "cpu"), gradient(vertices, faces, "reference"))
    own_faces = torch.stack([faces, faces.flip(0)])
    torch.testing.assert_close(gradient(vertices, own_faces, "cpu"), gradient(vertices, own_faces, "reference"))


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_gradients_are_those_of_central_differences(backend: Backend) -> None:
    vertices = torch.tensor(
        [[[0.1, 0.0, 0.2], [1.0, 0.1, 0.0], [0.2, 0.9, -0.1], [0.8, 1.1, 0.5]]], dtype=torch.float64
    )
    faces = torch.tensor([[0, 1, 2], [1, 3, 2]])
    leaf = vertices.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda v: smooth_normals(v, faces, backend=backend), leaf)
    assert torch.autograd.gradcheck(lambda v: flat_normals(v, faces, backend=backend), leaf)


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_bad_faces_do_not_count(backend: Backend) -> None:
    """Padding, no area, NaN: neither normals nor gradients of the others change."""
    vertices, faces = solid()
    more = torch.cat([vertices, vertices.new_full((1, 1, 3), math.nan), vertices[:, :1]], dim=1)
    count = vertices.shape[1]
    bad = torch.tensor([[-1, -1, -1], [0, 0, 1], [0, count, 1], [0, 1, count + 1]])
    got = gradient(more, torch.cat([faces, bad]), backend)
    for tensor, wanted in zip(got, gradient(vertices, faces, backend), strict=True):
        if tensor is got[0]:
            torch.testing.assert_close(tensor[:, :count], wanted)
            assert (tensor[:, count:] == 0.0).all()
    assert got[1].isfinite().all()
    assert smooth_normals(vertices, faces[:0], backend=backend).eq(0.0).all()


def test_the_gradient_is_bitwise_the_same_twice() -> None:
    vertices, faces = solid(batch=2, dtype=torch.float32)
    first = gradient(vertices, faces, "cpu")[1]
    assert all(torch.equal(first, gradient(vertices, faces, "cpu")[1]) for _ in range(3))


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_corners_of_faces(backend: Backend) -> None:
    draw = torch.Generator().manual_seed(0)
    rows = torch.randn(1, 5, 2, generator=draw, dtype=torch.float64, requires_grad=True)
    faces = torch.tensor([[[0, 1, 4], [-1, -1, -1]], [[4, 4, 2], [3, 1, 0]]])
    corners = face_corners(rows, faces, backend=backend)
    assert corners.shape == (2, 2, 3, 2)
    torch.testing.assert_close(corners[1, 0, 2], rows[0, 2])
    assert (corners[0, 1] == 0.0).all()
    assert torch.autograd.gradcheck(lambda r: face_corners(r, faces, backend=backend), rows)
