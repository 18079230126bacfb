# SPDX-License-Identifier: Apache-2.0
"""Which faces each tile of the images has to look at: counted, then summed, then written and sorted."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import triton.language as tl
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.cuda.corners import box_of, is_drawn, load_corners, turn_of
from unrender.renderers.differentiable.rasterizer.cuda.device import BLOCK, blocks, kernel, launch
from unrender.renderers.differentiable.rasterizer.cuda.runs import run_bounds

# mypy: disable-error-code="no-untyped-def"


@dataclass(frozen=True, slots=True)
class TileLists:
    """Faces `faces[first[t] : last[t]]` (int32, in rising order) may cover pixels of tile t.

    Tiles are squares of `side` pixels, numbered image by image, row by row: `t = (image * down + row) * across +
    column`. first, last: int32 or int64, [tiles]; both 0 for a tile without faces.
    """

    faces: Tensor
    first: Tensor
    last: Tensor
    down: int
    across: int
    side: int


def tile_lists(
    screen: Tensor, faces: Tensor, size: tuple[int, int], near: float, cull: bool, margin: float, side: int
) -> Iterator[TileLists]:
    """Bin the faces [1 or B, F, 3] of screen vertices [B, N, 3] by the tiles that their boxes have pixel centres in,
    grown by `margin` pixels.

    One set of lists as a rule; several, with higher faces in the later ones of each image, where a set would hold more
    pairs of tile and face than there are faces and pixels: memory then grows with the images only. None for no pair.
    Faces that are padding, without area, nearer than `near`, not finite, or seen from behind while `cull` is set, are
    in none.
    """
    batch, count = len(screen), faces.shape[1]
    down, across = blocks(size[0], side), blocks(size[1], side)
    if batch * count == 0:
        return
    # The number as the kernel compares it: an argument would be rounded to float32.
    nearest = screen.new_full((1,), near)
    stride = count if len(faces) > 1 else 0
    mesh = (screen.detach(), faces, nearest, screen.shape[1], count, stride, *size, margin)
    counts = torch.empty(batch * count, dtype=torch.int32, device=screen.device)
    launch(_count, (blocks(len(counts)),), *mesh, counts, len(counts), CULL=cull, SIDE=side, BLOCK=BLOCK)
    ends = counts.cumsum(0, dtype=torch.int64)
    pairs = int(ends[-1])
    most = batch * (count + size[0] * size[1])
    for start in range(0, pairs, most):
        length = min(most, pairs - start)
        tile, face = (torch.empty(length, dtype=torch.int32, device=screen.device) for _ in range(2))
        grid = (blocks(length),)
        shape = (length, start, len(counts), len(counts).bit_length(), down, across)
        launch(_write, grid, *mesh, ends, tile, face, *shape, CULL=cull, SIDE=side, BLOCK=BLOCK)
        # Pairs come face by face, and the sort keeps equal ones in their order.
        tile, order = tile.sort(stable=True)
        yield TileLists(face[order], *run_bounds(tile, batch * down * across), down, across, side)


@kernel
def _tiles_of(screen, faces, near, vertices, count, stride, height, width, margin, item, is_wanted, CULL, SIDE):
    """Image of a face, and the tiles that it touches: first row, first column, how many rows, how many columns."""
    image, face = item // count, item % count
    is_real, x0, y0, z0, x1, y1, z1, x2, y2, z2 = load_corners(screen, faces, image, face, stride, vertices, is_wanted)
    drawn = is_drawn(is_real, z0, z1, z2, turn_of(x0, y0, x1, y1, x2, y2), tl.load(near), CULL)
    top, bottom, left, right = box_of(drawn, x0, y0, x1, y1, x2, y2, height, width, margin)
    row, column = top // SIDE, left // SIDE
    return image, face, row, column, (bottom + SIDE - 1) // SIDE - row, (right + SIDE - 1) // SIDE - column


@kernel
def _count(
    screen, faces, near, vertices, count, stride, height, width, margin, counts, total,
    CULL: tl.constexpr, SIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """How many tiles each face of each image touches."""
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    _, _, _, _, rows, columns = _tiles_of(
        screen, faces, near, vertices, count, stride, height, width, margin, item, item < total, CULL, SIDE
    )
    tl.store(counts + item, rows * columns, mask=item < total)


@kernel
def _write(
    screen, faces, near, vertices, count, stride, height, width, margin, ends, tiles, ids, length, start, total, steps,
    down, across, CULL: tl.constexpr, SIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Tile and face of each pair; the face is the one whose range of pairs, up to `ends`, the pair lies in."""
    place = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    is_wanted = place < length
    pair = place + start
    low = tl.zeros([BLOCK], tl.int64)
    high = low + total  # the face is in [low, high)
    for _ in range(steps):
        middle = (low + high) // 2
        is_later = tl.load(ends + middle, mask=is_wanted & (low < high), other=0) <= pair
        is_open = low < high
        low = tl.where(is_open & is_later, middle + 1, low)
        high = tl.where(is_open & (is_later == 0), middle, high)
    image, face, row, column, rows, columns = _tiles_of(
        screen, faces, near, vertices, count, stride, height, width, margin, low, is_wanted, CULL, SIDE
    )
    within = (pair - (tl.load(ends + low, mask=is_wanted, other=0) - rows * columns)).to(tl.int32)
    columns = tl.maximum(columns, 1)
    tile = (image * down + row + within // columns) * across + column + within % columns
    tl.store(tiles + place, tile.to(tl.int32), mask=is_wanted)
    tl.store(ids + place, face.to(tl.int32), mask=is_wanted)
