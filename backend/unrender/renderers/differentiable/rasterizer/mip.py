# SPDX-License-Identifier: Apache-2.0
"""The coarser levels of a texture: their sizes, and the box filter that makes each from the one before."""

import torch
from jaxtyping import Float
from torch import Tensor


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) of every level of a pyramid, finest first: halved and rounded down until one texel is left."""
    count = max(height, width).bit_length()
    return [(max(1, height >> level), max(1, width >> level)) for level in range(count)]


def mip_pyramid(image: Float[Tensor, "B C h w"]) -> list[Float[Tensor, "B C _h _w"]]:
    """The levels of a texture, finest first. Every texel of a level is the mean over the part of the level before that
    it covers, of odd sides too (a side of 2m + 1 texels is cut into m equal parts), so that all levels have the mean of
    the texture. Differentiable, on any device."""
    levels = [image]
    for height, width in level_sizes(*image.shape[-2:])[1:]:
        levels.append(_shrink(_shrink(levels[-1], height).mT, width).mT)
    return levels


def _shrink(image: Tensor, rows: int) -> Tensor:
    """The box filter of [B, C, h, w] from h rows to h // 2, or from one row to itself."""
    height = image.shape[-2]
    if height == rows:
        return image
    even, odd = image[..., 0 : 2 * rows : 2, :], image[..., 1 : 2 * rows : 2, :]
    if height == 2 * rows:
        return 0.5 * (even + odd)
    # Part j covers the share (m - j) / n of texel 2j, all of 2j + 1, and (j + 1) / n of 2j + 2, in units of its length.
    place = torch.arange(rows, dtype=image.dtype, device=image.device).view(-1, 1)
    return ((rows - place) * even + rows * odd + (place + 1.0) * image[..., 2::2, :]) / height
