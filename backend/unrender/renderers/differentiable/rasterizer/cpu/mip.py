# SPDX-License-Identifier: Apache-2.0
"""What the CPU kernels of textures share: where the levels of a pyramid lie, which of them a pixel looks at and which
texels of it; and the kernels that make the levels and take their gradients back.

The coarser levels lie one after the other in one flat array, each [B, C, h, w]; the finest is the texture itself.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from unrender.networks.numba_functions import compiled
from unrender.renderers.differentiable.rasterizer.mip import level_sizes

# Not "nnan" and "ninf": uv may be anything.
FAST = {"contract", "reassoc", "nsz", "arcp"}


def layout(shape: tuple[int, ...], mipmapped: bool) -> NDArray[np.int64]:
    """Of the pyramid of a texture [B, C, h, w], per level: height, width, where it begins in the flat array, where it
    ends, and how many rows of texels are before it. Only the finest level without mip-mapping."""
    batch, channels, height, width = shape
    rows, begin, first = [], 0, 0
    for level, (h, w) in enumerate(level_sizes(height, width) if mipmapped else [(height, width)]):
        end = begin + (batch * channels * h * w if level else 0)
        rows.append((h, w, begin, end, first))
        begin, first = end, first + h
    return np.array(rows, np.int64)


@compiled(fastmath=FAST)
def taps(share, length, half, count, repeat):  # type: ignore[no-untyped-def]
    """Along one axis of `count` texels (`length` is the same number as a float): how far the position is on the way
    between two neighbours, which these are, and how many texels one unit of `share` is."""
    nought = half - half
    slope = length
    if repeat:
        place = (share - np.floor(share)) * length - half
        before = np.floor(place)
        first = int(before)
        second = first + 1 if first + 1 < count else 0
        return place - before, first if first >= 0 else count - 1, second, slope
    place, last = share * length - half, length - half - half
    if place < nought or place > last:
        slope = nought
        place = min(max(place, nought), last)
    before = np.floor(place)
    first = int(before)
    return place - before, first, min(first + 1, count - 1), slope


@compiled(fastmath=FAST)
def looked_at(steps, b, row, column, levels):  # type: ignore[no-untyped-def]
    """The finer of the two levels of a pixel, and the share of the coarser one."""
    number = steps.dtype.type
    if steps.shape[0] == 0:
        return 0, number(0.0)
    height, width = number(levels[0, 0]), number(levels[0, 1])
    across = (steps[b, 0, row, column] * width) ** 2 + (steps[b, 1, row, column] * height) ** 2
    down = (steps[b, 2, row, column] * width) ** 2 + (steps[b, 3, row, column] * height) ** 2
    longer = max(across, down)
    if not longer > number(1.0):  # magnified, or NaN
        return 0, number(0.0)
    last = levels.shape[0] - 1
    level = min(number(0.5) * np.log2(longer), number(last))
    finer = int(level)
    return finer, level - number(finer)


@compiled(fastmath=FAST)
def _part(texel, count, part, number):  # type: ignore[no-untyped-def]
    """The share of texel 2 part + `texel` (0, 1 or 2) of `count` in a part of the next coarser level."""
    if count == 1:
        return number(1.0) if texel == 0 else number(0.0)
    if count % 2 == 0:
        return number(0.5) if texel < 2 else number(0.0)
    parts = count // 2
    return number((parts - part, parts, part + 1)[texel]) / number(count)


@compiled(parallel=True, fastmath=FAST, cache=True)
def shrink(image, coarser, levels, level):  # type: ignore[no-untyped-def]
    """Fill one level of the pyramid from the one before."""
    planes = image.shape[0] * image.shape[1]
    source = image.reshape(-1) if level == 1 else coarser
    height, width, begin = levels[level - 1, 0], levels[level - 1, 1], levels[level - 1, 2]
    rows, columns, to = levels[level, 0], levels[level, 1], levels[level, 2]
    for item in numba.prange(planes * rows):
        number = image.dtype.type
        plane, row = item // rows, item % rows
        for column in range(columns):
            total = number(0.0)
            for i in range(min(3, height - 2 * row)):
                by_row = _part(i, height, row, number)
                for j in range(min(3, width - 2 * column)):
                    here = begin + (plane * height + 2 * row + i) * width + 2 * column + j
                    total += by_row * _part(j, width, column, number) * source[here]
            coarser[to + (plane * rows + row) * columns + column] = total


@compiled(parallel=True, fastmath=FAST, cache=True)
def spread(image, coarser, levels, level):  # type: ignore[no-untyped-def]
    """Add the gradient of a level to that of the one before: the adjoint of `shrink`."""
    planes = image.shape[0] * image.shape[1]
    target = image.reshape(-1) if level == 1 else coarser
    height, width, begin = levels[level - 1, 0], levels[level - 1, 1], levels[level - 1, 2]
    rows, columns, origin = levels[level, 0], levels[level, 1], levels[level, 2]
    for item in numba.prange(planes * height):
        number = image.dtype.type
        plane, row = item // height, item % height
        for column in range(width):
            total = number(0.0)
            for part in range(max(0, (row - 1) // 2), min(rows - 1, row // 2) + 1):
                by_row = _part(row - 2 * part, height, part, number)
                for place in range(max(0, (column - 1) // 2), min(columns - 1, column // 2) + 1):
                    share = by_row * _part(column - 2 * place, width, place, number)
                    total += share * coarser[origin + (plane * rows + part) * columns + place]
            target[begin + (plane * height + row) * width + column] += total
