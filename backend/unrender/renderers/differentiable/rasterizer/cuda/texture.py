# SPDX-License-Identifier: Apache-2.0
"""CUDA kernels of texture sampling and its gradients.

The gradient of the texture is summed in a fixed order: each look at the texture (one per pixel, or two with a pyramid)
is sorted by the four texels that it mixes, looks at the same four are summed, and each texel gathers from its four
neighbourhoods.
"""

import torch
import triton.language as tl
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.cuda import pyramid
from unrender.renderers.differentiable.rasterizer.cuda.device import BLOCK, blocks, kernel, launch
from unrender.renderers.differentiable.rasterizer.cuda.pyramid import texels_before
from unrender.renderers.differentiable.rasterizer.cuda.runs import (
    CHANNELS_TOGETHER,
    PIECE,
    run_sum,
    sorted_runs,
    sum_pieces,
)
from unrender.renderers.differentiable.rasterizer.mip import level_sizes

# mypy: disable-error-code="no-untyped-def"

_TEXELS = 128  # that one program gathers


def texture_forward(uv: Tensor, image: Tensor, footprint: Tensor | None, repeat: bool) -> tuple[Tensor, Tensor | None]:
    """The sampled texture [B, C, H, W], and its flat pyramid, which `texture_backward` takes; None without footprint.

    All tensors are contiguous and of one dtype.
    """
    levels = None if footprint is None else pyramid.build(image)
    result = uv.new_empty(len(uv), image.shape[1], *uv.shape[2:])
    given = (uv.detach(), image.detach() if levels is None else levels, footprint, result)
    launch(_sample, (blocks(_pixels(uv)),), *given, *_shape(uv, image, footprint), REPEAT=repeat, BLOCK=BLOCK)
    return result, levels


def texture_backward(
    uv: Tensor,
    image: Tensor,
    footprint: Tensor | None,
    levels: Tensor | None,
    repeat: bool,
    gradient: Tensor,
    wanted: tuple[bool, bool],
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of uv and of the texture, each None where it is not wanted."""
    of_uv = of_image = None
    if wanted[0]:
        of_uv = torch.empty_like(uv)
        given = (uv.detach(), image.detach() if levels is None else levels, footprint, gradient, of_uv)
        shape = _shape(uv, image, footprint)
        launch(_uv_gradient, (blocks(_pixels(uv)),), *given, *shape, REPEAT=repeat, BLOCK=BLOCK)
    if wanted[1]:
        of_image = _image_gradient(uv.detach(), image, footprint, repeat, gradient)
    return of_uv, of_image


def _image_gradient(uv: Tensor, image: Tensor, footprint: Tensor | None, repeat: bool, gradient: Tensor) -> Tensor:
    textures, channels, height, width = image.shape
    if gradient.numel() == 0:
        return torch.zeros_like(image)
    shape = _shape(uv, image, footprint)
    levels = shape[-1]
    looks = 1 if footprint is None else 2
    texels = pyramid.texels_in(height, width, levels)
    keys = torch.empty(looks * _pixels(uv), dtype=torch.int64, device=uv.device)
    weights = uv.new_empty(looks * len(uv), 4, *uv.shape[2:])
    given = (uv, footprint, gradient, keys, weights)
    launch(_looks, (blocks(_pixels(uv)),), *given, texels, textures, *shape, REPEAT=repeat, BLOCK=BLOCK)
    runs = sorted_runs(keys, textures * texels)
    result = uv.new_empty(textures * channels * texels)
    for start in range(0, channels, CHANNELS_TOGETHER):
        together = range(start, min(start + CHANNELS_TOGETHER, channels))
        sums = sum_pieces(runs, weights, gradient, 4, together)
        grid = (blocks(textures * texels, _TEXELS), len(together))
        table = (*sums, runs.first, runs.last, result, texels, textures, channels, height, width, levels, start)
        launch(_gather, grid, *table, len(together), REPEAT=repeat, BLOCK=_TEXELS, PIECE=PIECE)
    if footprint is not None:
        pyramid.pull_down(result, textures * channels, height, width)
    return result[: image.numel()].view_as(image)


def _pixels(uv: Tensor) -> int:
    return len(uv) * uv.shape[2] * uv.shape[3]


def _shape(uv: Tensor, image: Tensor, footprint: Tensor | None) -> tuple[int, ...]:
    """Pixels in all and in an image; images, 0 if they share the texture; planes, channels, height, width, levels."""
    textures, channels, height, width = image.shape
    levels = 1 if footprint is None else len(level_sizes(height, width))
    own = len(uv) if textures > 1 else 0
    return _pixels(uv), uv.shape[2] * uv.shape[3], own, textures * channels, channels, height, width, levels


@kernel
def _taps(place, count, REPEAT: tl.constexpr):
    """Along one axis of `count` texels, a block: how far a place is on the way between two neighbours, which these are,
    and how many texels one unit of `place` is."""
    length = count.to(place.dtype)
    if REPEAT:
        spot = (place - tl.floor(place)) * length - 0.5
        before = tl.floor(spot)
        first = before.to(tl.int32)
        second = tl.where(first + 1 < count, first + 1, 0)
        first = tl.where(first < 0, count - 1, first)
        slope = length
    else:
        spot = place * length - 0.5
        slope = tl.where((spot < 0.0) | (spot > length - 1.0), 0.0, length)
        spot = tl.minimum(tl.maximum(spot, 0.0), length - 1.0)
        before = tl.floor(spot)
        first = before.to(tl.int32)
        second = tl.minimum(first + 1, count - 1)
    return spot - before, first, second, slope


@kernel
def _load_look(uv, footprint, pixel, total, area, height, width, levels):
    """Of pixels: the image and the place in it, u, the share from the top, whether they look anywhere, the finer of
    their two levels, and the share of the coarser one."""
    image, within = pixel // area, pixel % area
    place = uv + image * 2 * area + within
    u = tl.load(place, mask=pixel < total, other=float("nan"))
    v = tl.load(place + area, mask=pixel < total, other=float("nan"))
    is_look = (tl.abs(u) < float("inf")) & (tl.abs(v) < float("inf"))
    u, v = tl.where(is_look, u, 0.0), tl.where(is_look, v, 0.0)
    finer = within.to(tl.int32) * 0
    share = u * 0.0
    if footprint is not None:
        step = footprint + image * 4 * area + within
        u_column = tl.load(step, mask=is_look, other=0.0) * width
        v_column = tl.load(step + area, mask=is_look, other=0.0) * height
        u_row = tl.load(step + 2 * area, mask=is_look, other=0.0) * width
        v_row = tl.load(step + 3 * area, mask=is_look, other=0.0) * height
        longer = tl.maximum(u_column * u_column + v_column * v_column, u_row * u_row + v_row * v_row)
        # Magnified, or NaN: the finest level.
        is_coarse = longer > 1.0
        level = tl.where(is_coarse, 0.5 * tl.log2(tl.where(is_coarse, longer, 1.0)), 0.0)
        level = tl.minimum(level, (levels - 1) * 1.0)
        finer = level.to(tl.int32)
        share = level - finer.to(level.dtype)
    return image, within, u, 1.0 - v, is_look, finer, share


@kernel
def _neighbours(
    u, down, is_look, level, weight, texture, planes, channels, height, width, levels, REPEAT: tl.constexpr
):  # fmt: skip
    """Of looks at a level: where the four texels around them lie in the first channel (upper left, upper right, lower
    left, lower right), from channel to channel how far, the ways between them, the slopes, and whether they count."""
    rows, columns = tl.maximum(height >> level, 1), tl.maximum(width >> level, 1)
    x, left, right, u_slope = _taps(u, columns, REPEAT)
    y, top, bottom, v_slope = _taps(down, rows, REPEAT)
    plane = rows.to(tl.int64) * columns
    base = texels_before(level, height, width, levels) * planes + texture * channels * plane
    upper, lower = base + top * columns, base + bottom * columns
    is_wanted = is_look & (weight > 0.0)
    return upper + left, upper + right, lower + left, lower + right, plane, x, y, u_slope, v_slope, is_wanted


@kernel
def _mix(texels, offset, upper_left, upper_right, lower_left, lower_right, x, y, weight, is_wanted):
    """The weighted mean of four texels, nought for looks that do not count."""
    upper = (1.0 - x) * tl.load(texels + upper_left + offset, mask=is_wanted, other=0.0)
    upper += x * tl.load(texels + upper_right + offset, mask=is_wanted, other=0.0)
    lower = (1.0 - x) * tl.load(texels + lower_left + offset, mask=is_wanted, other=0.0)
    lower += x * tl.load(texels + lower_right + offset, mask=is_wanted, other=0.0)
    return weight * ((1.0 - y) * upper + y * lower)


@kernel
def _sample(
    uv, texels, footprint, result, total, area, own, planes, channels, height, width, levels,
    REPEAT: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    pixel = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    image, within, u, down, is_look, finer, share = _load_look(uv, footprint, pixel, total, area, height, width, levels)
    texture = tl.where(own == 0, 0, image)
    a0, a1, a2, a3, a_plane, ax, ay, _, _, in_a = _neighbours(
        u, down, is_look, finer, 1.0 - share, texture, planes, channels, height, width, levels, REPEAT
    )
    b0, b1, b2, b3, b_plane, bx, by, _, _, in_b = _neighbours(
        u, down, is_look, finer + 1, share, texture, planes, channels, height, width, levels, REPEAT
    )
    for channel in range(channels):
        mixed = _mix(texels, channel * a_plane, a0, a1, a2, a3, ax, ay, 1.0 - share, in_a)
        if footprint is not None:
            mixed += _mix(texels, channel * b_plane, b0, b1, b2, b3, bx, by, share, in_b)
        tl.store(result + (image * channels + channel) * area + within, mixed, mask=pixel < total)


@kernel
def _uv_gradient(
    uv, texels, footprint, gradient, result, total, area, own, planes, channels, height, width, levels,
    REPEAT: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    pixel = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    image, within, u, down, is_look, finer, share = _load_look(uv, footprint, pixel, total, area, height, width, levels)
    texture = tl.where(own == 0, 0, image)
    along_u, along_v = u * 0.0, u * 0.0
    for step in range(1 if footprint is None else 2):
        weight = tl.where(step == 0, 1.0 - share, share)
        n0, n1, n2, n3, plane, x, y, u_slope, v_slope, is_wanted = _neighbours(
            u, down, is_look, finer + step, weight, texture, planes, channels, height, width, levels, REPEAT
        )
        for channel in range(channels):
            texel = texels + channel * plane
            upper_left = tl.load(texel + n0, mask=is_wanted, other=0.0)
            upper_right = tl.load(texel + n1, mask=is_wanted, other=0.0)
            lower_left = tl.load(texel + n2, mask=is_wanted, other=0.0)
            lower_right = tl.load(texel + n3, mask=is_wanted, other=0.0)
            upstream = tl.load(gradient + (image * channels + channel) * area + within, mask=is_wanted, other=0.0)
            upstream = upstream * weight
            by_x = (1.0 - y) * (upper_right - upper_left) + y * (lower_right - lower_left)
            by_y = (1.0 - x) * (lower_left - upper_left) + x * (lower_right - upper_right)
            along_u += upstream * u_slope * by_x
            along_v -= upstream * v_slope * by_y
    out = result + image * 2 * area + within
    tl.store(out, along_u, mask=pixel < total)
    tl.store(out + area, along_v, mask=pixel < total)


@kernel
def _looks(
    uv, footprint, gradient, keys, weights, texels, textures, total, area, own, planes, channels, height, width, levels,
    REPEAT: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Per look: the texel at its upper left, numbered through textures and levels, and the weights of its four; looks
    without a gradient have the number after the last."""
    pixel = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    image, within, u, down, is_look, finer, share = _load_look(uv, footprint, pixel, total, area, height, width, levels)
    texture = tl.where(own == 0, 0, image)
    matters = is_look & (pixel < 0)
    for channel in range(channels):
        upstream = tl.load(gradient + (image * channels + channel) * area + within, mask=is_look, other=0.0)
        matters = matters | (upstream != 0.0)
    for step in range(1 if footprint is None else 2):
        level = finer + step
        weight = tl.where(step == 0, 1.0 - share, share)
        rows, columns = tl.maximum(height >> level, 1), tl.maximum(width >> level, 1)
        x, left, _, _ = _taps(u, columns, REPEAT)
        y, top, _, _ = _taps(down, rows, REPEAT)
        key = texture * texels + texels_before(level, height, width, levels) + top.to(tl.int64) * columns + left
        key = tl.where(matters & (weight > 0.0), key, (texture * 0 + texels) * textures)
        tl.store(keys + step * total + pixel, key, mask=pixel < total)
        out = weights + (step * total + image * area) * 4 + within
        tl.store(out, weight * (1.0 - x) * (1.0 - y), mask=pixel < total)
        tl.store(out + area, weight * x * (1.0 - y), mask=pixel < total)
        tl.store(out + 2 * area, weight * (1.0 - x) * y, mask=pixel < total)
        tl.store(out + 3 * area, weight * x * y, mask=pixel < total)


@kernel
def _gather(
    fine, coarse, first, last, result, texels, textures, channels, height, width, levels, first_channel, together,
    REPEAT: tl.constexpr, BLOCK: tl.constexpr, PIECE: tl.constexpr,
):  # fmt: skip
    """Each texel's sum over the looks at the four neighbourhoods that it is in, for one channel."""
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    column_of_sum = tl.program_id(1)
    texture, texel = item // texels, item % texels
    level = texel.to(tl.int32) * 0
    before = texel * 0
    for finer in range(levels):
        size = tl.maximum(height >> finer, 1).to(tl.int64) * tl.maximum(width >> finer, 1)
        is_beyond = (level == finer) & (texel >= before + size)
        before += tl.where(is_beyond, size, 0)
        level += tl.where(is_beyond, 1, 0)
    rows, columns = tl.maximum(height >> level, 1), tl.maximum(width >> level, 1)
    row, column = (texel - before) // columns, (texel - before) % columns
    is_wanted = item < texels * textures
    summed = tl.zeros([BLOCK], tl.float64)
    for corner in range(4):
        y, x = row - corner // 2, column - corner % 2
        is_look = is_wanted & (y >= 0) & (x >= 0)
        if REPEAT:
            is_look = is_wanted
            y, x = tl.where(y < 0, rows - 1, y), tl.where(x < 0, columns - 1, x)
        key = texture * texels + before + y * columns + x
        begin = tl.load(first + key, mask=is_look, other=0).to(tl.int64)
        end = tl.load(last + key, mask=is_look, other=0).to(tl.int64)
        summed += run_sum(fine, coarse, begin, end, corner * together + column_of_sum, 4 * together, PIECE)
    plane = texture * channels + first_channel + column_of_sum
    out = result + before * textures * channels + plane * rows * columns + texel - before
    tl.store(out, summed.to(result.dtype.element_ty), mask=is_wanted)
