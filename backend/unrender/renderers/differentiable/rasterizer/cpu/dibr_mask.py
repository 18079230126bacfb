# SPDX-License-Identifier: Apache-2.0
"""CPU kernels of `dibr_mask.dibr_mask`.

Forward, tiles on all cores: which pixels are covered; which others a face may reach; and the nearest faces of those.
Only the last have lists, so memory grows with the band around the silhouettes. Backward, faces on all cores: each goes
through its pixels again and keeps a pixel's list to the faces that were in it by the farthest one of them.
"""

import math

import numba
import numpy as np
import torch
from torch import Tensor

from unrender.networks.numba_functions import compiled, use_threads
from unrender.renderers.differentiable.rasterizer.cpu.closest_points import (
    EDGE_TERMS,
    nearest_on_border,
    set_up_edges,
    side_of,
)
from unrender.renderers.differentiable.rasterizer.cpu.scatter import scatter_corners
from unrender.renderers.differentiable.rasterizer.cpu.tiles import TILE, box_in_tile, face_box, tile_lists

_COVERED, _NEAR = 1, 2


def dibr_mask_forward(
    screen: Tensor, faces: Tensor, size: tuple[int, int], sharpness: float, box: float, nearest: int, near: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Mask [B, 1, H, W] of contiguous screen [B, N, 3] and faces [1 or B, F, 3], and what the backward needs [B, H, W]:
    the share of light that no face takes, and the squared distance and index of the farthest face that counts."""
    threads = torch.get_num_threads()
    use_threads(threads)
    points, triangles = screen.detach().numpy(), faces.numpy()
    tasks = 4 * threads
    state = np.zeros((len(screen), *size), np.uint8)
    lists = list(tile_lists(points, triangles, size, near, box, False, threads))
    for part in lists:
        _cover(points, triangles, near, part.offsets, part.ids, part.across, tasks, state)
    for part in lists:
        _reach(points, triangles, near, box, part.offsets, part.ids, part.across, tasks, state)
    is_near = state == _NEAR
    slots = np.cumsum(is_near.ravel(), dtype=np.int64).reshape(is_near.shape) - 1
    held = int(slots[-1, -1, -1]) + 1
    limit = min(nearest, faces.shape[1])
    squared, owner, counts = np.empty((held, limit)), np.empty((held, limit), np.int32), np.zeros(held, np.int32)
    for part in lists:
        _collect(
            points, triangles, near, box, part.offsets, part.ids, part.across, tasks, state, slots, squared, owner,
            counts,
        )  # fmt: skip
    missed = torch.empty(state.shape, dtype=torch.float64)
    farthest, last = torch.full_like(missed, -1.0), torch.full(state.shape, -1, dtype=torch.int32)
    _multiply(state, slots, squared, owner, counts, sharpness, missed.numpy(), farthest.numpy(), last.numpy())
    return (1.0 - missed).to(screen.dtype).unsqueeze(1), missed, farthest, last


def dibr_mask_backward(
    screen: Tensor,
    faces: Tensor,
    missed: Tensor,
    farthest: Tensor,
    last: Tensor,
    to_mask: Tensor,
    sharpness: float,
    box: float,
    near: float,
) -> Tensor:
    """Gradient of screen [B, N, 3], given that of the mask [B, 1, H, W]."""
    batch, count = len(screen), faces.shape[1]
    threads = torch.get_num_threads()
    use_threads(threads)
    corners = torch.zeros(batch, 1, count, 3, 3, dtype=torch.float64)
    seen = torch.full((batch, 1, count), -1, dtype=torch.int32)
    _pull_back(
        screen.detach().numpy(), faces.numpy(), missed.numpy(), farthest.numpy(), last.numpy(), to_mask.numpy(),
        sharpness, box, near, 8 * threads, corners.numpy(), seen.numpy(),
    )  # fmt: skip
    return scatter_corners(corners, seen, faces, screen.shape[1]).to(screen.dtype)


@compiled(parallel=True, cache=True)
def _cover(screen, faces, near, offsets, ids, across, tasks, state):  # type: ignore[no-untyped-def]
    height, width = state.shape[1], state.shape[2]
    tiles, down = len(offsets) - 1, (height + TILE - 1) // TILE
    for task in numba.prange(tasks):
        edges = np.empty((3, EDGE_TERMS))
        for tile in range(task, tiles, tasks):
            image, tile_top, tile_left = tile // (down * across), tile // across % down * TILE, tile % across * TILE
            points, triangles = screen[image], faces[image % len(faces)]
            for place in range(offsets[tile], offsets[tile + 1]):
                face = ids[place]
                top, bottom, left, right = box_in_tile(
                    points, triangles, face, height, width, near, 0.0, False, tile_top, tile_left
                )
                if top >= bottom or left >= right:
                    continue
                set_up_edges(points, triangles[face], edges)
                for row in range(top, bottom):
                    for column in range(left, right):
                        x, y = column + 0.5, row + 0.5
                        is_inside = True
                        for i in range(3):
                            is_inside = is_inside and side_of(edges, i, x, y) >= 0.0
                        if is_inside:
                            state[image, row, column] = _COVERED


@compiled(parallel=True, cache=True)
def _reach(screen, faces, near, box, offsets, ids, across, tasks, state):  # type: ignore[no-untyped-def]
    height, width = state.shape[1], state.shape[2]
    tiles, down = len(offsets) - 1, (height + TILE - 1) // TILE
    for task in numba.prange(tasks):
        for tile in range(task, tiles, tasks):
            image, tile_top, tile_left = tile // (down * across), tile // across % down * TILE, tile % across * TILE
            points, triangles = screen[image], faces[image % len(faces)]
            for place in range(offsets[tile], offsets[tile + 1]):
                top, bottom, left, right = box_in_tile(
                    points, triangles, ids[place], height, width, near, box, False, tile_top, tile_left
                )
                for row in range(top, bottom):
                    for column in range(left, right):
                        if state[image, row, column] == 0:
                            state[image, row, column] = _NEAR


@compiled(parallel=True, cache=True)
def _collect(  # type: ignore[no-untyped-def]
    screen, faces, near, box, offsets, ids, across, tasks, state, slots, squared, owner, counts
):
    """The nearest faces of each pixel, nearest first; of equally near ones the lowest index first."""
    height, width = state.shape[1], state.shape[2]
    limit = squared.shape[1]
    tiles, down = len(offsets) - 1, (height + TILE - 1) // TILE
    for task in numba.prange(tasks):
        edges = np.empty((3, EDGE_TERMS))
        for tile in range(task, tiles, tasks):
            image, tile_top, tile_left = tile // (down * across), tile // across % down * TILE, tile % across * TILE
            points, triangles = screen[image], faces[image % len(faces)]
            for place in range(offsets[tile], offsets[tile + 1]):
                face = ids[place]
                top, bottom, left, right = box_in_tile(
                    points, triangles, face, height, width, near, box, False, tile_top, tile_left
                )
                is_set_up = False
                for row in range(top, bottom):
                    for column in range(left, right):
                        if state[image, row, column] != _NEAR:
                            continue
                        if not is_set_up:
                            set_up_edges(points, triangles[face], edges)
                            is_set_up = True
                        found = nearest_on_border(edges, column + 0.5, row + 0.5)[0]
                        slot = slots[image, row, column]
                        held = counts[slot]
                        # Faces come in rising order: one that is as far as another goes behind it.
                        if held == limit:
                            if not found < squared[slot, held - 1]:
                                continue
                            held -= 1
                        at = held
                        while at > 0 and squared[slot, at - 1] > found:
                            squared[slot, at], owner[slot, at] = squared[slot, at - 1], owner[slot, at - 1]
                            at -= 1
                        squared[slot, at], owner[slot, at] = found, face
                        counts[slot] = held + 1


@compiled(parallel=True, cache=True)
def _multiply(state, slots, squared, owner, counts, sharpness, missed, farthest, last):  # type: ignore[no-untyped-def]
    batch, height, width = state.shape
    for line in numba.prange(batch * height):
        image, row = line // height, line % height
        for column in range(width):
            through = 0.0 if state[image, row, column] == _COVERED else 1.0
            if state[image, row, column] == _NEAR:
                slot = slots[image, row, column]
                held = counts[slot]
                for at in range(held):
                    through *= -math.expm1(-sharpness * squared[slot, at])
                farthest[image, row, column], last[image, row, column] = squared[slot, held - 1], owner[slot, held - 1]
            missed[image, row, column] = through


@compiled(parallel=True, cache=True)
def _pull_back(  # type: ignore[no-untyped-def]
    screen, faces, missed, farthest, last, to_mask, sharpness, box, near, tasks, corners, seen
):
    batch, height, width = missed.shape
    count = faces.shape[1]
    for task in numba.prange(tasks):
        edges = np.empty((3, EDGE_TERMS))
        for job in range(batch * count * task // tasks, batch * count * (task + 1) // tasks):
            image, face = job // count, job % count
            points, triangle = screen[image], faces[image % len(faces), face]
            top, bottom, left, right = face_box(
                points, faces[image % len(faces)], face, height, width, near, box, False
            )
            is_set_up = False
            out = corners[image, 0, face]
            for row in range(top, bottom):
                for column in range(left, right):
                    limit, upstream = farthest[image, row, column], np.float64(to_mask[image, 0, row, column])
                    if limit < 0.0 or upstream == 0.0:
                        continue
                    if not is_set_up:
                        set_up_edges(points, triangle, edges)
                        is_set_up = True
                        seen[image, 0, face] = face
                    squared, edge, own, other, apart_x, apart_y = nearest_on_border(edges, column + 0.5, row + 0.5)
                    if squared > limit or (squared == limit and face > last[image, row, column]):
                        continue
                    reached = math.exp(-sharpness * squared)
                    rest = -math.expm1(-sharpness * squared)
                    if not rest > 0.0:
                        continue
                    # The mask's slope by the squared distance, and that by where the nearest point is.
                    pull = 2.0 * sharpness * upstream * missed[image, row, column] / rest * reached
                    after = (edge + 1) % 3
                    out[edge, 0] += pull * own * apart_x
                    out[edge, 1] += pull * own * apart_y
                    out[after, 0] += pull * other * apart_x
                    out[after, 1] += pull * other * apart_y
