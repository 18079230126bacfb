# SPDX-License-Identifier: Apache-2.0
"""CUDA kernels of `soft_skirt.soft_skirt`.

Forward: one program per tile walks the tile's faces and keeps each pixel's best. Backward: each pixel says what it has
to say about the corners of its face, and the pixels of a face are summed.
"""

import torch
import triton.language as tl
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.cuda.closest import (
    along_backward,
    border_weights,
    load_outline,
    pixel_centres,
    surface_point,
    surface_point_backward,
    to_border,
)
from unrender.renderers.differentiable.rasterizer.cuda.corners import load_corners
from unrender.renderers.differentiable.rasterizer.cuda.device import BLOCK, blocks, kernel, launch
from unrender.renderers.differentiable.rasterizer.cuda.face_tiles import TILE, face_tiles, tile_grid
from unrender.renderers.differentiable.rasterizer.cuda.scatter import scatter_corners

# mypy: disable-error-code="no-untyped-def"


def soft_skirt_forward(
    screen: Tensor,
    faces: Tensor,
    crisp: Tensor,
    margin: float,
    push: float,
    casting: Tensor | None,
    perspective: bool,
    cull: bool,
    near: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Face [B, H, W] int32, barycentrics [B, 3, H, W], depth [B, 1, H, W] and alpha [B, 1, H, W]."""
    batch, (height, width) = len(screen), crisp.shape[2:]
    tiles = face_tiles(screen, faces, (height, width), margin, cull, near)
    face = torch.empty(batch, height, width, dtype=torch.int32, device=screen.device)
    barycentrics = screen.new_empty(batch, 3, height, width)
    depth, alpha = screen.new_empty(batch, 1, height, width), screen.new_empty(batch, 1, height, width)
    down, across = tile_grid((height, width))
    launch(
        _find,
        (batch * down * across,),
        *(face, barycentrics, depth, alpha, crisp.contiguous(), tiles.corners, tiles.turn, tiles.tiles, tiles.face),
        *(tiles.turn if casting is None else casting.contiguous(), faces.shape[1]),
        *(height, width, down, across, margin, push),
        CORRECTED=casting is not None,
        PERSPECTIVE=perspective,
        TILE=TILE,
    )
    return face, barycentrics, depth, alpha


def soft_skirt_backward(
    screen: Tensor,
    faces: Tensor,
    face: Tensor,
    to_barycentrics: Tensor,
    to_depth: Tensor,
    to_alpha: Tensor,
    margin: float,
    perspective: bool,
) -> Tensor:
    """Gradient of the screen vertices."""
    values = screen.new_empty(*face.shape, 3, 3)
    stride = faces.shape[1] if len(faces) > 1 else 0
    launch(
        _to_corners,
        (blocks(face.numel()),),
        *(values, screen, faces, face, to_barycentrics, to_depth, to_alpha),
        *(face.numel(), *face.shape[1:], screen.shape[1], stride, margin),
        PERSPECTIVE=perspective,
        BLOCK=BLOCK,
    )
    return scatter_corners(values, face, faces, screen.shape[1])


@kernel
def _casts(bits, edge, along, side_0, side_1, side_2):
    """Whether the nearest point, `along` an edge, is on the outside of a contour; see `casting` for the bits."""
    outside_0 = (side_0 <= 0.0) & ((bits & 1) != 0)
    outside_1 = (side_1 <= 0.0) & ((bits & 2) != 0)
    outside_2 = (side_2 <= 0.0) & ((bits & 4) != 0)
    outside_edge = tl.where(edge == 0, outside_0, tl.where(edge == 1, outside_1, outside_2))
    corner = tl.where(along >= 1.0, (edge + 1) % 3, edge)
    # A corner lies on the edge that starts there and on the one before.
    corner_0 = (outside_0 | outside_2) & ((bits & 8) != 0)
    corner_1 = (outside_1 | outside_0) & ((bits & 16) != 0)
    corner_2 = (outside_2 | outside_1) & ((bits & 32) != 0)
    outside_corner = tl.where(corner == 0, corner_0, tl.where(corner == 1, corner_1, corner_2))
    return tl.where((along >= 1.0) | (along <= 0.0), outside_corner, outside_edge)


@kernel
def _find(
    face_out, barycentrics_out, depth_out, alpha_out, crisp, corners, turns, tiles, faces, casting, count, height,
    width, down, across, margin, push, CORRECTED: tl.constexpr, PERSPECTIVE: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    tile = tl.program_id(0).to(tl.int64)
    column, row, there, is_pixel = pixel_centres(
        tile, tl.arange(0, TILE * TILE), height, width, down, across, corners, TILE
    )
    behind = tl.load(crisp + there, mask=is_pixel, other=0.0)
    best_key = tl.zeros_like(column) + float("inf")
    best_depth = tl.zeros_like(column) + float("inf")
    is_best_front = column < 0.0
    best = tl.zeros_like(there) - 1
    for pair in range(tl.load(tiles + tile), tl.load(tiles + tile + 1)):
        face = tl.load(faces + pair)
        turn = tl.load(turns + face)
        x0, y0, x1, y1, x2, y2 = load_outline(corners, face)
        squared, _, _, edge, share, along, side_0, side_1, side_2 = to_border(column, row, x0, y0, x1, y1, x2, y2, turn)
        is_near = is_pixel & (squared < margin * margin)
        is_near = is_near & ((side_0 <= 0.0) | (side_1 <= 0.0) | (side_2 <= 0.0))
        if tl.max(is_near.to(tl.int32), 0) > 0:
            z0, z1, z2 = (
                tl.load(corners + face * 9 + 2),
                tl.load(corners + face * 9 + 5),
                tl.load(corners + face * 9 + 8),
            )
            weight_0, weight_1, weight_2 = border_weights(edge, share, along)
            _, _, _, depth = surface_point(weight_0, weight_1, weight_2, z0, z1, z2, PERSPECTIVE)
            if CORRECTED:
                key = squared
                bits = tl.load(casting + face).to(tl.int32)
                is_near = is_near & (depth < behind) & _casts(bits, edge, along, side_0, side_1, side_2)
            else:
                key = depth * (1.0 + push * tl.sqrt(squared) / margin)
                is_near = is_near & (key < behind)
            # Faces come in rising order, so that the lowest of equals stays.
            is_tie = (depth < best_depth) | ((depth == best_depth) & (turn < 0) & (is_best_front == 0))
            is_better = is_near & ((key < best_key) | ((key == best_key) & is_tie))
            best_key = tl.where(is_better, key, best_key)
            best_depth = tl.where(is_better, depth, best_depth)
            is_best_front = tl.where(is_better, turn < 0, is_best_front)
            best = tl.where(is_better, face, best)

    found = best >= 0
    place = corners + best * 9
    x0, y0 = tl.load(place, mask=found, other=0.0), tl.load(place + 1, mask=found, other=0.0)
    x1, y1 = tl.load(place + 3, mask=found, other=1.0), tl.load(place + 4, mask=found, other=0.0)
    x2, y2 = tl.load(place + 6, mask=found, other=0.0), tl.load(place + 7, mask=found, other=1.0)
    z0, z1 = tl.load(place + 2, mask=found, other=1.0), tl.load(place + 5, mask=found, other=1.0)
    z2 = tl.load(place + 8, mask=found, other=1.0)
    squared, _, _, edge, share, along, _, _, _ = to_border(column, row, x0, y0, x1, y1, x2, y2, 1)
    weight_0, weight_1, weight_2 = border_weights(edge, share, along)
    bary_0, bary_1, bary_2, depth = surface_point(weight_0, weight_1, weight_2, z0, z1, z2, PERSPECTIVE)
    image = tile // (down * across)
    first = barycentrics_out + there + 2 * image * height * width  # `there` counts one plane for each image before
    tl.store(first, tl.where(found, bary_0, 0.0), mask=is_pixel)
    tl.store(first + height * width, tl.where(found, bary_1, 0.0), mask=is_pixel)
    tl.store(first + 2 * height * width, tl.where(found, bary_2, 0.0), mask=is_pixel)
    tl.store(depth_out + there, tl.where(found, depth, 0.0), mask=is_pixel)
    tl.store(alpha_out + there, tl.where(found, 1.0 - tl.sqrt(squared) / margin, 0.0), mask=is_pixel)
    tl.store(face_out + there, tl.where(found, best - image * count, -1).to(tl.int32), mask=is_pixel)


@kernel
def _to_corners(
    values, screen, faces, seen, to_barycentrics, to_depth, to_alpha, total, height, width, vertices, stride, margin,
    PERSPECTIVE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """What each pixel says about (column, row, depth) of the corners of its face: [B H W, corner, 3]."""
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    face = tl.load(seen + item, mask=item < total, other=-1).to(tl.int64)
    is_seen = face >= 0
    area = height * width
    image, within = item // area, item % area
    dtype = screen.dtype.element_ty
    column, row = (within % width).to(dtype) + 0.5, (within // width).to(dtype) + 0.5
    _, x0, y0, z0, x1, y1, z1, x2, y2, z2 = load_corners(screen, faces, image, face, stride, vertices, is_seen)
    x0, y0, z0 = x0.to(dtype), y0.to(dtype), tl.where(is_seen, z0, 1.0).to(dtype)
    x1, y1, z1 = x1.to(dtype), y1.to(dtype), tl.where(is_seen, z1, 1.0).to(dtype)
    x2, y2, z2 = x2.to(dtype), y2.to(dtype), tl.where(is_seen, z2, 1.0).to(dtype)
    squared, away_x, away_y, edge, share, along, _, _, _ = to_border(column, row, x0, y0, x1, y1, x2, y2, 1)
    weight_0, weight_1, weight_2 = border_weights(edge, share, along)
    bary_0, bary_1, bary_2, depth = surface_point(weight_0, weight_1, weight_2, z0, z1, z2, PERSPECTIVE)

    place = to_barycentrics + image * 3 * area + within
    to_0 = tl.load(place, mask=is_seen, other=0.0)
    to_1 = tl.load(place + area, mask=is_seen, other=0.0)
    to_2 = tl.load(place + 2 * area, mask=is_seen, other=0.0)
    to_along = tl.load(to_depth + item, mask=is_seen, other=0.0)
    to_0, to_1, to_2, to_z0, to_z1, to_z2 = surface_point_backward(
        bary_0, bary_1, bary_2, depth, z0, z1, z2, to_0, to_1, to_2, to_along, PERSPECTIVE
    )
    # The weights are those of the two ends of the nearest edge.
    start_x = tl.where(edge == 0, x0, tl.where(edge == 1, x1, x2))
    start_y = tl.where(edge == 0, y0, tl.where(edge == 1, y1, y2))
    end_x = tl.where(edge == 0, x1, tl.where(edge == 1, x2, x0))
    end_y = tl.where(edge == 0, y1, tl.where(edge == 1, y2, y0))
    to_along = tl.where(edge == 0, to_1 - to_0, tl.where(edge == 1, to_2 - to_1, to_0 - to_2))
    start_dx, start_dy, end_dx, end_dy = along_backward(column, row, start_x, start_y, end_x, end_y, along, to_along)
    # Alpha falls with the distance; a centre on a border has no direction to it.
    distance = tl.sqrt(squared)
    slope = tl.load(to_alpha + item, mask=is_seen, other=0.0) / tl.where(distance > 0.0, distance * margin, 1.0)
    pull_x, pull_y = slope * away_x, slope * away_y
    start_dx, start_dy = start_dx + (1.0 - along) * pull_x, start_dy + (1.0 - along) * pull_y
    end_dx, end_dy = end_dx + along * pull_x, end_dy + along * pull_y
    place = values + item * 9
    store = item < total
    tl.store(place + 0, tl.where(is_seen & (edge != 1), tl.where(edge == 0, start_dx, end_dx), 0.0), mask=store)
    tl.store(place + 1, tl.where(is_seen & (edge != 1), tl.where(edge == 0, start_dy, end_dy), 0.0), mask=store)
    tl.store(place + 2, tl.where(is_seen, to_z0, 0.0), mask=store)
    tl.store(place + 3, tl.where(is_seen & (edge != 2), tl.where(edge == 1, start_dx, end_dx), 0.0), mask=store)
    tl.store(place + 4, tl.where(is_seen & (edge != 2), tl.where(edge == 1, start_dy, end_dy), 0.0), mask=store)
    tl.store(place + 5, tl.where(is_seen, to_z1, 0.0), mask=store)
    tl.store(place + 6, tl.where(is_seen & (edge != 0), tl.where(edge == 2, start_dx, end_dx), 0.0), mask=store)
    tl.store(place + 7, tl.where(is_seen & (edge != 0), tl.where(edge == 2, start_dy, end_dy), 0.0), mask=store)
    tl.store(place + 8, tl.where(is_seen, to_z2, 0.0), mask=store)
