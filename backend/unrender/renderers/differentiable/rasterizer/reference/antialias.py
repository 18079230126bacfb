# SPDX-License-Identifier: Apache-2.0
"""`antialias.antialias` in plain PyTorch: autograd gives the gradients."""

import torch
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.fragments import Fragments
from unrender.renderers.differentiable.rasterizer.reference.contours import contours, crossing, edge_ends


def antialias(image: Tensor, screen: Tensor, faces: Tensor, ring: Tensor, fragments: Fragments) -> Tensor:
    """The blended image [B, C, H, W]; faces and ring [1 or B, F, 3]."""
    pixel = torch.arange(fragments.face.numel(), device=image.device).view_as(fragments.face).unsqueeze(1)
    changed, amounts, differences = [], [], []
    for axis in (0, 1):
        pairs = contours(screen, faces, ring, fragments.face, fragments.depth, axis)
        pairs = pairs.chosen(pairs.edge >= 0)
        start, end = edge_ends(faces, pairs)
        extent = (screen[pairs.image, end] - screen[pairs.image, start]).detach().abs()
        # Every contour is blended along one axis: rows for steep edges, columns for others.
        is_mine = extent[:, 0] <= extent[:, 1] if axis == 0 else extent[:, 1] < extent[:, 0]
        pairs, start, end = pairs.chosen(is_mine), start[is_mine], end[is_mine]
        offset = crossing(screen.double(), pairs, start, end).clamp(0.0, 1.0).to(image.dtype) - 0.5
        first_changes = (offset < 0.0).unsqueeze(1)
        colours = pairs.first(image), pairs.second(image)
        changed.append(torch.where(first_changes, pairs.first(pixel), pairs.second(pixel))[:, 0])
        amounts.append(torch.where(first_changes[:, 0], -offset, offset))
        differences.append(torch.where(first_changes, colours[1] - colours[0], colours[0] - colours[1]))
    index, amount = torch.cat(changed), torch.cat(amounts)
    total = image.new_zeros(pixel.numel()).index_add(0, index, amount)
    share = amount / total.clamp(min=1.0)[index]
    pixels = image.permute(0, 2, 3, 1)
    blended = pixels.reshape(pixel.numel(), image.shape[1]).index_add(
        0, index, share.unsqueeze(1) * torch.cat(differences)
    )
    return blended.view_as(pixels).permute(0, 3, 1, 2)
