# SPDX-License-Identifier: Apache-2.0
"""`dibr_mask.dibr_mask` in plain PyTorch."""

import torch
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.reference.closest_points import firsts, near_pairs, ranks


def dibr_mask(
    screen: Tensor, faces: Tensor, size: tuple[int, int], sharpness: float, box: float, nearest: int, near: float
) -> Tensor:
    """Mask [B, 1, H, W] of screen [B, N, 3] and faces [1 or B, F, 3]; autograd gives the gradient."""
    pairs = near_pairs(screen, faces, size, box, False, near)
    covered = torch.zeros(len(screen) * size[0] * size[1], dtype=torch.bool, device=screen.device)
    covered[pairs.pixel[pairs.is_inside]] = True
    pairs = pairs[~covered[pairs.pixel]]
    pairs = pairs[firsts(pairs.face, pairs.squared.detach(), pairs.pixel)]
    pairs = pairs[ranks(pairs.pixel) < nearest]
    missed = torch.log(-torch.expm1(-sharpness * pairs.squared))
    mask = 0.0 - torch.expm1(missed.new_zeros(len(covered)).index_add(0, pairs.pixel, missed))
    return torch.where(covered, 1.0, mask).to(screen.dtype).view(-1, 1, *size)
