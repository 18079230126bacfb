# SPDX-License-Identifier: Apache-2.0
"""Which faces come near which tiles of the images, for the primitives in which a face reaches beyond its border."""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.cuda.scatter import scatter_corners

TILE: Final = 16  # pixels


class FaceTiles(NamedTuple):
    """Pairs of a face and a tile that its grown bounding box touches.

    Tiles are numbered through the batch, image by image and row by row; faces too, `image * F + face`. Nothing here
    depends on the order in which threads run.

    corners: (column, row, depth) of the three corners of each face, [B F, 9], in the dtype of the vertices.
    turn: -1 for front faces, 1 for back faces, 0 for those that are left out, [B F] int32.
    tiles: where each tile's pairs begin and the last one's end, [B T + 1] int64. Within a tile, faces rise.
    tile, face: of each pair, [P] int64.
    """

    corners: Tensor
    turn: Tensor
    tiles: Tensor
    tile: Tensor
    face: Tensor


def face_tiles(
    screen: Tensor, faces: Tensor, size: tuple[int, int], margin: float, cull: bool, near: float
) -> FaceTiles:
    """Pairs for screen [B, N, 3], faces [1 or B, F, 3] and boxes grown by `margin` pixels.

    Left out are padding, faces with a corner that is not finite or nearer than `near`, faces without area, and with
    `cull` those seen from behind.
    """
    corners, turn = _set_up(screen, faces, cull, near)
    down, across = tile_grid(size)
    first, last = _tile_ranges(corners, turn != 0, size, margin)
    wide = last - first + 1
    count = wide[:, 0] * wide[:, 1]
    ends = torch.zeros(len(count) + 1, dtype=torch.long, device=screen.device)
    torch.cumsum(count, 0, out=ends[1:])
    pairs = int(ends[-1])
    face = torch.repeat_interleave(torch.arange(len(count), device=screen.device), count, output_size=pairs)
    step = torch.arange(pairs, device=screen.device) - ends[face]
    row, column = first[face, 1] + step // wide[face, 0], first[face, 0] + step % wide[face, 0]
    tile = (face // max(faces.shape[1], 1) * down + row) * across + column
    in_order, order = torch.sort(tile, stable=True)
    all_tiles = torch.arange(len(screen) * down * across + 1, device=screen.device)
    return FaceTiles(corners, turn, torch.searchsorted(in_order, all_tiles), in_order, face[order])


def sum_to_vertices(values: Tensor, tiles: FaceTiles, faces: Tensor, images: int, meshes: int, vertices: int) -> Tensor:
    """Add what each pair says about the corners of its face, [P, 3, C], into the vertices: [meshes, vertices, C].

    faces: [1 or images, F, 3]. meshes: as many as there are images, or 1 if the images share the vertices.
    """
    if values.numel() == 0:
        return values.new_zeros(meshes, vertices, values.shape[2])
    first = torch.arange(images, device=faces.device).view(-1, 1, 1) * (vertices if meshes > 1 else 0)
    # One mesh of all: a pair's place among the tiles says nothing about where its face's other pairs are.
    together = torch.where(faces >= 0, faces + first, -1).view(1, -1, 3)
    summed = scatter_corners(values[None, None], tiles.face[None, None], together, meshes * vertices)
    return summed.view(meshes, vertices, values.shape[2])


def tile_grid(size: tuple[int, int]) -> tuple[int, int]:
    """How many tiles there are (down, across) an image."""
    return -(-size[0] // TILE), -(-size[1] // TILE)


def _set_up(screen: Tensor, faces: Tensor, cull: bool, near: float) -> tuple[Tensor, Tensor]:
    batch, vertices = screen.shape[:2]
    count = faces.shape[1]
    if vertices == 0 or count == 0:
        return screen.new_zeros(batch * count, 9), faces.new_zeros(batch * count, dtype=torch.int32)
    image = torch.arange(batch, device=screen.device).view(-1, 1, 1)
    corners = screen[image, faces.long().clamp(min=0)]
    # In double precision, as everywhere: whether a sliver is a face at all is not a matter of rounding.
    points = corners[..., :2].double()
    one, other = points[:, :, 1] - points[:, :, 0], points[:, :, 2] - points[:, :, 0]
    area = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    is_drawn = (faces >= 0).all(-1) & corners.isfinite().flatten(2).all(-1) & (corners[..., 2] >= near).all(-1)
    is_drawn = is_drawn & area.isfinite() & ((area < 0.0) if cull else (area != 0.0))
    turn = torch.where(is_drawn, area.sign(), 0.0).int()
    return corners.reshape(-1, 9), turn.flatten()


def _tile_ranges(corners: Tensor, is_drawn: Tensor, size: tuple[int, int], margin: float) -> tuple[Tensor, Tensor]:
    """First and last tile (column, row) [B F, 2] of each face's grown box; last < first in both where there is none."""
    points = corners.view(-1, 3, 3)[:, :, :2]
    low, high = points.amin(1) - (margin + 0.5), points.amax(1) + (margin - 0.5)
    pixels = torch.tensor([size[1], size[0]], dtype=corners.dtype, device=corners.device)
    # A pixel more than needed on both sides: kernels look at the distance themselves.
    low, high = low.floor(), high.ceil()
    touches = is_drawn & (high >= 0.0).all(1) & (low < pixels).all(1)
    first = torch.where(touches.unsqueeze(1), low.clamp(min=0.0), 0.0).long() // TILE
    last = torch.where(touches.unsqueeze(1), torch.minimum(high, pixels - 1.0), -1.0).long()
    return first, torch.where(touches.unsqueeze(1), last // TILE, -1)
