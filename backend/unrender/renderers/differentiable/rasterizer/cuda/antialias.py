# SPDX-License-Identifier: Apache-2.0
"""CUDA kernels of `antialias.antialias`. Each pair of pixels is looked at once; then each pixel gathers from its four
pairs, always in the same order, so that nothing has to be added up atomically.

What is known of pairs lies in tensors [B, 2, H, W]: pairs in a row, then pairs in a column, at their first pixel.
"""

import torch
import triton.language as tl
from torch import Tensor
from torch.nn.functional import pad

from unrender.renderers.differentiable.rasterizer.cuda.contours import (
    contour_between,
    coordinate,
    corner_of,
    edge_crossing,
    line_of,
    pair_of,
)
from unrender.renderers.differentiable.rasterizer.cuda.device import BLOCK, blocks, kernel, launch
from unrender.renderers.differentiable.rasterizer.cuda.scatter import scatter_corners

# mypy: disable-error-code="no-untyped-def"


def antialias_forward(
    image: Tensor, screen: Tensor, faces: Tensor, ring: Tensor, face: Tensor, depth: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The blended image [B, C, H, W]; and what the backward needs: the half-edge between the pixels of each pair (-1
    for none), where it is (-0.5 at the first pixel's centre, 0.5 at the second's, 2 for none), and how much of each
    pixel is taken by others, [B, H, W]."""
    batch, channels, height, width = image.shape
    edge = torch.empty(batch, 2, height, width, dtype=torch.int32, device=image.device)
    offset, taken = screen.new_empty(batch, 2, height, width), screen.new_empty(batch, height, width)
    launch(
        _find,
        (blocks(face.numel()), 2),
        *(edge, offset, screen.detach(), faces, ring, face, depth, face.numel(), height, width, screen.shape[1]),
        *(faces.shape[1] if len(faces) > 1 else 0,),
        BLOCK=BLOCK,
    )
    result = torch.empty_like(image)
    launch(
        _blend,
        (blocks(face.numel()), max(channels, 1)),
        *(result, taken, image.detach(), offset, face.numel(), channels, height, width),
        BLOCK=BLOCK,
    )
    return result, (edge, offset, taken)


def antialias_backward(
    image: Tensor, result: Tensor, screen: Tensor, faces: Tensor, kept: list[Tensor], gradient: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of the image and of the screen vertices, given that of the blended image."""
    edge, offset, taken = kept
    batch, channels, height, width = image.shape
    to_image = torch.empty_like(image)
    launch(
        _to_image,
        (blocks(taken.numel()), channels),
        *(to_image, gradient, offset, taken, taken.numel(), channels, height, width),
        BLOCK=BLOCK,
    )
    values = screen.new_empty(batch, 2 * height, width, 3, 2)
    launch(
        _to_corners,
        (blocks(taken.numel()), 2),
        *(values, gradient, image, result, edge, offset, taken, screen, faces, taken.numel(), channels, height, width),
        *(screen.shape[1], faces.shape[1] if len(faces) > 1 else 0),
        BLOCK=BLOCK,
    )
    owner = torch.where(edge >= 0, edge // 3, -1).view(batch, 2 * height, width)
    return to_image, pad(scatter_corners(values, owner, faces, screen.shape[1]), (0, 1))


@kernel
def _find(
    edge_out, offset_out, screen, faces, ring, seen, depth, total, height, width, vertices, stride, BLOCK: tl.constexpr
):
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    axis = tl.program_id(1)
    image, row, column, following, is_pair = pair_of(item, total, axis, height, width)
    line, origin = line_of(row, column, axis)
    mesh, points = image * stride, image * vertices
    edge, _ = contour_between(
        screen, faces, ring, seen, depth, mesh, points, item, following, axis, line, origin, is_pair
    )
    found = edge >= 0
    a = corner_of(faces, mesh, edge // 3, edge % 3, found)
    b = corner_of(faces, mesh, edge // 3, (edge + 1) % 3, found)
    along = coordinate(screen, points, b, axis, found) - coordinate(screen, points, a, axis, found)
    across = coordinate(screen, points, b, 1 - axis, found) - coordinate(screen, points, a, 1 - axis, found)
    # Every contour is blended along one axis: rows for steep edges, columns for others.
    found = found & ((tl.abs(along) < tl.abs(across)) | ((tl.abs(along) == tl.abs(across)) & (axis == 0)))
    position, _, _ = edge_crossing(screen, points, a, b, axis, line, origin, found)
    offset = tl.minimum(tl.maximum(position, 0.0), 1.0) - 0.5
    place = item + (image + axis) * height * width  # two planes for each image
    tl.store(edge_out + place, tl.where(found, edge, -1), mask=item < total)
    tl.store(offset_out + place, tl.where(found, offset, 2.0).to(offset_out.dtype.element_ty), mask=item < total)


@kernel
def _offsets(offset, item, image, row, column, height, width, is_pixel):
    """Contours between a pixel and those above, left, right and below: for each pair -0.5 at its first centre, 0.5 at
    its second, 2 for none."""
    in_row = offset + item + image * height * width
    in_column = in_row + height * width
    up = tl.load(in_column - width, mask=is_pixel & (row > 0), other=2.0)
    left = tl.load(in_row - 1, mask=is_pixel & (column > 0), other=2.0)
    return up, left, tl.load(in_row, mask=is_pixel, other=2.0), tl.load(in_column, mask=is_pixel, other=2.0)


@kernel
def _amount_of_second(offset):
    """How much of a pair's second pixel is taken by the first one."""
    return tl.where((offset >= 0.0) & (offset < 1.0), offset, 0.0)


@kernel
def _amount_of_first(offset):
    """How much of a pair's first pixel is taken by the second one."""
    return tl.where(offset < 0.0, -offset, 0.0)


@kernel
def _blend(result, taken_out, colours, offset, total, channels, height, width, BLOCK: tl.constexpr):
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    channel = tl.program_id(1)
    is_pixel = item < total
    image, row, column = item // (height * width), item // width % height, item % width
    up, left, right, down = _offsets(offset, item, image, row, column, height, width, is_pixel)
    by_up, by_left = _amount_of_second(up), _amount_of_second(left)
    by_right, by_down = _amount_of_first(right), _amount_of_first(down)
    taken = by_up + by_left + by_right + by_down
    tl.store(taken_out + item, taken, mask=is_pixel & (channel == 0))
    place = item + (image * (channels - 1) + channel) * height * width
    own = tl.load(colours + place, mask=is_pixel & (channel < channels), other=0.0)
    change = by_up * (tl.load(colours + place - width, mask=by_up > 0.0, other=0.0) - own)
    change += by_left * (tl.load(colours + place - 1, mask=by_left > 0.0, other=0.0) - own)
    change += by_right * (tl.load(colours + place + 1, mask=by_right > 0.0, other=0.0) - own)
    change += by_down * (tl.load(colours + place + width, mask=by_down > 0.0, other=0.0) - own)
    blended = own + change / tl.maximum(taken, 1.0)
    tl.store(result + place, blended.to(result.dtype.element_ty), mask=is_pixel & (channel < channels))


@kernel
def _given(gradient, taken, item, place, step, amount):
    """What a neighbour that takes `amount` from a pixel passes on to it."""
    share = amount / tl.maximum(tl.load(taken + item + step, mask=amount > 0.0, other=1.0), 1.0)
    return share * tl.load(gradient + place + step, mask=amount > 0.0, other=0.0)


@kernel
def _to_image(to_image, gradient, offset, taken, total, channels, height, width, BLOCK: tl.constexpr):
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    is_pixel = item < total
    image, row, column = item // (height * width), item // width % height, item % width
    up, left, right, down = _offsets(offset, item, image, row, column, height, width, is_pixel)
    place = item + (image * (channels - 1) + tl.program_id(1)) * height * width
    whole = tl.load(taken + item, mask=is_pixel, other=0.0)
    own = tl.load(gradient + place, mask=is_pixel, other=0.0)
    given = own * (1.0 - whole / tl.maximum(whole, 1.0))
    given += _given(gradient, taken, item, place, -width, _amount_of_first(up))
    given += _given(gradient, taken, item, place, -1, _amount_of_first(left))
    given += _given(gradient, taken, item, place, 1, _amount_of_second(right))
    given += _given(gradient, taken, item, place, width, _amount_of_second(down))
    tl.store(to_image + place, given.to(to_image.dtype.element_ty), mask=is_pixel)


@kernel
def _to_corners(
    values, gradient, colours, result, edges, offsets, taken, screen, faces, total, channels, height, width, vertices,
    stride, BLOCK: tl.constexpr,
):  # fmt: skip
    """What each pair says about (column, row) of the corners of its edge's face: [B, 2, H, W, corner, 2]."""
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    axis = tl.program_id(1)
    image, row, column, following, is_pair = pair_of(item, total, axis, height, width)
    pair = item + (image + axis) * height * width
    edge = tl.load(edges + pair, mask=is_pair, other=-1)
    offset = tl.load(offsets + pair, mask=is_pair, other=2.0)
    found = edge >= 0
    is_first = offset < 0.0
    changed, source = tl.where(is_first, item, following), tl.where(is_first, following, item)
    whole = tl.load(taken + changed, mask=found, other=0.0)
    slope = tl.zeros([BLOCK], tl.float64)
    planes = image * (channels - 1) * height * width
    for channel in range(channels):
        plane = planes + channel * height * width
        given = tl.load(gradient + plane + changed, mask=found, other=0.0).to(tl.float64)
        # Where others take all of a pixel, the pixel itself counts for nothing.
        base = tl.load(colours + plane + changed, mask=found & (whole <= 1.0), other=0.0)
        base += tl.load(result + plane + changed, mask=found & (whole > 1.0), other=0.0)
        step = tl.load(colours + plane + source, mask=found, other=0.0).to(tl.float64) - base.to(tl.float64)
        slope += given * step
    slope = slope / tl.maximum(whole, 1.0)
    slope = tl.where(is_first, -slope, slope)

    mesh, points = image * stride, image * vertices
    line, origin = line_of(row, column, axis)
    corner = edge % 3
    a = corner_of(faces, mesh, edge // 3, corner, found)
    b = corner_of(faces, mesh, edge // 3, (edge + 1) % 3, found)
    position, share, slant = edge_crossing(screen, points, a, b, axis, line, origin, found)
    found = found & (position >= 0.0) & (position <= 1.0)
    slope = tl.where(found, slope, 0.0)
    # The crossing is measured from the edge's lower vertex.
    to_a = tl.where(found, tl.where(a < b, 1.0 - share, share) * slope, 0.0)
    to_b = tl.where(found, tl.where(a < b, share, 1.0 - share) * slope, 0.0)
    slant = tl.where(found, slant, 0.0)
    dtype = values.dtype.element_ty
    for k in tl.static_range(3):
        along = tl.where(corner == k, to_a, tl.where((edge + 1) % 3 == k, to_b, 0.0))
        across = -slant * along
        place = values + pair * 6 + k * 2
        tl.store(place, tl.where(axis == 0, along, across).to(dtype), mask=item < total)
        tl.store(place + 1, tl.where(axis == 0, across, along).to(dtype), mask=item < total)
