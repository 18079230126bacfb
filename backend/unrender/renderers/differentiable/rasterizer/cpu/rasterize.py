# SPDX-License-Identifier: Apache-2.0
"""CPU kernels of `rasterize.rasterize`: a depth buffer per tile, tiles on all cores.

All arithmetic is in double precision, whatever the dtype of the vertices: the differences and products that decide on
which side of an edge a pixel centre lies are then exact for almost all float32 coordinates, and it costs next to
nothing, since most of the time goes into fetching vertices.
"""

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unrender.networks.numba_functions import compiled, use_threads
from unrender.renderers.differentiable.rasterizer.cpu.scatter import scatter_corners
from unrender.renderers.differentiable.rasterizer.cpu.tiles import TILE, box_in_tile, tile_lists

_AT_ZERO = -2.2250738585072014e-308  # what an edge that takes the centres on it compares with, in place of nought
_WIDE = 4  # boxes of more columns are worth finding out where the edges cross their rows
_WILD = 1e7  # beyond so many pixels, where an edge crosses a row is not known to a pixel


def rasterize_forward(
    screen: Tensor, faces: Tensor, size: tuple[int, int], perspective: bool, cull: bool, near: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Face [B, H, W], barycentrics [B, 3, H, W] and depth [B, 1, H, W] of contiguous screen [B, N, 3] and faces
    [1 or B, F, 3]."""
    batch, threads = len(screen), torch.get_num_threads()
    face = torch.full((batch, *size), -1, dtype=torch.int32)
    barycentrics = screen.new_zeros(batch, 3, *size)
    depth = screen.new_zeros(batch, 1, *size)
    points, triangles = screen.detach().numpy(), faces.numpy()
    images: tuple[NDArray, NDArray, NDArray] = (face.numpy(), barycentrics.numpy(), depth.squeeze(1).numpy())
    use_threads(threads)
    for lists in tile_lists(points, triangles, size, near, 0.0, cull, threads):
        tasks = min(4 * threads, len(lists.offsets) - 1)
        _draw(points, triangles, near, perspective, cull, lists.offsets, lists.ids, lists.across, tasks, *images)
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
    corners = screen.new_empty(*face.shape, 3, 3)
    use_threads(torch.get_num_threads())
    _pull_back(
        screen.detach().numpy(),
        faces.numpy(),
        face.numpy(),
        (screen.new_zeros(1, 1, 1, 1) if to_barycentrics is None else to_barycentrics).numpy(),
        (screen.new_zeros(1, 1, 1, 1) if to_depth is None else to_depth).numpy(),
        to_barycentrics is not None,
        to_depth is not None,
        perspective,
        corners.numpy(),
    )
    return scatter_corners(corners, face, faces, screen.shape[1])


@compiled()
def _edge(x0, y0, x1, y1, turn):  # type: ignore[no-untyped-def]
    """An edge function of the reference: where the edge starts, how it runs (signed so that inside is positive), and
    what its value must exceed."""
    is_upward = y1 < y0 or (y1 == y0 and x1 < x0)
    if is_upward:
        x0, y0, x1, y1 = x1, y1, x0, y0
    along_x, along_y = x1 - x0, y1 - y0
    least = 0.0
    if is_upward != (turn > 0.0):
        if along_y == 0.0:
            least = _AT_ZERO
    else:
        if along_y != 0.0:
            least = _AT_ZERO
        along_x, along_y = -along_x, -along_y
    return x0, y0, along_x, along_y, least


@compiled()
def _narrow(start, slope, left, right):  # type: ignore[no-untyped-def]
    """Columns [left, right) of a row narrowed to those on the inner side of an edge that crosses the row at column
    `start`, with a pixel to spare: the exact test is left to the caller."""
    if slope > 0.0:
        right = int(max(min(start + 1.5, np.float64(right)), np.float64(left)))
    elif slope < 0.0:
        left = int(min(max(start - 1.5, np.float64(left)), np.float64(right)))
    return left, right


@compiled(parallel=True, cache=True)
def _draw(  # type: ignore[no-untyped-def]
    screen, faces, near, perspective, cull, offsets, ids, across, tasks, seen, barycentrics, depth
):
    height, width = seen.shape[1], seen.shape[2]
    tiles, down = len(offsets) - 1, (height + TILE - 1) // TILE
    for task in numba.prange(tasks):
        # Every so-manieth tile: neighbours have about as much to do, and no thread gets all of the full ones.
        for tile in range(task, tiles, tasks):
            image, row_of_tile, column_of_tile = tile // (down * across), tile // across % down, tile % across
            points, triangles = screen[image], faces[image % len(faces)]
            tile_top, tile_left = row_of_tile * TILE, column_of_tile * TILE
            for place in range(offsets[tile], offsets[tile + 1]):
                face = ids[place]
                top, bottom, left, right = box_in_tile(
                    points, triangles, face, height, width, near, 0.0, cull, tile_top, tile_left
                )
                i, j, k = triangles[face, 0], triangles[face, 1], triangles[face, 2]
                x0, y0 = np.float64(points[i, 0]), np.float64(points[i, 1])
                x1, y1 = np.float64(points[j, 0]), np.float64(points[j, 1])
                x2, y2 = np.float64(points[k, 0]), np.float64(points[k, 1])
                z0, z1, z2 = np.float64(points[i, 2]), np.float64(points[j, 2]), np.float64(points[k, 2])
                if perspective:
                    z0, z1, z2 = 1.0 / z0, 1.0 / z1, 1.0 / z2
                turn = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
                ax, ay, au, av, a_least = _edge(x1, y1, x2, y2, turn)
                bx, by, bu, bv, b_least = _edge(x2, y2, x0, y0, turn)
                cx, cy, cu, cv, c_least = _edge(x0, y0, x1, y1, turn)
                is_wide = right - left > _WIDE and max(abs(ax), abs(bx), abs(cx)) < _WILD
                a_step, b_step, c_step = 0.0, 0.0, 0.0
                if is_wide:
                    a_step = au / av if av != 0.0 else 0.0
                    b_step = bu / bv if bv != 0.0 else 0.0
                    c_step = cu / cv if cv != 0.0 else 0.0
                    is_wide = max(abs(a_step), abs(b_step), abs(c_step)) < _WILD
                for row in range(top, bottom):
                    y = np.float64(row) + 0.5
                    a_row, b_row, c_row = au * (y - ay), bu * (y - by), cu * (y - cy)
                    start, end = left, right
                    if is_wide:
                        start, end = _narrow(ax + a_step * (y - ay), av, start, end)
                        start, end = _narrow(bx + b_step * (y - by), bv, start, end)
                        start, end = _narrow(cx + c_step * (y - cy), cv, start, end)
                    for column in range(start, end):
                        x = np.float64(column) + 0.5
                        a, b, c = a_row - av * (x - ax), b_row - bv * (x - bx), c_row - cv * (x - cx)
                        if not (a > a_least and b > b_least and c > c_least):
                            continue
                        total = a + b + c
                        if not total > 0.0:
                            continue
                        if perspective:
                            a, b, c = a * z0, b * z1, c * z2
                            share = 1.0 / (a + b + c)
                            distance = depth.dtype.type(total * share)
                        else:
                            share = 1.0 / total
                            distance = depth.dtype.type((a * z0 + b * z1 + c * z2) * share)
                        holder = seen[image, row, column]
                        if holder >= 0:
                            before = depth[image, row, column]
                            if distance > before or (distance == before and face > holder):
                                continue
                        if not distance < np.inf:
                            continue
                        seen[image, row, column] = face
                        depth[image, row, column] = distance
                        barycentrics[image, 0, row, column] = a * share
                        barycentrics[image, 1, row, column] = b * share
                        barycentrics[image, 2, row, column] = c * share


@compiled(parallel=True, cache=True)
def _pull_back(  # type: ignore[no-untyped-def]
    screen, faces, seen, to_barycentrics, to_depth, has_barycentrics, has_depth, perspective, corners
):
    batch, height, width = seen.shape
    for line in numba.prange(batch * height):
        image, row = line // height, line % height
        points, triangles = screen[image], faces[image % len(faces)]
        y = np.float64(row) + 0.5
        for column in range(width):
            face = seen[image, row, column]
            if face < 0:
                continue
            x = np.float64(column) + 0.5
            i, j, k = triangles[face, 0], triangles[face, 1], triangles[face, 2]
            # Corners as seen from the pixel centre, and twice the areas opposite to them.
            x0, y0 = np.float64(points[i, 0]) - x, np.float64(points[i, 1]) - y
            x1, y1 = np.float64(points[j, 0]) - x, np.float64(points[j, 1]) - y
            x2, y2 = np.float64(points[k, 0]) - x, np.float64(points[k, 1]) - y
            z0, z1, z2 = np.float64(points[i, 2]), np.float64(points[j, 2]), np.float64(points[k, 2])
            a0, a1, a2 = x1 * y2 - y1 * x2, x2 * y0 - y2 * x0, x0 * y1 - y0 * x1
            g0 = g1 = g2 = h = 0.0
            if has_barycentrics:
                g0 = np.float64(to_barycentrics[image, 0, row, column])
                g1 = np.float64(to_barycentrics[image, 1, row, column])
                g2 = np.float64(to_barycentrics[image, 2, row, column])
            if has_depth:
                h = np.float64(to_depth[image, 0, row, column])
            if perspective:
                # b = q / s and depth = t / s with q_i = a_i / z_i, s their sum and t that of the a_i.
                i0, i1, i2 = 1.0 / z0, 1.0 / z1, 1.0 / z2
                q0, q1, q2 = a0 * i0, a1 * i1, a2 * i2
                share = 1.0 / (q0 + q1 + q2)
                mean = (g0 * q0 + g1 * q1 + g2 * q2 + h * (a0 + a1 + a2)) * share
                to_q0, to_q1, to_q2 = (g0 - mean) * share, (g1 - mean) * share, (g2 - mean) * share
                to_a0, to_a1, to_a2 = to_q0 * i0 + h * share, to_q1 * i1 + h * share, to_q2 * i2 + h * share
                to_z0, to_z1, to_z2 = -to_q0 * q0 * i0, -to_q1 * q1 * i1, -to_q2 * q2 * i2
            else:
                share = 1.0 / (a0 + a1 + a2)
                to_z0, to_z1, to_z2 = h * a0 * share, h * a1 * share, h * a2 * share
                g0, g1, g2 = g0 + h * z0, g1 + h * z1, g2 + h * z2
                mean = (g0 * a0 + g1 * a1 + g2 * a2) * share
                to_a0, to_a1, to_a2 = (g0 - mean) * share, (g1 - mean) * share, (g2 - mean) * share
            out = corners[image, row, column]
            out[0, 0], out[0, 1], out[0, 2] = y1 * to_a2 - y2 * to_a1, x2 * to_a1 - x1 * to_a2, to_z0
            out[1, 0], out[1, 1], out[1, 2] = y2 * to_a0 - y0 * to_a2, x0 * to_a2 - x2 * to_a0, to_z1
            out[2, 0], out[2, 1], out[2, 2] = y0 * to_a1 - y1 * to_a0, x1 * to_a0 - x0 * to_a1, to_z2
