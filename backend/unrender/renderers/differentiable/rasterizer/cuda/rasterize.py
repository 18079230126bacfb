# SPDX-License-Identifier: Apache-2.0
"""CUDA kernels of `rasterize.rasterize`: a program per tile keeps the nearest face of each of its pixels.

Which face is nearest is found in the dtype of the vertices, from records that are set up in double precision; what is
seen of it is then computed in double precision, once for each pixel.
"""

import torch
import triton.language as tl
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.cuda.corners import areas_of, load_corners, turn_of
from unrender.renderers.differentiable.rasterizer.cuda.device import BLOCK, blocks, kernel, launch
from unrender.renderers.differentiable.rasterizer.cuda.scatter import scatter_corners
from unrender.renderers.differentiable.rasterizer.cuda.tiles import tile_lists

# mypy: disable-error-code="no-untyped-def"

_RECORD = 10  # numbers per face, see `_set_up`
_TOGETHER = 8  # faces that a tile looks at together
_FEW_TILES = 1024  # with fewer tiles of 16 x 16 pixels a GPU is idle in part: they are quartered


def rasterize_forward(
    screen: Tensor, faces: Tensor, size: tuple[int, int], perspective: bool, cull: bool, near: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Face [B, H, W], barycentrics [B, 3, H, W] and depth [B, 1, H, W] of contiguous screen [B, N, 3] and faces
    [1 or B, F, 3]."""
    screen, batch = screen.detach(), len(screen)
    mesh = (screen, faces, screen.shape[1], *_strides(faces))
    face = torch.full((batch, *size), -1, dtype=torch.int32, device=screen.device)
    records = screen.new_empty(batch * faces.shape[1], _RECORD)
    launch(_set_up, (blocks(len(records)),), *mesh, records, len(records), PERSPECTIVE=perspective, BLOCK=BLOCK)
    side = 8 if batch * blocks(size[0], 16) * blocks(size[1], 16) < _FEW_TILES else 16
    for lists in tile_lists(screen, faces, size, near, cull, 0.0, side):
        listed = (lists.faces, lists.first, lists.last, lists.down, lists.across)
        constants = {"SIDE": side, "TOGETHER": _TOGETHER, "num_warps": 2 if side == 8 else 4}
        launch(_draw, (len(lists.first),), records, *listed, face, faces.shape[1], *size, **constants)
    barycentrics, depth = screen.new_empty(batch, 3, *size), screen.new_empty(batch, 1, *size)
    images = (face, barycentrics, depth, face.numel(), *size)
    launch(_describe, (blocks(face.numel()),), *mesh, *images, PERSPECTIVE=perspective, BLOCK=BLOCK)
    return face, barycentrics, depth


def rasterize_backward(
    screen: Tensor,
    faces: Tensor,
    face: Tensor,
    to_barycentrics: Tensor | None,
    to_depth: Tensor | None,
    perspective: bool,
) -> Tensor:
    """Gradient of screen [B, N, 3], given those of the barycentrics and of the depth (None for nought)."""
    screen = screen.detach()
    values = screen.new_empty(*face.shape, 3, 3)
    mesh = (screen, faces, screen.shape[1], *_strides(faces))
    given = (face, to_barycentrics, to_depth, values, face.numel(), face.shape[1], face.shape[2])
    launch(_pull_back, (blocks(face.numel()),), *mesh, *given, PERSPECTIVE=perspective, BLOCK=BLOCK)
    return scatter_corners(values, face, faces, screen.shape[1])


def _strides(faces: Tensor) -> tuple[int, int]:
    """Faces in a mesh, and from one image's mesh to the next one's."""
    return faces.shape[1], faces.shape[1] if len(faces) > 1 else 0


@kernel
def _ordered(x0, y0, q0, x1, y1, q1, sign):
    """Two corners so that the edge between them runs downwards (rightwards if level), and the sign of the turn then."""
    is_upward = (y1 < y0) | ((y1 == y0) & (x1 < x0))
    return (
        tl.where(is_upward, x1, x0),
        tl.where(is_upward, y1, y0),
        tl.where(is_upward, q1, q0),
        tl.where(is_upward, x0, x1),
        tl.where(is_upward, y0, y1),
        tl.where(is_upward, q0, q1),
        tl.where(is_upward, -sign, sign),
    )


@kernel
def _set_up(
    screen, faces, vertices, count, stride, records, total, PERSPECTIVE: tl.constexpr, BLOCK: tl.constexpr
):  # fmt: skip
    """Per face of each image: (column, row) of the corners, sorted by row and then column, a number q that is linear on
    the screen and less for what is nearer (at the first corner, and by how much it is more at the others), and a number
    with the sign of the turn of the sorted corners. Faces that are not drawn are in no list, whatever stands here."""
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    is_wanted = item < total
    _, x0, y0, z0, x1, y1, z1, x2, y2, z2 = load_corners(
        screen, faces, item // count, item % count, stride, vertices, is_wanted
    )
    # Faces far larger than any image are scaled, so that float32 can hold their areas.
    reach = tl.maximum(tl.maximum(tl.abs(x1 - x0), tl.abs(y1 - y0)), tl.maximum(tl.abs(x2 - x0), tl.abs(y2 - y0)))
    scale = tl.where(reach > 1e9, 1.0 / tl.maximum(reach, 1.0), 1.0)
    sign = tl.where(turn_of(x0, y0, x1, y1, x2, y2) > 0.0, scale, -scale)
    if PERSPECTIVE:
        z0, z1, z2 = -1.0 / z0, -1.0 / z1, -1.0 / z2
    # Whichever corner a face begins with, its record is the same: faces on one another then are equally far.
    x0, y0, z0, x1, y1, z1, sign = _ordered(x0, y0, z0, x1, y1, z1, sign)
    x1, y1, z1, x2, y2, z2, sign = _ordered(x1, y1, z1, x2, y2, z2, sign)
    x0, y0, z0, x1, y1, z1, sign = _ordered(x0, y0, z0, x1, y1, z1, sign)
    record = records + item * 10
    dtype = records.dtype.element_ty
    tl.store(record, x0.to(dtype), mask=is_wanted)
    tl.store(record + 1, y0.to(dtype), mask=is_wanted)
    tl.store(record + 2, x1.to(dtype), mask=is_wanted)
    tl.store(record + 3, y1.to(dtype), mask=is_wanted)
    tl.store(record + 4, x2.to(dtype), mask=is_wanted)
    tl.store(record + 5, y2.to(dtype), mask=is_wanted)
    tl.store(record + 6, z0.to(dtype), mask=is_wanted)
    tl.store(record + 7, (z1 - z0).to(dtype), mask=is_wanted)
    tl.store(record + 8, (z2 - z0).to(dtype), mask=is_wanted)
    tl.store(record + 9, sign.to(dtype), mask=is_wanted)


@kernel
def _side(x0, y0, x1, y1, x, y, sign):
    """Twice the area between an edge that runs downwards and pixel centres, positive inside, and whether it is inside:
    a centre on an edge belongs to the face right of it, or below it if it is level."""
    area = (x1 - x0) * sign * (y - y0) - (y1 - y0) * sign * (x - x0)
    takes_edge = (sign > 0.0) == (y1 == y0)
    return area, (area > 0.0) | ((area == 0.0) & takes_edge)


@kernel
def _distance(record, x, y, is_wanted):
    """The record's q at pixel centres, infinite where the face does not cover them; all broadcast."""
    x0 = tl.load(record, mask=is_wanted, other=0.0)
    y0 = tl.load(record + 1, mask=is_wanted, other=0.0)
    x1 = tl.load(record + 2, mask=is_wanted, other=0.0)
    y1 = tl.load(record + 3, mask=is_wanted, other=0.0)
    x2 = tl.load(record + 4, mask=is_wanted, other=0.0)
    y2 = tl.load(record + 5, mask=is_wanted, other=0.0)
    q0 = tl.load(record + 6, mask=is_wanted, other=0.0)
    q1 = tl.load(record + 7, mask=is_wanted, other=0.0)
    q2 = tl.load(record + 8, mask=is_wanted, other=0.0)
    sign = tl.load(record + 9, mask=is_wanted, other=1.0)
    area_2, inside_2 = _side(x0, y0, x1, y1, x, y, sign)
    area_0, inside_0 = _side(x1, y1, x2, y2, x, y, sign)
    area_1, inside_1 = _side(x0, y0, x2, y2, x, y, -sign)
    total = area_0 + area_1 + area_2
    is_inside = inside_0 & inside_1 & inside_2 & (total > 0.0) & is_wanted
    distance = q0 + (area_1 * q1 + area_2 * q2) / tl.where(total > 0.0, total, 1.0)
    return tl.where(is_inside, distance, float("inf"))


@kernel
def _draw(
    records, ids, first, last, down, across, seen, count, height, width,
    SIDE: tl.constexpr, TOGETHER: tl.constexpr,
):  # fmt: skip
    """The nearest face in each pixel of a tile: of those in its list, and of the one seen before."""
    tile = tl.program_id(0)
    image = (tile // (down * across)).to(tl.int64)
    pixel = tl.arange(0, SIDE * SIDE)
    row = tile // across % down * SIDE + pixel // SIDE
    column = tile % across * SIDE + pixel % SIDE
    is_pixel = (row < height) & (column < width)
    dtype = records.dtype.element_ty
    x, y = column.to(dtype) + 0.5, row.to(dtype) + 0.5
    place = seen + (image * height + row) * width + column
    of_image = records + image * count * 10
    nearest_face = tl.load(place, mask=is_pixel, other=-1)
    # What an earlier set of lists has found: infinite where it has found nothing.
    nearest = _distance(of_image + nearest_face.to(tl.int64) * 10, x, y, nearest_face >= 0)
    begin, end = tl.load(first + tile), tl.load(last + tile)
    for start in range(begin, end, TOGETHER):
        entry = start + tl.arange(0, TOGETHER)
        face = tl.load(ids + entry, mask=entry < end, other=0)
        distance = _distance(
            (of_image + face.to(tl.int64) * 10)[:, None], x[None, :], y[None, :], (entry < end)[:, None]
        )
        least = tl.min(distance, 0)
        lowest = tl.min(tl.where(distance == least[None, :], face[:, None], 2147483647), 0)
        # Faces rise within a list and from one list to the next: of equally near ones the first stays.
        nearest_face = tl.where(least < nearest, lowest, nearest_face)
        nearest = tl.minimum(least, nearest)
    tl.store(place, nearest_face, mask=is_pixel & (begin < end))


@kernel
def _load_seen(screen, faces, vertices, stride, seen, pixel, total, height, width):
    """Of pixels: whether they are covered, the image and the place in it, and the corners as seen from the centre."""
    face = tl.load(seen + pixel, mask=pixel < total, other=-1).to(tl.int64)
    area = height * width
    image, within = pixel // area, pixel % area
    is_covered, x0, y0, z0, x1, y1, z1, x2, y2, z2 = load_corners(
        screen, faces, image, face, stride, vertices, face >= 0
    )
    x, y = (within % width).to(tl.float64) + 0.5, (within // width).to(tl.float64) + 0.5
    # Empty pixels see a triangle of their own, so that nothing that is computed from the corners has to ask.
    x0, y0, z0 = tl.where(is_covered, x0 - x, 0.0), tl.where(is_covered, y0 - y, 0.0), tl.where(is_covered, z0, 1.0)
    x1, y1, z1 = tl.where(is_covered, x1 - x, 1.0), tl.where(is_covered, y1 - y, 0.0), tl.where(is_covered, z1, 1.0)
    x2, y2, z2 = tl.where(is_covered, x2 - x, 0.0), tl.where(is_covered, y2 - y, 1.0), tl.where(is_covered, z2, 1.0)
    return is_covered, image, within, area, x0, y0, z0, x1, y1, z1, x2, y2, z2


@kernel
def _describe(
    screen, faces, vertices, count, stride, seen, barycentrics, depth, total, height, width,
    PERSPECTIVE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Barycentrics and depth of the face in each pixel."""
    pixel = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    is_covered, image, within, area, x0, y0, z0, x1, y1, z1, x2, y2, z2 = _load_seen(
        screen, faces, vertices, stride, seen, pixel, total, height, width
    )
    a0, a1, a2 = areas_of(x0, y0, x1, y1, x2, y2)
    turn = a0 + a1 + a2
    if PERSPECTIVE:
        a0, a1, a2 = a0 / z0, a1 / z1, a2 / z2
        share = 1.0 / (a0 + a1 + a2)
        distance = turn * share
    else:
        share = 1.0 / turn
        distance = (a0 * z0 + a1 * z1 + a2 * z2) * share
    out = barycentrics + image * 3 * area + within
    dtype = depth.dtype.element_ty
    is_pixel = pixel < total
    tl.store(out, tl.where(is_covered, a0 * share, 0.0).to(dtype), mask=is_pixel)
    tl.store(out + area, tl.where(is_covered, a1 * share, 0.0).to(dtype), mask=is_pixel)
    tl.store(out + 2 * area, tl.where(is_covered, a2 * share, 0.0).to(dtype), mask=is_pixel)
    tl.store(depth + pixel, tl.where(is_covered, distance, 0.0).to(dtype), mask=is_pixel)


@kernel
def _pull_back(
    screen, faces, vertices, count, stride, seen, to_barycentrics, to_depth, values, total, height, width,
    PERSPECTIVE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Gradients of (column, row, depth) of the three corners of the face in each pixel, [pixel, corner, 3]."""
    pixel = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    is_covered, image, within, area, x0, y0, z0, x1, y1, z1, x2, y2, z2 = _load_seen(
        screen, faces, vertices, stride, seen, pixel, total, height, width
    )
    a0, a1, a2 = areas_of(x0, y0, x1, y1, x2, y2)
    g0 = tl.zeros([BLOCK], tl.float64)
    g1, g2, h = g0, g0, g0
    if to_barycentrics is not None:
        given = to_barycentrics + image * 3 * area + within
        g0 = tl.load(given, mask=is_covered, other=0.0).to(tl.float64)
        g1 = tl.load(given + area, mask=is_covered, other=0.0).to(tl.float64)
        g2 = tl.load(given + 2 * area, mask=is_covered, other=0.0).to(tl.float64)
    if to_depth is not None:
        h = tl.load(to_depth + pixel, mask=is_covered, other=0.0).to(tl.float64)
    if PERSPECTIVE:
        # With q_i = a_i / z_i and s their sum: the barycentrics are q_i / s, and the depth is sum_i a_i / s.
        i0, i1, i2 = 1.0 / z0, 1.0 / z1, 1.0 / z2
        q0, q1, q2 = a0 * i0, a1 * i1, a2 * i2
        share = 1.0 / (q0 + q1 + q2)
        mean = (g0 * q0 + g1 * q1 + g2 * q2 + h * (a0 + a1 + a2)) * share
        p0, p1, p2 = (g0 - mean) * share, (g1 - mean) * share, (g2 - mean) * share
        w0, w1, w2 = -p0 * q0 * i0, -p1 * q1 * i1, -p2 * q2 * i2
        p0, p1, p2 = p0 * i0 + h * share, p1 * i1 + h * share, p2 * i2 + h * share
    else:
        share = 1.0 / (a0 + a1 + a2)
        w0, w1, w2 = h * a0 * share, h * a1 * share, h * a2 * share
        g0, g1, g2 = g0 + h * z0, g1 + h * z1, g2 + h * z2
        mean = (g0 * a0 + g1 * a1 + g2 * a2) * share
        p0, p1, p2 = (g0 - mean) * share, (g1 - mean) * share, (g2 - mean) * share
    # p_i is the gradient of a_i, w_i that of z_i; a_0 = x_1 y_2 - y_1 x_2, and so on around.
    out = values + pixel * 9
    dtype = values.dtype.element_ty
    tl.store(out, (y1 * p2 - y2 * p1).to(dtype), mask=is_covered)
    tl.store(out + 1, (x2 * p1 - x1 * p2).to(dtype), mask=is_covered)
    tl.store(out + 2, w0.to(dtype), mask=is_covered)
    tl.store(out + 3, (y2 * p0 - y0 * p2).to(dtype), mask=is_covered)
    tl.store(out + 4, (x0 * p2 - x2 * p0).to(dtype), mask=is_covered)
    tl.store(out + 5, w1.to(dtype), mask=is_covered)
    tl.store(out + 6, (y0 * p1 - y1 * p0).to(dtype), mask=is_covered)
    tl.store(out + 7, (x1 * p0 - x0 * p1).to(dtype), mask=is_covered)
    tl.store(out + 8, w2.to(dtype), mask=is_covered)
