# SPDX-License-Identifier: Apache-2.0
"""Which faces each tile of the images has to look at: counted, then summed, then written, on all cores."""

from collections.abc import Iterator
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from unrender.networks.numba_functions import compiled

TILE = 16
"""Side of a tile in pixels."""

_PAIRS_PER_PIXEL = 1  # tile-face pairs listed together, beside one per face: the lists grow with the images, not F x T


@dataclass(frozen=True, slots=True)
class TileLists:
    """Faces `ids[offsets[t] : offsets[t + 1]]`, in rising order, may cover pixels of tile t.

    Tiles are numbered image by image, row by row: `t = (image * down + row) * across + column`.
    """

    offsets: NDArray[np.int64]
    ids: NDArray[np.int32]
    down: int
    across: int


def tile_lists(
    screen: NDArray[np.floating],
    faces: NDArray[np.integer],
    size: tuple[int, int],
    near: float,
    margin: float,
    cull: bool,
    threads: int,
) -> Iterator[TileLists]:
    """Bin the faces [1 or B, F, 3] of screen vertices [B, N, 3] by the tiles that their boxes have pixel centres in,
    grown by `margin` pixels.

    One set of lists as a rule; several, for one range of faces after the other, where a set would hold more pairs than
    there are faces and pixels. Faces that are padding, name no vertex, have no area, reach nearer than `near`, are not
    finite, or are seen from behind while `cull` is set, are in none. The caller has set the number of threads.
    """
    down, across = -(-size[0] // TILE), -(-size[1] // TILE)
    batch, total = len(screen), faces.shape[1]
    most = batch * total + batch * size[0] * size[1] * _PAIRS_PER_PIXEL
    ranges = [(0, total)]
    while ranges:
        first, last = ranges.pop()
        counts = np.zeros((batch * down * across, threads), np.int64)
        _count(screen, faces, size[0], size[1], near, margin, cull, first, last, counts)
        ends = np.cumsum(counts.ravel())
        pairs = int(counts.sum())
        if pairs > most and last - first > 1:
            middle = (first + last) // 2
            ranges += [(middle, last), (first, middle)]
            continue
        ids = np.empty(pairs, np.int32)
        places = (ends - counts.ravel()).reshape(counts.shape)
        offsets = np.append(places[:, 0], pairs)
        _write(screen, faces, size[0], size[1], near, margin, cull, first, last, places, ids)
        yield TileLists(offsets, ids, down, across)


@compiled()
def face_box(screen, faces, face, height, width, near, margin, cull):  # type: ignore[no-untyped-def]
    """Pixels [top, bottom) x [left, right) whose centres lie in the grown box of a face; empty if it is not drawn."""
    nothing = (0, 0, 0, 0)
    vertices = len(screen)
    i, j, k = np.int64(faces[face, 0]), np.int64(faces[face, 1]), np.int64(faces[face, 2])
    if min(i, j, k) < 0 or max(i, j, k) >= vertices:
        return nothing
    x0, y0, z0 = np.float64(screen[i, 0]), np.float64(screen[i, 1]), screen[i, 2]
    x1, y1, z1 = np.float64(screen[j, 0]), np.float64(screen[j, 1]), screen[j, 2]
    x2, y2, z2 = np.float64(screen[k, 0]), np.float64(screen[k, 1]), screen[k, 2]
    # Written so that a NaN fails.
    if not (min(z0, z1, z2) >= near and max(z0, z1, z2) < np.inf):
        return nothing
    turn = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
    if not (abs(turn) > 0.0 and abs(turn) < np.inf) or (cull and turn > 0.0):
        return nothing
    # Clamped while they are floating: an integer cannot hold what a wild vertex may say.
    left = int(np.ceil(min(max(min(x0, x1, x2) - margin - 0.5, 0.0), np.float64(width))))
    right = int(np.floor(min(max(max(x0, x1, x2) + margin + 0.5, 0.0), np.float64(width))))
    top = int(np.ceil(min(max(min(y0, y1, y2) - margin - 0.5, 0.0), np.float64(height))))
    bottom = int(np.floor(min(max(max(y0, y1, y2) + margin + 0.5, 0.0), np.float64(height))))
    if left >= right or top >= bottom:
        return nothing
    return top, bottom, left, right


@compiled()
def box_in_tile(  # type: ignore[no-untyped-def]
    screen, faces, face, height, width, near, margin, cull, tile_top, tile_left
):
    """The part of `face_box` in the tile that begins there; empty if top >= bottom or left >= right."""
    top, bottom, left, right = face_box(screen, faces, face, height, width, near, margin, cull)
    return max(top, tile_top), min(bottom, tile_top + TILE), max(left, tile_left), min(right, tile_left + TILE)


@compiled(parallel=True, cache=True)
def _count(screen, faces, height, width, near, margin, cull, first, last, counts):  # type: ignore[no-untyped-def]
    down, across, slices = (height + TILE - 1) // TILE, (width + TILE - 1) // TILE, counts.shape[1]
    batch, length = len(screen), last - first
    for task in numba.prange(batch * slices):
        image, part = task // slices, task % slices
        points, triangles = screen[image], faces[image % len(faces)]
        for face in range(first + length * part // slices, first + length * (part + 1) // slices):
            top, bottom, left, right = face_box(points, triangles, face, height, width, near, margin, cull)
            if top == bottom:
                continue
            for row in range(top // TILE, (bottom - 1) // TILE + 1):
                for column in range(left // TILE, (right - 1) // TILE + 1):
                    counts[(image * down + row) * across + column, part] += 1


@compiled(parallel=True, cache=True)
def _write(screen, faces, height, width, near, margin, cull, first, last, places, ids):  # type: ignore[no-untyped-def]
    down, across, slices = (height + TILE - 1) // TILE, (width + TILE - 1) // TILE, places.shape[1]
    batch, length = len(screen), last - first
    for task in numba.prange(batch * slices):
        image, part = task // slices, task % slices
        points, triangles = screen[image], faces[image % len(faces)]
        for face in range(first + length * part // slices, first + length * (part + 1) // slices):
            top, bottom, left, right = face_box(points, triangles, face, height, width, near, margin, cull)
            if top == bottom:
                continue
            for row in range(top // TILE, (bottom - 1) // TILE + 1):
                for column in range(left // TILE, (right - 1) // TILE + 1):
                    tile = (image * down + row) * across + column
                    ids[places[tile, part]] = face
                    places[tile, part] += 1
