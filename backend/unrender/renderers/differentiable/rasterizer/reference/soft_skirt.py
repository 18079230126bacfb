# SPDX-License-Identifier: Apache-2.0
"""`soft_skirt.soft_skirt` in plain PyTorch."""

import torch
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.reference.closest_points import (
    Pairs,
    firsts,
    near_pairs,
    ranks,
    surface_points,
)


def soft_skirt(
    screen: Tensor,
    faces: Tensor,
    depth: Tensor,
    margin: float,
    push: float,
    casting: Tensor | None,
    perspective: bool,
    cull: bool,
    near: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Face [B, H, W] int32, barycentrics [B, 3, H, W], depth [B, 1, H, W] and alpha [B, 1, H, W] of the skirt.

    screen [B, N, 3], faces [1 or B, F, 3]. depth: of the crisp fragments [B, 1, H, W], infinite where nothing is.
    casting: None for Szabo's depth test, `contours.casting` [B, F] for the corrected one. Autograd gives the gradient.
    """
    size = (depth.shape[2], depth.shape[3])
    pairs = near_pairs(screen, faces, size, margin, cull, near)
    pairs = pairs[~pairs.is_strictly_inside & (pairs.squared < margin**2)]
    barycentrics, along = surface_points(pairs.weights, pairs.corners[:, :, 2], perspective)
    # A centre on a border has no direction to it: no gradient, rather than that of the root at nought.
    is_apart = pairs.squared > 0.0
    distance = torch.where(is_apart, torch.where(is_apart, pairs.squared, 1.0).sqrt(), 0.0)
    crisp = depth.detach().double().flatten()[pairs.pixel]
    if casting is None:
        key = (along * (1.0 + push * distance / margin)).detach()
        is_seen = key < crisp
    else:
        key = pairs.squared.detach()
        is_seen = (along < crisp) & _casts(pairs, casting.flatten()[_row(pairs, casting, size)])
    order = firsts(pairs.face, (~pairs.is_front).int(), along.detach(), key, pairs.pixel)
    order = order[is_seen[order]]
    best = order[ranks(pairs.pixel[order]) == 0]

    pixel, pixels = pairs.pixel[best], depth.numel()
    alpha = distance.new_zeros(pixels).index_put((pixel,), 1.0 - distance[best] / margin)
    place = distance.new_zeros(pixels).index_put((pixel,), along[best])
    weights = distance.new_zeros(pixels, 3).index_put((pixel,), barycentrics[best])
    face = torch.full((pixels,), -1, dtype=torch.int32, device=screen.device)
    face[pixel] = pairs.face[best].int()
    return (
        face.view(-1, *size),
        weights.view(-1, *size, 3).permute(0, 3, 1, 2).to(screen.dtype),
        place.view(-1, 1, *size).to(screen.dtype),
        alpha.view(-1, 1, *size).to(screen.dtype),
    )


def _row(pairs: Pairs, casting: Tensor, size: tuple[int, int]) -> Tensor:
    """Where a pair's face is in the flattened table."""
    return pairs.pixel // (size[0] * size[1]) * casting.shape[1] + pairs.face


def _casts(pairs: Pairs, casting: Tensor) -> Tensor:
    """Whether the nearest point of each pair is on the outside of a contour.

    casting [P]: bit i: edge i is on a contour; bit 3 + i: the contour turns outwards in corner i.
    """

    def is_outside(edge: Tensor) -> Tensor:
        side = pairs.sides.gather(1, edge.unsqueeze(1)).squeeze(1)
        return ((casting >> edge) & 1).bool() & (side <= 0.0)

    corner = pairs.corner.clamp(min=0)
    at_corner = ((casting >> (3 + corner)) & 1).bool() & (is_outside(corner) | is_outside((corner + 2) % 3))
    return torch.where(pairs.corner < 0, is_outside(pairs.edge), at_corner)
