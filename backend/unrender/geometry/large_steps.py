# SPDX-License-Identifier: Apache-2.0
"""Coordinates in which gradient steps deform a surface smoothly (Nicolet, Jacobson and Jakob, "Large Steps in Inverse
Rendering of Geometry", 2021, section 3)."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import sparse
from scipy.sparse.linalg import splu
from torch import Tensor
from torch.autograd.function import once_differentiable


class SmoothCoordinates:
    """u = (I + smoothness L) x, with x the vertices and (L x)_i the sum over the neighbours j of i of x_i - x_j.

    A step along the gradient in u moves the vertices by the gradient blurred twice over some sqrt(smoothness) edges, so
    that a force at an outline bends the surface around it rather than tear a spike out of it. What is fitted is
    unchanged: every x has its u. The matrix is factorised once, in float64, on the CPU.
    """

    def __init__(self, faces: Int[np.ndarray, "F 3"], vertices: int, smoothness: float) -> None:
        if smoothness < 0.0:
            raise ValueError(f"smoothness came as {smoothness}; expected 0 or more")
        ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        ends = np.unique(np.concatenate([ends, ends[:, ::-1]]), axis=0)
        neighbours = sparse.coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(vertices, vertices))
        laplacian = sparse.diags_array(neighbours.sum(axis=1)) - neighbours
        self._matrix = (sparse.eye_array(vertices) + smoothness * laplacian).tocsc()
        self._factors = splu(self._matrix)

    def from_vertices(self, vertices: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
        """The coordinates of a surface; carries no gradient."""
        return torch.from_numpy(self._matrix @ _doubles(vertices)).to(vertices)

    def to_vertices(self, coordinates: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
        """The surface of the coordinates, with gradients."""
        vertices: Tensor = _Solve.apply(coordinates, self)
        return vertices

    def solve(self, right: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
        """The x of (I + smoothness L) x = right."""
        return torch.from_numpy(self._factors.solve(_doubles(right))).to(right)


class _Solve(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, coordinates: Tensor, system: SmoothCoordinates) -> Tensor:  # type: ignore[override]
        context.system = system
        return system.solve(coordinates)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return context.system.solve(gradient), None  # the matrix is symmetric


def _doubles(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().astype(np.float64)
