# SPDX-License-Identifier: Apache-2.0
"""Normals in plain PyTorch. On CUDA, PyTorch sorts before it adds up by index, so that the sums have a fixed order."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional


def smooth_normals(vertices: Float[Tensor, "B N 3"], faces: Int[Tensor, "batch F 3"]) -> Float[Tensor, "B N 3"]:
    """`normals.smooth_normals`, its gradient by autograd."""
    corners, rows, is_real = _corners(vertices, faces)
    vector = _cross_of(corners)
    doubled = vector.square().sum(-1, keepdim=True)
    counts = (doubled > 0.0) & is_real & doubled.isfinite()
    corners = torch.where(counts.unsqueeze(-1), corners, corners.new_tensor([[0.0, 0, 0], [1.0, 0, 0], [0.0, 1, 0]]))
    vector = _cross_of(corners)
    length = vector.norm(dim=-1, keepdim=True)
    ahead, behind = corners.roll(-1, -2) - corners, corners.roll(1, -2) - corners
    angle = torch.atan2(length, (ahead * behind).sum(-1)).unsqueeze(-1)
    weighted = torch.where(counts.unsqueeze(-1), angle * (vector / length).unsqueeze(-2), 0.0)
    batch, count = vertices.shape[:2]
    summed = vertices.new_zeros(batch * count, 3).index_put((rows.flatten(),), weighted.reshape(-1, 3), accumulate=True)
    return functional.normalize(summed, dim=-1, eps=1e-30).view(batch, count, 3)


def _cross_of(corners: Tensor) -> Tensor:
    first = corners[..., 0, :]
    return torch.linalg.cross(corners[..., 1, :] - first, corners[..., 2, :] - first)


def _corners(vertices: Tensor, faces: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of every face: its corners [B, F, 3, 3], the rows of these among all vertices, and whether it is no padding."""
    batch, count = vertices.shape[:2]
    each = faces.long().expand(batch, -1, -1)
    if count == 0:
        return (
            vertices.new_zeros(*each.shape, 3),
            each.clamp(max=-1) + 1,
            torch.zeros_like(each[..., :1], dtype=torch.bool),
        )
    rows = each.clamp(min=0) + count * torch.arange(batch, device=vertices.device).view(-1, 1, 1)
    return vertices.reshape(-1, 3)[rows], rows, (each >= 0).all(dim=-1, keepdim=True)
