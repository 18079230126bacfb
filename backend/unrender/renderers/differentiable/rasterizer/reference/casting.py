# SPDX-License-Identifier: Apache-2.0
"""`casting.casting_features` in plain PyTorch."""

import torch
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.casting import CORNER, EDGE


def casting_features(screen: Tensor, faces: Tensor, ring: Tensor, near: float) -> Tensor:
    """Bits [B, F] of screen [B, N, 3], faces [1 or B, F, 3] and their `edges.edge_ring`."""
    batch, count = len(screen), faces.shape[1]
    faces, ring = faces.long().expand(batch, -1, -1), ring.long().expand(batch, -1, -1).flatten(1)
    is_real = (faces >= 0).all(-1)
    faces = torch.where(is_real.unsqueeze(-1), faces, 0)
    image = torch.arange(batch, device=screen.device).view(-1, 1, 1)
    corners = screen.double()[image, faces] if count else screen.new_empty(batch, 0, 3, 3, dtype=torch.float64)
    start, third = corners[..., :2], corners[..., :2].roll(-2, 2)
    along = start.roll(-1, 2) - start
    is_drawn = is_real & corners.isfinite().all(-1).all(-1) & (corners[..., 2] >= near).all(-1)
    side = _cross(along, third - start)  # of the face's own third corner, per half-edge [B, F, 3]

    # Walk around the ring of every half-edge until all are back at their start.
    own = torch.arange(3 * count, device=screen.device)
    goes_on = torch.zeros_like(ring, dtype=torch.bool)
    other = ring
    while (other != own).any():
        face, opposite = other // 3, third.flatten(1, 2).gather(1, other.unsqueeze(-1).expand(-1, -1, 2))
        there = _cross(along.flatten(1, 2), opposite - start.flatten(1, 2))
        goes_on |= (other != own) & is_drawn.gather(1, face) & (there * side.flatten(1) < 0.0)
        other = torch.where(other == own, own, ring.gather(1, other))
    is_contour = is_drawn.unsqueeze(-1) & ~goes_on.view(batch, count, 3)

    unit = torch.where(is_contour.unsqueeze(-1), along / along.norm(dim=-1, keepdim=True), 0.0)
    outward = torch.stack([unit[..., 1], -unit[..., 0]], dim=-1) * side.sign().unsqueeze(-1)
    # Sums over the contour edges of each vertex of the directions away from it, and of the outward normals.
    sums = screen.new_zeros(batch * screen.shape[1], 4, dtype=torch.float64)
    rows = faces + image * screen.shape[1]
    sums.index_add_(0, rows.flatten(), torch.cat([unit, outward], -1).flatten(0, 2))
    sums.index_add_(0, rows.roll(-1, 2).flatten(), torch.cat([-unit, outward], -1).flatten(0, 2))
    turns_outward = (sums[:, :2] * sums[:, 2:]).sum(-1) < 0.0
    at_corner = turns_outward[rows] & is_contour.any(-1, keepdim=True) if count else is_contour

    bits = 2 ** torch.arange(3, device=screen.device)
    return ((is_contour * bits * EDGE).sum(-1) + (at_corner * bits * CORNER).sum(-1)).to(torch.uint8)


def _cross(first: Tensor, second: Tensor) -> Tensor:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
