# SPDX-License-Identifier: Apache-2.0
"""CPU kernels of the gradient of a texture.

It is gathered, not scattered: the pixels are sorted by the row of texels that they look at (a counting sort, so within
a row by their place), and each row of texels belongs to one thread. So nothing races, and the order of each sum depends
neither on the threads nor on luck.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from unrender.networks.numba_functions import compiled
from unrender.renderers.differentiable.rasterizer.cpu.mip import FAST, looked_at, taps


def texel_gradient(
    uv: NDArray[np.floating],
    steps: NDArray[np.floating],
    levels: NDArray[np.int64],
    repeat: bool,
    upstream: NDArray[np.floating],
    image: NDArray[np.floating],
    coarser: NDArray[np.floating],
) -> None:
    """Add to the gradients `image` [B, C, h, w] and `coarser` of a pyramid what reaches them straight from the pixels,
    given that of the sampled images [B, C, H, W]. steps: the footprint, or an empty array."""
    # Number 2 p is the look of pixel p at its finer level, 2 p + 1 at its coarser one.
    keys = np.empty(2 * uv.shape[0] * uv.shape[2] * uv.shape[3], np.int64)
    _row_keys(uv, steps, levels, repeat, upstream, len(image), keys)
    order, starts = _counting_sort(keys, len(image) * int(levels[-1, 4] + levels[-1, 0]))
    # Rows of texels in parts that are looked at about equally often.
    parts = 4 * numba.get_num_threads()
    cuts = np.searchsorted(starts, np.arange(parts + 1) * (len(order) / parts))
    cuts[0], cuts[parts] = 0, len(starts) - 1
    _gather(uv, steps, levels, repeat, upstream, order, starts, cuts, image, coarser)


@compiled(parallel=True, fastmath=FAST, cache=True)
def _row_keys(uv, steps, levels, repeat, upstream, textures, keys):  # type: ignore[no-untyped-def]
    batch, channels, rows, columns = upstream.shape
    per_texture = levels[-1, 4] + levels[-1, 0]
    for item in numba.prange(batch * rows):
        number = uv.dtype.type
        one, half = number(1.0), number(0.5)
        b, row = item // rows, item % rows
        of = b if textures > 1 else 0
        for column in range(columns):
            look = 2 * (item * columns + column)
            keys[look] = keys[look + 1] = -1
            u, v = uv[b, 0, row, column], uv[b, 1, row, column]
            matters = False
            for c in range(channels):
                matters |= upstream[b, c, row, column] != number(0.0)
            if not (matters and np.isfinite(u) and np.isfinite(v)):
                continue
            finer, share = looked_at(steps, b, row, column, levels)
            for level in range(finer, finer + 2 if share > number(0.0) else finer + 1):
                height = levels[level, 0]
                _, top, _, _ = taps(one - v, number(height), half, height, repeat)
                keys[look + level - finer] = of * per_texture + levels[level, 4] + top


@compiled(cache=True)
def _counting_sort(keys, count):  # type: ignore[no-untyped-def]
    """The places of the keys that are not negative, sorted, equal ones in their order; and where each key begins."""
    starts = np.zeros(count + 1, np.int64)
    for key in keys:
        if key >= 0:
            starts[key + 1] += 1
    for key in range(count):
        starts[key + 1] += starts[key]
    free = starts[:-1].copy()
    order = np.empty(starts[count], np.int64)
    for place in range(len(keys)):
        key = keys[place]
        if key >= 0:
            order[free[key]] = place
            free[key] += 1
    return order, starts


@compiled(parallel=True, fastmath=FAST, cache=True)
def _gather(uv, steps, levels, repeat, upstream, order, starts, cuts, image, coarser):  # type: ignore[no-untyped-def]
    """cuts: where in the rows of texels each part begins."""
    channels, rows, columns = upstream.shape[1:]
    finest = image.reshape(-1)
    per_texture = levels[-1, 4] + levels[-1, 0]
    for part in numba.prange(len(cuts) - 1):
        number = uv.dtype.type
        one, half = number(1.0), number(0.5)
        for key in range(cuts[part], cuts[part + 1]):
            of, line = key // per_texture, key % per_texture
            level = 0
            while level + 1 < len(levels) and line >= levels[level + 1, 4]:
                level += 1
            height, width, y = levels[level, 0], levels[level, 1], line - levels[level, 4]
            texels = finest if level == 0 else coarser
            for upper in range(2):  # the looks that begin at this row, then those that end at it
                bucket = key - upper
                if upper == 1 and y == 0:
                    if not repeat:
                        continue
                    bucket = key + height - 1
                for entry in range(starts[bucket], starts[bucket + 1]):
                    look = order[entry]
                    pixel = look // 2
                    b, row, column = pixel // (rows * columns), pixel // columns % rows, pixel % columns
                    _, share = looked_at(steps, b, row, column, levels)
                    fx, left, right, _ = taps(uv[b, 0, row, column], number(width), half, width, repeat)
                    fy, _, _, _ = taps(one - uv[b, 1, row, column], number(height), half, height, repeat)
                    weight = (fy if upper else one - fy) * (share if look % 2 else one - share)
                    for c in range(channels):
                        line_start = levels[level, 2] + ((of * channels + c) * height + y) * width
                        amount = weight * upstream[b, c, row, column]
                        texels[line_start + left] += (one - fx) * amount
                        texels[line_start + right] += fx * amount
