# SPDX-License-Identifier: Apache-2.0
"""Normals of batches of meshes that move, with gradients to their vertices."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from unrender.renderers.differentiable.rasterizer.backends import Backend, kernels, resolve
from unrender.renderers.differentiable.rasterizer.checks import batched, check_faces, check_screen, check_together
from unrender.renderers.differentiable.rasterizer.face_corners import face_corners
from unrender.renderers.differentiable.rasterizer.reference import normals as reference


def smooth_normals(
    vertices: Float[Tensor, "B N 3"], faces: Int[Tensor, "*batch F 3"], *, backend: Backend = "auto"
) -> Float[Tensor, "B N 3"]:
    """Unit normals at the vertices: those of the faces around it, weighted by each face's angle at the vertex, as
    Blender has them (`geometry.vertex_normals` has them without gradients).

    vertices: in any right-handed frame. faces: [F, 3] for the whole batch, or [B, F, 3]; counter-clockwise seen from
    outside; rows with a -1 are padding. Faces without area, or with a vertex that is not finite, do not count; a vertex
    without any other gets (0, 0, 0). The order of all sums is fixed. Raises ValueError for other shapes or indices.
    """
    _check(vertices, faces)
    if resolve(backend, vertices) == "cpu":
        normals: Tensor = _SmoothNormals.apply(vertices, batched(faces))
        return normals
    return reference.smooth_normals(vertices, batched(faces))


def flat_normals(
    vertices: Float[Tensor, "B N 3"], faces: Int[Tensor, "*batch F 3"], *, backend: Backend = "auto"
) -> Float[Tensor, "B F 3"]:
    """Unit normals of the faces, (0, 0, 0) for padding and for faces without area; inputs as for `smooth_normals`."""
    _check(vertices, faces)
    first, second, third = face_corners(vertices, faces, backend=backend).unbind(-2)
    return functional.normalize(torch.linalg.cross(second - first, third - first), dim=-1, eps=1e-30)


def _check(vertices: Tensor, faces: Tensor) -> None:
    check_screen(vertices)
    check_faces(faces, vertices.shape[1], len(vertices))
    check_together(vertices=vertices, faces=faces)


class _SmoothNormals(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, vertices: Tensor, faces: Tensor) -> Tensor:  # type: ignore[override]
        vertices = vertices.contiguous()
        normals, lengths = kernels("normals", "cpu").smooth_normals_forward(vertices, faces)
        context.save_for_backward(vertices, faces, normals, lengths)
        result: Tensor = normals
        return result

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        saved = context.saved_tensors
        return kernels("normals", "cpu").smooth_normals_backward(*saved, gradient.contiguous()), None
