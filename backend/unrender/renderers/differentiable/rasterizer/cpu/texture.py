# SPDX-License-Identifier: Apache-2.0
"""CPU kernels of texture sampling and of the gradient of uv."""

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unrender.networks.numba_functions import compiled, use_threads
from unrender.renderers.differentiable.rasterizer.cpu.mip import FAST, layout, looked_at, shrink, spread, taps
from unrender.renderers.differentiable.rasterizer.cpu.texels import texel_gradient


def texture_forward(uv: Tensor, image: Tensor, footprint: Tensor | None, repeat: bool) -> tuple[Tensor, Tensor | None]:
    """The sampled texture [B, C, H, W], and the coarser levels for `texture_backward`, flat; None without footprint.

    All tensors are contiguous and of one dtype.
    """
    use_threads(torch.get_num_threads())
    levels = layout(tuple(image.shape), footprint is not None)
    coarser = np.empty(levels[-1, 3], _numpy(uv).dtype)
    for level in range(1, len(levels)):
        shrink(_numpy(image), coarser, levels, level)
    result = uv.new_empty(len(uv), image.shape[1], *uv.shape[2:])
    _sample(_numpy(uv), _numpy(image), coarser, _footprint(uv, footprint), levels, repeat, _numpy(result))
    return result, None if footprint is None else torch.from_numpy(coarser)


def texture_backward(
    uv: Tensor,
    image: Tensor,
    footprint: Tensor | None,
    coarser: Tensor | None,
    repeat: bool,
    gradient: Tensor,
    wanted: tuple[bool, bool],
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of uv and of the texture, each None where it is not wanted."""
    use_threads(torch.get_num_threads())
    levels = layout(tuple(image.shape), footprint is not None)
    flat = np.empty(0, _numpy(uv).dtype) if coarser is None else _numpy(coarser)
    given, steps, upstream = _numpy(uv), _footprint(uv, footprint), _numpy(gradient)
    of_uv = of_image = None
    if wanted[0]:
        of_uv = torch.empty_like(uv)
        _uv_gradient(given, _numpy(image), flat, steps, levels, repeat, upstream, _numpy(of_uv))
    if wanted[1]:
        of_image = torch.from_numpy(np.zeros(image.shape, given.dtype))
        of_coarser = np.zeros_like(flat)
        texel_gradient(given, steps, levels, repeat, upstream, _numpy(of_image), of_coarser)
        for level in range(len(levels) - 1, 0, -1):
            spread(_numpy(of_image), of_coarser, levels, level)
    return of_uv, of_image


def _numpy(tensor: Tensor) -> NDArray[np.floating]:
    array: NDArray[np.floating] = tensor.detach().numpy()
    return array


def _footprint(uv: Tensor, footprint: Tensor | None) -> NDArray[np.floating]:
    """Numba takes arrays of one type: an empty one stands for none."""
    return np.empty((0, 4, 0, 0), _numpy(uv).dtype) if footprint is None else _numpy(footprint)


@compiled(parallel=True, fastmath=FAST, cache=True)
def _sample(uv, image, coarser, steps, levels, repeat, result):  # type: ignore[no-untyped-def]
    batch, channels, rows, columns = result.shape
    finest = image.reshape(-1)
    for item in numba.prange(batch * rows):
        number = uv.dtype.type
        one, half = number(1.0), number(0.5)
        b, row = item // rows, item % rows
        of = b if image.shape[0] > 1 else 0
        for column in range(columns):
            u, v = uv[b, 0, row, column], uv[b, 1, row, column]
            for c in range(channels):
                result[b, c, row, column] = number(0.0)
            if not (np.isfinite(u) and np.isfinite(v)):
                continue
            finer, share = looked_at(steps, b, row, column, levels)
            for level in range(finer, finer + 2 if share > number(0.0) else finer + 1):
                weight = share if level > finer else one - share
                height, width = levels[level, 0], levels[level, 1]
                fx, left, right, _ = taps(u, number(width), half, width, repeat)
                fy, top, bottom, _ = taps(one - v, number(height), half, height, repeat)
                texels = finest if level == 0 else coarser
                a, b_, c_, d = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
                for c in range(channels):
                    base = levels[level, 2] + (of * channels + c) * height * width
                    above, below = base + top * width, base + bottom * width
                    result[b, c, row, column] += weight * (
                        a * texels[above + left]
                        + b_ * texels[above + right]
                        + c_ * texels[below + left]
                        + d * texels[below + right]
                    )


@compiled(parallel=True, fastmath=FAST, cache=True)
def _uv_gradient(uv, image, coarser, steps, levels, repeat, upstream, result):  # type: ignore[no-untyped-def]
    batch, channels, rows, columns = upstream.shape
    finest = image.reshape(-1)
    for item in numba.prange(batch * rows):
        number = uv.dtype.type
        nought, one, half = number(0.0), number(1.0), number(0.5)
        b, row = item // rows, item % rows
        of = b if image.shape[0] > 1 else 0
        for column in range(columns):
            u, v = uv[b, 0, row, column], uv[b, 1, row, column]
            along_u, along_v = nought, nought
            if np.isfinite(u) and np.isfinite(v):
                finer, share = looked_at(steps, b, row, column, levels)
                for level in range(finer, finer + 2 if share > nought else finer + 1):
                    weight = share if level > finer else one - share
                    height, width = levels[level, 0], levels[level, 1]
                    fx, left, right, u_slope = taps(u, number(width), half, width, repeat)
                    fy, top, bottom, v_slope = taps(one - v, number(height), half, height, repeat)
                    texels = finest if level == 0 else coarser
                    by_x, by_y = nought, nought
                    for c in range(channels):
                        base = levels[level, 2] + (of * channels + c) * height * width
                        above, below = base + top * width, base + bottom * width
                        p, q, r, s = (
                            texels[above + left],
                            texels[above + right],
                            texels[below + left],
                            texels[below + right],
                        )
                        g = upstream[b, c, row, column]
                        by_x += g * ((one - fy) * (q - p) + fy * (s - r))
                        by_y += g * ((one - fx) * (r - p) + fx * (s - q))
                    along_u += weight * u_slope * by_x
                    along_v -= weight * v_slope * by_y
            result[b, 0, row, column] = along_u
            result[b, 1, row, column] = along_v
