# SPDX-License-Identifier: Apache-2.0
"""From rows per vertex to rows per corner of each face, with a gradient that is the same from run to run."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from unrender.renderers.differentiable.rasterizer.backends import Backend
from unrender.renderers.differentiable.rasterizer.checks import batched, check_faces, check_together
from unrender.renderers.differentiable.rasterizer.scatter import scatter_corners


def face_corners(
    attributes: Float[Tensor, "batch N C"], faces: Int[Tensor, "*batch2 F 3"], *, backend: Backend = "auto"
) -> Float[Tensor, "B F 3 C"]:
    """The attributes of the three corners of each face, 0 for padding.

    attributes: [B, N, C], or [1, N, C] for the whole batch. faces: [F, 3], or [B, F, 3]; rows with a -1 are padding.
    PyTorch's own indexing adds up the gradients of a vertex in whatever order its threads come; this has one order.
    Raises ValueError for indices out of range.
    """
    check_faces(faces, attributes.shape[1], len(attributes) if len(attributes) > 1 or faces.ndim == 2 else len(faces))
    check_together(attributes=attributes, faces=faces)
    corners: Tensor = _FaceCorners.apply(attributes, batched(faces), backend)
    return corners


class _FaceCorners(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, attributes: Tensor, faces: Tensor, backend: Backend) -> Tensor:  # type: ignore[override]
        batch = max(len(attributes), len(faces))
        context.save_for_backward(faces)
        context.shape, context.backend = attributes.shape, backend
        if attributes.shape[1] == 0:
            return attributes.new_zeros(batch, *faces.shape[1:], attributes.shape[2])
        item = torch.arange(batch, device=faces.device).view(-1, 1, 1)
        each = faces.long().expand(batch, -1, -1)
        corners = attributes.expand(batch, -1, -1)[item, each.clamp(min=0)]
        return torch.where((each >= 0).all(dim=-1)[..., None, None], corners, 0.0)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        (faces,) = context.saved_tensors
        batch, count = gradient.shape[:2]
        is_real = (faces >= 0).all(dim=-1)
        own = torch.arange(count, dtype=torch.int32, device=faces.device)
        face = torch.where(is_real, own, -1).expand(batch, -1).unsqueeze(-1)
        summed = scatter_corners(gradient.unsqueeze(2), face, faces, context.shape[1], backend=context.backend)
        return (summed if context.shape[0] == batch else summed.sum(dim=0, keepdim=True)), None, None
