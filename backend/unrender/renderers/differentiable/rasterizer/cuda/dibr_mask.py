# SPDX-License-Identifier: Apache-2.0
"""CUDA kernels of `dibr_mask.dibr_mask`.

Forward: one program for some pixels of a tile walks the tile's faces and keeps the nearest. Backward: one program per
pair of a face and a tile sums what the tile's pixels say about the face. The last face that a pixel kept tells which
others it did: those that are nearer, or as near and have a lower index.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn.functional import pad

from unrender.renderers.differentiable.rasterizer.cuda.closest import (
    border_weights,
    load_outline,
    one_minus_exp,
    pixel_centres,
    to_border,
)
from unrender.renderers.differentiable.rasterizer.cuda.device import kernel, launch
from unrender.renderers.differentiable.rasterizer.cuda.face_tiles import (
    TILE,
    FaceTiles,
    face_tiles,
    sum_to_vertices,
    tile_grid,
)

# mypy: disable-error-code="no-untyped-def"

_KEPT = 2048  # pairs of a pixel and a face that a program keeps in registers


def dibr_mask_forward(
    screen: Tensor, faces: Tensor, size: tuple[int, int], sharpness: float, box: float, nearest: int, near: float
) -> tuple[Tensor, ...]:
    """Mask [B, 1, H, W]; then what the backward needs: the logarithm of its complement, the squared distance and the
    index of the last face that each pixel keeps, and the tiles."""
    batch, count = len(screen), faces.shape[1]
    tiles = face_tiles(screen, faces, size, box, False, near)
    mask, missed, limit = (torch.empty(batch, 1, *size, dtype=screen.dtype, device=screen.device) for _ in range(3))
    last = torch.empty(batch, 1, *size, dtype=torch.int32, device=screen.device)
    down, across = tile_grid(size)
    slots = triton.next_power_of_2(min(nearest, max(count, 1)))
    pixels = min(max(_KEPT // slots, TILE), TILE * TILE)
    launch(
        _keep_nearest,
        (batch * down * across * (TILE * TILE // pixels),),
        *(mask, missed, limit, last, tiles.corners, tiles.turn, tiles.tiles, tiles.face),
        *(count, *size, down, across, sharpness, box, nearest),
        TILE=TILE,
        PIXELS=pixels,
        SLOTS=slots,
    )
    return mask, missed, limit, last, *tiles


def dibr_mask_backward(
    screen: Tensor,
    faces: Tensor,
    missed: Tensor,
    limit: Tensor,
    last: Tensor,
    *rest: Any,
) -> Tensor:
    """Gradient of the screen vertices; `rest`: the tiles, then the gradient of the mask, sharpness, box and near."""
    tiles, (gradient, sharpness, box, _) = FaceTiles(*rest[:-4]), rest[-4:]
    height, width = missed.shape[2:]
    pairs = len(tiles.face)
    parts = torch.empty(pairs, 3, 2, dtype=screen.dtype, device=screen.device)
    launch(
        _sum_gradients,
        (pairs,),
        *(parts, gradient, missed, limit, last, tiles.corners, tiles.turn, tiles.tile, tiles.face),
        *(faces.shape[1], height, width, *tile_grid((height, width)), sharpness, box),
        TILE=TILE,
    )
    batch, vertices = screen.shape[:2]
    return pad(sum_to_vertices(parts, tiles, faces, batch, batch, vertices), (0, 1))


@kernel
def _is_in_box(column, row, x0, y0, x1, y1, x2, y2, box):
    low_x, high_x = tl.minimum(tl.minimum(x0, x1), x2) - box, tl.maximum(tl.maximum(x0, x1), x2) + box
    low_y, high_y = tl.minimum(tl.minimum(y0, y1), y2) - box, tl.maximum(tl.maximum(y0, y1), y2) + box
    return (column >= low_x) & (column <= high_x) & (row >= low_y) & (row <= high_y)


@kernel
def _keep_nearest(
    mask, missed, limit, last, corners, turns, tiles, faces, count, height, width, down, across, sharpness, box,
    nearest, TILE: tl.constexpr, PIXELS: tl.constexpr, SLOTS: tl.constexpr,
):  # fmt: skip
    PARTS: tl.constexpr = TILE * TILE // PIXELS
    tile = tl.program_id(0).to(tl.int64) // PARTS
    place = tl.program_id(0) % PARTS * PIXELS + tl.arange(0, PIXELS)
    column, row, there, is_pixel = pixel_centres(tile, place, height, width, down, across, corners, TILE)
    first_face = tile // (down * across) * count

    slot = tl.arange(0, SLOTS)[None, :] + tl.zeros([PIXELS, 1], tl.int32)
    # A slot that is not to be used holds a distance that nothing is nearer than.
    kept = tl.where(slot < nearest, float("inf"), -1.0).to(corners.dtype.element_ty)
    face_kept = 2147483647 - slot
    farthest = tl.max(kept, 1)
    last_face = tl.max(tl.where(kept == farthest[:, None], face_kept, -1), 1)
    covered = column < 0.0
    for pair in range(tl.load(tiles + tile), tl.load(tiles + tile + 1)):
        face = tl.load(faces + pair)
        turn = tl.load(turns + face)
        x0, y0, x1, y1, x2, y2 = load_outline(corners, face)
        squared, _, _, _, _, _, side_0, side_1, side_2 = to_border(column, row, x0, y0, x1, y1, x2, y2, turn)
        is_near = is_pixel & _is_in_box(column, row, x0, y0, x1, y1, x2, y2, box)
        covered = covered | (is_near & (side_0 >= 0.0) & (side_1 >= 0.0) & (side_2 >= 0.0))
        is_better = is_near & (covered == 0) & (squared < farthest)
        if tl.max(is_better.to(tl.int32), 0) > 0:
            replaced = (kept == farthest[:, None]) & (face_kept == last_face[:, None]) & is_better[:, None]
            kept = tl.where(replaced, squared[:, None], kept)
            face_kept = tl.where(replaced, (face - first_face).to(tl.int32), face_kept)
            farthest = tl.max(kept, 1)
            last_face = tl.max(tl.where(kept == farthest[:, None], face_kept, -1), 1)

    escaped = tl.where(slot < nearest, one_minus_exp(sharpness * tl.maximum(kept, 0.0)), 1.0)
    logarithm = tl.sum(tl.log(escaped), 1)
    tl.store(mask + there, tl.where(covered, 1.0, one_minus_exp(-logarithm)), mask=is_pixel)
    tl.store(missed + there, logarithm, mask=is_pixel)
    tl.store(limit + there, tl.where(covered, -1.0, farthest), mask=is_pixel)
    tl.store(last + there, last_face, mask=is_pixel)


@kernel
def _sum_gradients(
    parts, gradient, missed, limit, last, corners, turns, tile_of, faces, count, height, width, down, across,
    sharpness, box, TILE: tl.constexpr,
):  # fmt: skip
    pair = tl.program_id(0).to(tl.int64)
    tile, face = tl.load(tile_of + pair), tl.load(faces + pair)
    place = tl.arange(0, TILE * TILE)
    column, row, there, is_pixel = pixel_centres(tile, place, height, width, down, across, corners, TILE)
    turn = tl.load(turns + face)
    x0, y0, x1, y1, x2, y2 = load_outline(corners, face)
    squared, away_x, away_y, edge, share, following, _, _, _ = to_border(column, row, x0, y0, x1, y1, x2, y2, turn)
    farthest = tl.load(limit + there, mask=is_pixel, other=-1.0)
    last_face = tl.load(last + there, mask=is_pixel, other=-1)
    is_kept = (squared < farthest) | ((squared == farthest) & (face - tile // (down * across) * count <= last_face))
    is_kept = is_kept & is_pixel & _is_in_box(column, row, x0, y0, x1, y1, x2, y2, box) & (squared > 0.0)
    hit = sharpness * squared
    slope = tl.load(gradient + there, mask=is_kept, other=0.0) * tl.exp(
        tl.load(missed + there, mask=is_kept, other=0.0)
    )
    slope = slope * tl.exp(-hit) / tl.where(is_kept, one_minus_exp(hit), 1.0) * sharpness
    slope = tl.where(is_kept, 2.0 * slope, 0.0)
    # The mask falls with the distance, and the distance as the face's nearest point comes towards the centre.
    weight_0, weight_1, weight_2 = border_weights(edge, share, following)
    # Corners so far away that their squares are infinite have no gradient, and must not spoil the sum.
    away_x, away_y = tl.where(is_kept, away_x, 0.0), tl.where(is_kept, away_y, 0.0)
    slope_0 = tl.where(is_kept, slope * weight_0, 0.0)
    slope_1 = tl.where(is_kept, slope * weight_1, 0.0)
    slope_2 = tl.where(is_kept, slope * weight_2, 0.0)
    part = parts + pair * 6
    tl.store(part + 0, tl.sum(slope_0 * away_x, 0))
    tl.store(part + 1, tl.sum(slope_0 * away_y, 0))
    tl.store(part + 2, tl.sum(slope_1 * away_x, 0))
    tl.store(part + 3, tl.sum(slope_1 * away_y, 0))
    tl.store(part + 4, tl.sum(slope_2 * away_x, 0))
    tl.store(part + 5, tl.sum(slope_2 * away_y, 0))
