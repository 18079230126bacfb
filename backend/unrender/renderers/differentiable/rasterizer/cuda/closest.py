# SPDX-License-Identifier: Apache-2.0
"""Device functions: how far pixel centres are from a face. The soft primitives are made of them.

They are what `reference.closest_points` is, in the dtype of the vertices. A face is given by the (column, row) of its
corners, as scalars, and by the sign of its turn; pixel centres are blocks. Kernels are launched without fused
multiply-adds (`device.launch`): the nearest point that two faces share is then equally far to the last bit, and as far
in the backward as in the forward.
"""

import triton.language as tl

from unrender.renderers.differentiable.rasterizer.cuda.device import kernel

# mypy: disable-error-code="no-untyped-def"


@kernel
def pixel_centres(tile, place, height, width, down, across, corners, TILE: tl.constexpr):
    """(column, row) of the centres of pixels of a tile, in the dtype of `corners`; where in a [B, 1, H, W] tensor they
    are, int64; whether they are in the image. `place` counts the tile's pixels row by row."""
    image, within = tile // (down * across), tile % (down * across)
    row = (within // across).to(tl.int32) * TILE + place // TILE
    column = (within % across).to(tl.int32) * TILE + place % TILE
    there = (image * height + row) * width + column
    dtype = corners.dtype.element_ty
    return column.to(dtype) + 0.5, row.to(dtype) + 0.5, there, (row < height) & (column < width)


@kernel
def load_outline(corners, face):
    """(column, row) of the three corners of a face from the table [B F, 9] of (column, row, depth)."""
    place = corners + face * 9
    x0, y0, x1, y1 = tl.load(place), tl.load(place + 1), tl.load(place + 3), tl.load(place + 4)
    return x0, y0, x1, y1, tl.load(place + 6), tl.load(place + 7)


@kernel
def to_edge(column, row, x0, y0, x1, y1, turn):
    """Of the edge from (x0, y0) to (x1, y1): the squared distance, (column, row) from the nearest point of the edge to
    the centre, the shares of the two corners in that point, and twice the area between, positive on the face's side.

    Edges are always walked downwards (rightwards if level): both faces that share one compute the same numbers.
    """
    is_upward = (y1 < y0) | ((y1 == y0) & (x1 < x0))
    start_x, end_x = tl.where(is_upward, x1, x0), tl.where(is_upward, x0, x1)
    start_y, end_y = tl.where(is_upward, y1, y0), tl.where(is_upward, y0, y1)
    edge_x, edge_y = end_x - start_x, end_y - start_y
    ray_x, ray_y = column - start_x, row - start_y
    length = edge_x * edge_x + edge_y * edge_y
    along = (ray_x * edge_x + ray_y * edge_y) / tl.where(length > 0.0, length, 1.0)
    along = tl.minimum(tl.maximum(along, 0.0), 1.0)
    # At the far end from the corner itself: the faces around a corner shall find it equally far, to the last bit.
    away_x = tl.where(along >= 1.0, column - end_x, ray_x - along * edge_x)
    away_y = tl.where(along >= 1.0, row - end_y, ray_y - along * edge_y)
    side = edge_x * ray_y - edge_y * ray_x
    return (
        away_x * away_x + away_y * away_y,
        away_x,
        away_y,
        tl.where(is_upward, along, 1.0 - along),
        tl.where(is_upward, 1.0 - along, along),
        tl.where(is_upward != (turn > 0), side, -side),
    )


@kernel
def to_border(column, row, x0, y0, x1, y1, x2, y2, turn):
    """Of a face's border: the squared distance, (column, row) from its nearest point to the centre, the number of the
    edge that the point is on, the shares of the corner where that starts and of the next one, and the areas between the
    centre and the edges 0, 1, 2."""
    squared_0, away_x0, away_y0, share_0, next_0, side_0 = to_edge(column, row, x0, y0, x1, y1, turn)
    squared_1, away_x1, away_y1, share_1, next_1, side_1 = to_edge(column, row, x1, y1, x2, y2, turn)
    squared_2, away_x2, away_y2, share_2, next_2, side_2 = to_edge(column, row, x2, y2, x0, y0, turn)
    second = squared_1 < squared_0
    squared = tl.where(second, squared_1, squared_0)
    third = squared_2 < squared
    return (
        tl.where(third, squared_2, squared),
        tl.where(third, away_x2, tl.where(second, away_x1, away_x0)),
        tl.where(third, away_y2, tl.where(second, away_y1, away_y0)),
        tl.where(third, 2, tl.where(second, 1, 0)),
        tl.where(third, share_2, tl.where(second, share_1, share_0)),
        tl.where(third, next_2, tl.where(second, next_1, next_0)),
        side_0,
        side_1,
        side_2,
    )


@kernel
def border_weights(edge, share, following):
    """Linear barycentrics of a point of the border: edge i runs from corner i to the next."""
    return (
        tl.where(edge == 0, share, tl.where(edge == 2, following, 0.0)),
        tl.where(edge == 1, share, tl.where(edge == 0, following, 0.0)),
        tl.where(edge == 2, share, tl.where(edge == 1, following, 0.0)),
    )


@kernel
def surface_point(weight_0, weight_1, weight_2, z0, z1, z2, PERSPECTIVE: tl.constexpr):
    """Barycentrics as attributes want them, and depth, of a point with these linear barycentrics on the screen."""
    if PERSPECTIVE:
        part_0, part_1, part_2 = weight_0 / z0, weight_1 / z1, weight_2 / z2
        depth = 1.0 / (part_0 + part_1 + part_2)
        weight_0, weight_1, weight_2 = part_0 * depth, part_1 * depth, part_2 * depth
    else:
        depth = weight_0 * z0 + weight_1 * z1 + weight_2 * z2
    return weight_0, weight_1, weight_2, depth


@kernel
def surface_point_backward(
    bary_0, bary_1, bary_2, depth, z0, z1, z2, to_0, to_1, to_2, to_depth, PERSPECTIVE: tl.constexpr
):
    """Given `surface_point`'s results and their gradients: those of the three weights and of z0, z1, z2."""
    if PERSPECTIVE:
        # With s = sum_i w_i / z_i: barycentric i is w_i / (z_i s) and the depth 1 / s.
        common = to_0 * bary_0 + to_1 * bary_1 + to_2 * bary_2 + to_depth * depth
        to_0, to_1, to_2 = depth * (to_0 - common) / z0, depth * (to_1 - common) / z1, depth * (to_2 - common) / z2
        # w_i enters through w_i / z_i only, which is barycentric i / depth.
        to_z0, to_z1, to_z2 = -to_0 * bary_0 / depth, -to_1 * bary_1 / depth, -to_2 * bary_2 / depth
    else:
        to_z0, to_z1, to_z2 = to_depth * bary_0, to_depth * bary_1, to_depth * bary_2
        to_0, to_1, to_2 = to_0 + to_depth * z0, to_1 + to_depth * z1, to_2 + to_depth * z2
    return to_0, to_1, to_2, to_z0, to_z1, to_z2


@kernel
def along_backward(column, row, x0, y0, x1, y1, along, gradient):
    """Gradients of x0, y0, x1, y1, given that of how far along its edge the nearest point is."""
    edge_x, edge_y = x1 - x0, y1 - y0
    ray_x, ray_y = column - x0, row - y0
    length = edge_x * edge_x + edge_y * edge_y
    # along = (ray . edge) / (edge . edge) between the corners, and fixed at them.
    scale = tl.where((along > 0.0) & (along < 1.0), gradient / tl.where(length > 0.0, length, 1.0), 0.0)
    return (
        scale * (2.0 * along * edge_x - edge_x - ray_x),
        scale * (2.0 * along * edge_y - edge_y - ray_y),
        scale * (ray_x - 2.0 * along * edge_x),
        scale * (ray_y - 2.0 * along * edge_y),
    )


@kernel
def one_minus_exp(x):
    """1 - exp(-x) for x >= 0, to the last digits where x is small."""
    series = x
    term = x
    for power in tl.static_range(2, 12):
        term = term * (-x / power)
        series += term
    return tl.where(x < 0.3, series, 1.0 - tl.exp(-x))
