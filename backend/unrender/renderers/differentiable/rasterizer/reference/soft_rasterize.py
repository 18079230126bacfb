# SPDX-License-Identifier: Apache-2.0
"""`soft_rasterize.soft_rasterize` in plain PyTorch."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from unrender.renderers.differentiable.rasterizer.reference.closest_points import near_pairs, surface_points


def soft_rasterize(
    screen: Tensor,
    faces: Tensor,
    attributes: Tensor,
    attribute_faces: Tensor,
    size: tuple[int, int],
    sigma: float,
    gamma: float,
    reach: float,
    background: float,
    perspective: bool,
    cull: bool,
    near: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Colour [B, C, H, W], alpha [B, 1, H, W] and background weight [B, 1, H, W]; autograd gives the gradients.

    screen [B, N, 3], faces [1 or B, F, 3], attributes [1 or B, M, C], attribute_faces [1 or B, F, 3].
    sigma: squared pixels. gamma: units of depth. reach: pixels beyond which a face does not count. background: depth
    that the background competes with.
    """
    batch, pixels = len(screen), len(screen) * size[0] * size[1]
    pairs = near_pairs(screen, faces, size, reach, cull, near)
    pairs = pairs[pairs.is_inside | (pairs.squared < reach**2)]
    signed = torch.where(pairs.is_inside, pairs.squared, -pairs.squared) / sigma
    missed = signed.new_zeros(pixels).index_add(0, pairs.pixel, logsigmoid(-signed))

    linear = torch.where(pairs.is_inside.unsqueeze(1), pairs.inner_weights(), pairs.weights)
    barycentrics, depth = surface_points(linear, pairs.corners[:, :, 2], perspective)
    score = logsigmoid(signed) + (background - depth) / gamma  # the background's own is 0
    highest = score.detach().new_zeros(pixels).scatter_reduce(0, pairs.pixel, score.detach(), "amax")
    share, rest = torch.exp(score - highest[pairs.pixel]), torch.exp(-highest)
    total = rest.index_add(0, pairs.pixel, share)
    weights = share / total[pairs.pixel]

    image = pairs.pixel // (size[0] * size[1])
    own = attribute_faces.long()[image if len(attribute_faces) > 1 else 0, pairs.face]
    values = attributes.double()[image.unsqueeze(1) if len(attributes) > 1 else 0, own]
    seen = (weights.unsqueeze(1) * barycentrics).unsqueeze(2) * values
    colour = seen.new_zeros(pixels, attributes.shape[2]).index_add(0, pairs.pixel, seen.sum(dim=1))
    return (
        colour.view(batch, *size, -1).permute(0, 3, 1, 2).to(screen.dtype),
        (0.0 - torch.expm1(missed)).view(batch, 1, *size).to(screen.dtype),
        (rest / total).view(batch, 1, *size).to(screen.dtype),
    )
