# SPDX-License-Identifier: Apache-2.0
"""CUDA kernels of a texture's pyramid of box filters, and of the gradient that runs down it.

All levels lie one after the other in one flat array, each [B, C, h, w]. What a level is, `mip` says.
"""

from itertools import pairwise

import triton.language as tl
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.cuda.device import BLOCK, blocks, kernel, launch
from unrender.renderers.differentiable.rasterizer.mip import level_sizes

# mypy: disable-error-code="no-untyped-def"


def texels_in(height: int, width: int, levels: int) -> int:
    """Texels of one channel of the first so many levels."""
    return sum(h * w for h, w in level_sizes(height, width)[:levels])


def build(image: Tensor) -> Tensor:
    """The flat pyramid of textures [B, C, h, w], the finest level first."""
    batch, channels, *finest = image.shape
    planes, sizes = batch * channels, level_sizes(finest[0], finest[1])
    pyramid = image.new_empty(planes * texels_in(finest[0], finest[1], len(sizes)))
    pyramid[: image.numel()] = image.detach().flatten()
    begin = 0
    for (height, width), (rows, columns) in pairwise(sizes):
        finer, begin = begin, begin + planes * height * width
        shape = (planes * rows * columns, height, width, rows, columns)
        launch(_shrink, (blocks(shape[0]),), pyramid[finer:], pyramid[begin:], *shape, BLOCK=BLOCK)
    return pyramid


def pull_down(gradient: Tensor, planes: int, height: int, width: int) -> None:
    """Add to each level of a pyramid's flat gradient what reaches it through the next coarser one, coarsest first."""
    sizes = level_sizes(height, width)
    for level in range(len(sizes) - 1, 0, -1):
        begin = planes * texels_in(height, width, level)
        finer = begin - planes * sizes[level - 1][0] * sizes[level - 1][1]
        shape = (begin - finer, *sizes[level - 1], *sizes[level])
        launch(_spread, (blocks(shape[0]),), gradient[finer:], gradient[begin:], *shape, BLOCK=BLOCK)


@kernel
def texels_before(level, height, width, levels):
    """Texels of one channel of the levels before `level`, a block."""
    before = tl.zeros(level.shape, tl.int64)
    for finer in range(levels):
        texels = tl.maximum(height >> finer, 1).to(tl.int64) * tl.maximum(width >> finer, 1)
        before += tl.where(level > finer, texels, 0)
    return before


@kernel
def _share(texel, count, part, dtype):
    """The share of texel `2 part + texel` (0, 1 or 2) of `count` in a part of the next coarser level."""
    parts = count // 2
    odd = tl.where(texel == 0, parts - part, tl.where(texel == 1, parts, part + 1)).to(dtype) / count
    even = tl.where(texel < 2, 0.5, 0.0).to(dtype)
    alone = tl.where(texel == 0, 1.0, 0.0).to(dtype)
    return tl.where(count == 1, alone, tl.where(count % 2 == 0, even, odd))


@kernel
def _shrink(source, result, total, height, width, rows, columns, BLOCK: tl.constexpr):
    """One level from the one before."""
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    plane, row, column = item // (rows * columns), item // columns % rows, item % columns
    dtype = result.dtype.element_ty
    mean = tl.zeros([BLOCK], dtype)
    for i in range(3):
        by_row = _share(row * 0 + i, height, row, dtype)
        for j in range(3):
            is_texel = (item < total) & (2 * row + i < height) & (2 * column + j < width)
            texel = (plane * height + 2 * row + i) * width + 2 * column + j
            share = by_row * _share(column * 0 + j, width, column, dtype)
            mean += share * tl.load(source + texel, mask=is_texel, other=0.0)
    tl.store(result + item, mean, mask=item < total)


@kernel
def _spread(target, source, total, height, width, rows, columns, BLOCK: tl.constexpr):
    """Add a level's gradient to that of the one before: the adjoint of `_shrink`."""
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    plane, row, column = item // (height * width), item // width % height, item % width
    dtype = target.dtype.element_ty
    added = tl.load(target + item, mask=item < total, other=0.0)
    # A texel is in one part, or its last but one if sides are odd, or between two: as texel 0 or 1, or 2 of the former.
    for i in range(2):
        part_row = row // 2 - i
        by_row = _share(row % 2 + 2 * i, height, part_row, dtype)
        for j in range(2):
            part_column = column // 2 - j
            share = by_row * _share(column % 2 + 2 * j, width, part_column, dtype)
            is_row = (part_row >= 0) & (part_row < rows) & (row % 2 + 2 * i < 3)
            is_column = (part_column >= 0) & (part_column < columns) & (column % 2 + 2 * j < 3)
            is_part = (item < total) & is_row & is_column
            part = (plane * rows + part_row) * columns + part_column
            added += share * tl.load(source + part, mask=is_part, other=0.0)
    tl.store(target + item, added, mask=item < total)
