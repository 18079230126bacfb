# SPDX-License-Identifier: Apache-2.0
"""CPU kernels of `soft_skirt.soft_skirt`: forward tiles on all cores, backward rows of pixels.

Few pixels have a skirt, so the forward only finds whose it is, and everything that is known of a face before a pixel
comes is used to pass over it: most faces lie behind the crisp surface, or have no contour.
"""

import math

import numba
import numpy as np
import torch
from torch import Tensor

from unrender.networks.numba_functions import compiled, use_threads
from unrender.renderers.differentiable.rasterizer.casting import CORNER, EDGE
from unrender.renderers.differentiable.rasterizer.cpu.closest_points import (
    EDGE_TERMS,
    INVERSE,
    nearest_on_border,
    set_up_edges,
    side_of,
)
from unrender.renderers.differentiable.rasterizer.cpu.scatter import scatter_corners
from unrender.renderers.differentiable.rasterizer.cpu.tiles import TILE, box_in_tile, tile_lists


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
    """Face [B, H, W], barycentrics [B, 3, H, W], depth and alpha [B, 1, H, W] of contiguous screen [B, N, 3] and faces
    [1 or B, F, 3], given the crisp depth [B, 1, H, W] (infinite where nothing is) and `casting.casting_features`."""
    batch, size, threads = len(screen), (crisp.shape[2], crisp.shape[3]), torch.get_num_threads()
    use_threads(threads)
    points, triangles = screen.detach().numpy(), faces.numpy()
    face = torch.full((batch, *size), -1, dtype=torch.int32)
    barycentrics, depth, alpha = screen.new_zeros(batch, 3, *size), torch.zeros_like(crisp), torch.zeros_like(crisp)
    keys, depths = np.empty(face.shape), np.empty(face.shape)
    features = np.full((1, 1), 255, np.uint8) if casting is None else casting.numpy()
    state = (face.numpy(), keys, depths)
    for part in tile_lists(points, triangles, size, near, margin, cull, threads):
        _find(
            points, triangles, near, margin, push, perspective, casting is not None, features, part.offsets, part.ids,
            part.across, 4 * threads, crisp.contiguous().numpy(), *state,
        )  # fmt: skip
    _measure(points, triangles, margin, perspective, *(image.numpy() for image in (face, barycentrics, depth, alpha)))
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
    """Gradient of screen [B, N, 3], given those of the barycentrics, the depth and alpha."""
    corners = screen.new_zeros(*face.shape, 3, 3)
    use_threads(torch.get_num_threads())
    gradients = (image.numpy() for image in (to_barycentrics, to_depth, to_alpha))
    _pull_back(screen.detach().numpy(), faces.numpy(), face.numpy(), margin, perspective, *gradients, corners.numpy())
    return scatter_corners(corners, face, faces, screen.shape[1])


@compiled(cache=True, error_model="numpy")
def _casts(features, edges, edge, own, other, x, y):  # type: ignore[no-untyped-def]
    """Whether the nearest point of a face is on the outside of a contour: see `reference.soft_skirt`."""
    if own > 0.0 and other > 0.0:
        return features & (EDGE << edge) != 0 and side_of(edges, edge, x, y) <= 0.0
    corner = edge if own > 0.0 else (edge + 1) % 3
    if features & (CORNER << corner) == 0:
        return False
    before = (corner + 2) % 3
    if features & (EDGE << corner) != 0 and side_of(edges, corner, x, y) <= 0.0:
        return True
    return features & (EDGE << before) != 0 and side_of(edges, before, x, y) <= 0.0


@compiled(parallel=True, cache=True, error_model="numpy")
def _find(  # type: ignore[no-untyped-def]
    screen, faces, near, margin, push, perspective, is_corrected, casting, offsets, ids, across, tasks, crisp, seen,
    keys, depths,
):  # fmt: skip
    height, width = seen.shape[1], seen.shape[2]
    tiles, down = len(offsets) - 1, (height + TILE - 1) // TILE
    for task in numba.prange(tasks):
        edges = np.empty((3, EDGE_TERMS))
        for tile in range(task, tiles, tasks):
            image, tile_top, tile_left = tile // (down * across), tile // across % down * TILE, tile % across * TILE
            points, triangles = screen[image], faces[image % len(faces)]
            for place in range(offsets[tile], offsets[tile + 1]):
                face = ids[place]
                features = casting[image, face] if is_corrected else casting[0, 0]
                if features == 0:
                    continue
                triangle = triangles[face]
                top, bottom, left, right = box_in_tile(
                    points, triangles, face, height, width, near, margin, False, tile_top, tile_left
                )
                z0 = np.float64(points[triangle[0], 2])
                z1, z2 = np.float64(points[triangle[1], 2]), np.float64(points[triangle[2], 2])
                foremost = min(z0, z1, z2)
                is_set_up, is_front = False, False
                for row in range(top, bottom):
                    for column in range(left, right):
                        behind = np.float64(crisp[image, 0, row, column])
                        if foremost >= behind:
                            continue
                        if not is_set_up:
                            is_front = set_up_edges(points, triangle, edges) < 0.0
                            is_set_up = True
                        x, y = column + 0.5, row + 0.5
                        squared, edge, own, other, _, _ = nearest_on_border(edges, x, y)
                        if not squared < margin * margin:
                            continue
                        if (
                            side_of(edges, 0, x, y) > 0.0
                            and side_of(edges, 1, x, y) > 0.0
                            and side_of(edges, 2, x, y) > 0.0
                        ):
                            continue
                        z_own = z0 if edge == 0 else z1 if edge == 1 else z2
                        z_other = z1 if edge == 0 else z2 if edge == 1 else z0
                        depth = own * z_own + other * z_other
                        if perspective:
                            depth = 1.0 / (own / z_own + other / z_other)
                        if is_corrected:
                            key = squared
                            if depth >= behind or not _casts(features, edges, edge, own, other, x, y):
                                continue
                        else:
                            key = depth * (1.0 + push * math.sqrt(squared) / margin)
                            if key >= behind:
                                continue
                        holder = seen[image, row, column]
                        if holder >= 0:
                            best, place_of_best = keys[image, row, column], depths[image, row, column]
                            if key > best or (key == best and depth > place_of_best):
                                continue
                            if key == best and depth == place_of_best:
                                # Faces come in rising order: a later one wins by being seen from the front only.
                                before = triangles[holder]
                                ax, ay = np.float64(points[before[0], 0]), np.float64(points[before[0], 1])
                                turn = (points[before[1], 0] - ax) * (points[before[2], 1] - ay) - (
                                    points[before[1], 1] - ay
                                ) * (points[before[2], 0] - ax)
                                if turn < 0.0 or not is_front:
                                    continue
                        seen[image, row, column] = face
                        keys[image, row, column] = key
                        depths[image, row, column] = depth


@compiled(parallel=True, cache=True, error_model="numpy")
def _measure(screen, faces, margin, perspective, seen, barycentrics, depth, alpha):  # type: ignore[no-untyped-def]
    batch, height, width = seen.shape
    for line in numba.prange(batch * height):
        image, row = line // height, line % height
        edges = np.empty((3, EDGE_TERMS))
        for column in range(width):
            face = seen[image, row, column]
            if face < 0:
                continue
            points, triangle = screen[image], faces[image % len(faces), face]
            set_up_edges(points, triangle, edges)
            squared, edge, own, other, _, _ = nearest_on_border(edges, column + 0.5, row + 0.5)
            after = (edge + 1) % 3
            z_own, z_other = np.float64(points[triangle[edge], 2]), np.float64(points[triangle[after], 2])
            if perspective:
                own, other = own / z_own, other / z_other
                place = 1.0 / (own + other)
                own, other = own * place, other * place
            else:
                place = own * z_own + other * z_other
            barycentrics[image, edge, row, column] = own
            barycentrics[image, after, row, column] = other
            depth[image, 0, row, column] = place
            alpha[image, 0, row, column] = 1.0 - math.sqrt(squared) / margin


@compiled(parallel=True, cache=True, error_model="numpy")
def _pull_back(  # type: ignore[no-untyped-def]
    screen, faces, seen, margin, perspective, to_barycentrics, to_depth, to_alpha, corners
):
    batch, height, width = seen.shape
    for line in numba.prange(batch * height):
        image, row = line // height, line % height
        edges = np.empty((3, EDGE_TERMS))
        for column in range(width):
            face = seen[image, row, column]
            if face < 0:
                continue
            points, triangle = screen[image], faces[image % len(faces), face]
            set_up_edges(points, triangle, edges)
            squared, edge, own, other, apart_x, apart_y = nearest_on_border(edges, column + 0.5, row + 0.5)
            after = (edge + 1) % 3
            z_own, z_other = np.float64(points[triangle[edge], 2]), np.float64(points[triangle[after], 2])
            to_own = np.float64(to_barycentrics[image, edge, row, column])
            to_other = np.float64(to_barycentrics[image, after, row, column])
            to_place = np.float64(to_depth[image, 0, row, column])
            out = corners[image, row, column]
            if perspective:
                # With u = own / z_own + other / z_other, place = 1 / u and the barycentrics are (own / z_own) / u.
                place = 1.0 / (own / z_own + other / z_other)
                mean = (to_own * own / z_own + to_other * other / z_other) * place + to_place * place
                to_part_own, to_part_other = (to_own - mean) * place, (to_other - mean) * place
                out[edge, 2] = -to_part_own * own / (z_own * z_own)
                out[after, 2] = -to_part_other * other / (z_other * z_other)
                to_own, to_other = to_part_own / z_own, to_part_other / z_other
            else:
                out[edge, 2], out[after, 2] = to_place * own, to_place * other
                to_own, to_other = to_own + to_place * z_own, to_other + to_place * z_other
            pull = 0.0
            if squared > 0.0:
                pull = np.float64(to_alpha[image, 0, row, column]) / (math.sqrt(squared) * margin)
            slide = 0.0
            along_x = np.float64(points[triangle[after], 0]) - points[triangle[edge], 0]
            along_y = np.float64(points[triangle[after], 1]) - points[triangle[edge], 1]
            if own > 0.0 and other > 0.0:
                slide = (to_other - to_own) * edges[edge, INVERSE]
            out[edge, 0] = pull * own * apart_x - slide * (own * along_x + apart_x)
            out[edge, 1] = pull * own * apart_y - slide * (own * along_y + apart_y)
            out[after, 0] = pull * other * apart_x + slide * (apart_x - other * along_x)
            out[after, 1] = pull * other * apart_y + slide * (apart_y - other * along_y)
