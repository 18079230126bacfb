# SPDX-License-Identifier: Apache-2.0
"""CPU kernels of `soft_rasterize.soft_rasterize`.

Forward, tiles on all cores: each pixel keeps running sums, scaled by the nearest surface so far, and needs no list of
faces. Backward, faces on all cores: each goes through its pixels again and adds up what they say to its corners, which
no other face writes to.
"""

import math

import numba
import numpy as np
import torch
from torch import Tensor

from unrender.networks.numba_functions import compiled, use_threads
from unrender.renderers.differentiable.rasterizer.cpu.closest_points import (
    ALONG_X,
    ALONG_Y,
    EDGE_TERMS,
    INVERSE,
    SIGN,
    nearest_on_border,
    set_up_edges,
    side_of,
)
from unrender.renderers.differentiable.rasterizer.cpu.scatter import scatter_corners
from unrender.renderers.differentiable.rasterizer.cpu.tiles import TILE, box_in_tile, face_box, tile_lists

_FAINT = -40.0  # e to the power of this is nothing beside the weight of the nearest surface


def soft_rasterize_forward(
    screen: Tensor,
    faces: Tensor,
    attributes: Tensor,
    attribute_faces: Tensor,
    size: tuple[int, int],
    sigma: float,
    gamma: float,
    reach: float,
    far: float,
    perspective: bool,
    cull: bool,
    near: float,
) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, ...]]:
    """Colour [B, C, H, W], alpha and background weight [B, 1, H, W], and what the backward needs [B, H, W]: the share
    of light that no face takes, and the logarithm of the sum of all weights.

    Contiguous screen [B, N, 3], faces [1 or B, F, 3], attributes [1 or B, M, C], attribute_faces [1 or B, F, 3].
    """
    batch, threads, channels = len(screen), torch.get_num_threads(), attributes.shape[2]
    use_threads(threads)
    tables = (screen.detach().numpy(), faces.numpy(), attributes.detach().numpy(), attribute_faces.numpy())
    missed = torch.ones(batch, *size, dtype=torch.float64)
    # The background stands at `far`, where scores are nought.
    scores, totals = torch.zeros_like(missed), torch.ones_like(missed)
    sums = np.zeros((batch, *size, channels))
    state = (missed.numpy(), scores.numpy(), totals.numpy(), sums)
    for part in tile_lists(*tables[:2], size, near, reach, cull, threads):
        _blend(
            *tables, near, sigma, gamma, reach, far, perspective, part.offsets, part.ids, part.across, 4 * threads,
            *state,
        )  # fmt: skip
    colour = torch.from_numpy(sums).div_(totals.unsqueeze(3)).permute(0, 3, 1, 2).to(screen.dtype).contiguous()
    logarithm = totals.log_().add_(scores)
    background = torch.exp(-logarithm).to(screen.dtype).unsqueeze(1)
    return colour, (1.0 - missed).to(screen.dtype).unsqueeze(1), background, (missed, logarithm)


def soft_rasterize_backward(
    screen: Tensor,
    faces: Tensor,
    attributes: Tensor,
    attribute_faces: Tensor,
    colour: Tensor,
    alpha: Tensor,
    background: Tensor,
    missed: Tensor,
    logarithm: Tensor,
    to_colour: Tensor,
    to_alpha: Tensor,
    to_background: Tensor,
    sigma: float,
    gamma: float,
    reach: float,
    far: float,
    perspective: bool,
    cull: bool,
    near: float,
) -> tuple[Tensor, Tensor]:
    """Gradients of screen [B, N, 3] and attributes, given those of the three images."""
    batch, count, channels = len(screen), faces.shape[1], attributes.shape[2]
    threads = torch.get_num_threads()
    use_threads(threads)
    corners = torch.zeros(batch, 1, count, 3, 3, dtype=torch.float64)
    to_values = torch.zeros(batch, 1, count, 3, channels, dtype=torch.float64)
    seen = torch.full((batch, 1, count), -1, dtype=torch.int32)
    # What each pixel's blend is worth: a face gains by how much more it is worth than that.
    worth = ((to_colour * colour).sum(dim=1) + (to_background * background).squeeze(1)).double()
    tables = (screen.detach().numpy(), faces.numpy(), attributes.detach().numpy(), attribute_faces.numpy())
    images = (missed.numpy(), logarithm.numpy(), worth.numpy(), to_colour.numpy(), to_alpha.numpy())
    _pull_back(
        *tables, near, sigma, gamma, reach, far, perspective, cull, 16 * threads, *images, corners.numpy(),
        to_values.numpy(), seen.numpy(),
    )  # fmt: skip
    to_screen = scatter_corners(corners, seen, faces, screen.shape[1]).to(screen.dtype)
    to_attributes = scatter_corners(to_values, seen, attribute_faces, attributes.shape[1]).to(screen.dtype)
    if len(attributes) < batch:
        to_attributes = to_attributes.sum(dim=0, keepdim=True)
    return to_screen, to_attributes


@compiled(parallel=True, cache=True, error_model="numpy")
def _blend(  # type: ignore[no-untyped-def]
    screen, faces, attributes, attribute_faces, near, sigma, gamma, reach, far, perspective, offsets, ids, across,
    tasks, missed, scores, totals, sums,
):  # fmt: skip
    height, width, channels = sums.shape[1], sums.shape[2], sums.shape[3]
    tiles, down = len(offsets) - 1, (height + TILE - 1) // TILE
    for task in numba.prange(tasks):
        edges, shares, z = np.empty((3, EDGE_TERMS)), np.empty(3), np.empty(3)
        for tile in range(task, tiles, tasks):
            image, tile_top, tile_left = tile // (down * across), tile // across % down * TILE, tile % across * TILE
            points, triangles = screen[image], faces[image % len(faces)]
            values, rows = attributes[image % len(attributes)], attribute_faces[image % len(attribute_faces)]
            for place in range(offsets[tile], offsets[tile + 1]):
                face = ids[place]
                triangle = triangles[face]
                top, bottom, left, right = box_in_tile(
                    points, triangles, face, height, width, near, reach, False, tile_top, tile_left
                )
                turn = set_up_edges(points, triangle, edges)
                for k in range(3):
                    z[k] = points[triangle[k], 2]
                for row in range(top, bottom):
                    for column in range(left, right):
                        x, y = column + 0.5, row + 0.5
                        squared, edge, own, other, _, _ = nearest_on_border(edges, x, y)
                        a, b, c = side_of(edges, 1, x, y), side_of(edges, 2, x, y), side_of(edges, 0, x, y)
                        is_inside = a >= 0.0 and b >= 0.0 and c >= 0.0
                        if not is_inside and not squared < reach * reach:
                            continue
                        faded = math.exp(-squared / sigma)
                        covers = 1.0 / (1.0 + faded)
                        if is_inside:
                            missed[image, row, column] *= faded * covers
                            share = 1.0 / abs(turn)
                            shares[0], shares[1], shares[2] = a * share, b * share, c * share
                        else:
                            missed[image, row, column] *= covers
                            covers *= faded
                            shares[(edge + 2) % 3] = 0.0
                            shares[edge], shares[(edge + 1) % 3] = own, other
                        depth = shares[0] * z[0] + shares[1] * z[1] + shares[2] * z[2]
                        if perspective:
                            for k in range(3):
                                shares[k] /= z[k]
                            depth = 1.0 / (shares[0] + shares[1] + shares[2])
                            for k in range(3):
                                shares[k] *= depth
                        nearer = (far - depth) / gamma - scores[image, row, column]
                        if nearer < _FAINT:
                            continue
                        if nearer > 0.0:
                            scores[image, row, column] += nearer
                            fade = math.exp(-nearer)
                            totals[image, row, column] *= fade
                            for channel in range(channels):
                                sums[image, row, column, channel] *= fade
                            weight = covers
                        else:
                            weight = covers * math.exp(nearer)
                        totals[image, row, column] += weight
                        for channel in range(channels):
                            sums[image, row, column, channel] += weight * (
                                shares[0] * values[rows[face, 0], channel]
                                + shares[1] * values[rows[face, 1], channel]
                                + shares[2] * values[rows[face, 2], channel]
                            )


@compiled(parallel=True, cache=True, error_model="numpy")
def _pull_back(  # type: ignore[no-untyped-def]
    screen, faces, attributes, attribute_faces, near, sigma, gamma, reach, far, perspective, cull, tasks, missed,
    logarithm, worth, to_colour, to_alpha, corners, to_values, seen,
):  # fmt: skip
    batch, height, width = missed.shape
    count, channels = faces.shape[1], to_colour.shape[1]
    for task in numba.prange(tasks):
        edges, shares, z, to_shares = np.empty((3, EDGE_TERMS)), np.empty(3), np.empty(3), np.empty(3)
        for job in range(batch * count * task // tasks, batch * count * (task + 1) // tasks):
            image, face = job // count, job % count
            points, triangles = screen[image], faces[image % len(faces)]
            values, rows = attributes[image % len(attributes)], attribute_faces[image % len(attribute_faces)]
            top, bottom, left, right = face_box(points, triangles, face, height, width, near, reach, cull)
            if top == bottom:
                continue
            triangle = triangles[face]
            seen[image, 0, face] = face
            turn = set_up_edges(points, triangle, edges)
            for k in range(3):
                z[k] = points[triangle[k], 2]
            out, to_value = corners[image, 0, face], to_values[image, 0, face]
            for row in range(top, bottom):
                for column in range(left, right):
                    x, y = column + 0.5, row + 0.5
                    squared, edge, own, other, apart_x, apart_y = nearest_on_border(edges, x, y)
                    a, b, c = side_of(edges, 1, x, y), side_of(edges, 2, x, y), side_of(edges, 0, x, y)
                    is_inside = a >= 0.0 and b >= 0.0 and c >= 0.0
                    if not is_inside and not squared < reach * reach:
                        continue
                    faded = math.exp(-squared / sigma)
                    covers = 1.0 / (1.0 + faded)
                    misses = faded * covers
                    after, opposite = (edge + 1) % 3, (edge + 2) % 3
                    share = 1.0 / abs(turn)
                    if is_inside:
                        shares[0], shares[1], shares[2] = a * share, b * share, c * share
                    else:
                        covers, misses = misses, covers
                        shares[edge], shares[after], shares[opposite] = own, other, 0.0
                    depth = shares[0] * z[0] + shares[1] * z[1] + shares[2] * z[2]
                    if perspective:
                        for k in range(3):
                            shares[k] /= z[k]
                        depth = 1.0 / (shares[0] + shares[1] + shares[2])
                        for k in range(3):
                            shares[k] *= depth
                    # By the argument of the sigmoid, from the silhouette and from the blend.
                    to_signed = np.float64(to_alpha[image, 0, row, column]) * missed[image, row, column] * covers
                    score = (far - depth) / gamma - logarithm[image, row, column]
                    if score > _FAINT:
                        weight = covers * math.exp(score)
                        to_shares[0] = to_shares[1] = to_shares[2] = 0.0
                        for channel in range(channels):
                            upstream = weight * to_colour[image, channel, row, column]
                            for k in range(3):
                                to_shares[k] += upstream * values[rows[face, k], channel]
                                to_value[k, channel] += upstream * shares[k]
                        value = to_shares[0] * shares[0] + to_shares[1] * shares[1] + to_shares[2] * shares[2]
                        gain = value - weight * worth[image, row, column]
                        to_signed += gain * misses
                        to_depth = -gain / gamma
                        # To linear barycentrics, and to the depths of the corners.
                        if perspective:
                            mean = value + to_depth * depth
                            for k in range(3):
                                to_part = (to_shares[k] - mean) * depth
                                to_shares[k] = to_part / z[k]
                                out[k, 2] -= to_part * shares[k] / (depth * z[k])
                        else:
                            for k in range(3):
                                out[k, 2] += to_depth * shares[k]
                                to_shares[k] += to_depth * z[k]
                        if is_inside:
                            # Moving a corner moves the point within the face the other way, by the corner's share.
                            to_x = to_y = 0.0
                            for k in range(3):
                                across = to_shares[k] * share * edges[(k + 1) % 3, SIGN]
                                to_x -= across * edges[(k + 1) % 3, ALONG_Y]
                                to_y += across * edges[(k + 1) % 3, ALONG_X]
                            for k in range(3):
                                linear = (a if k == 0 else b if k == 1 else c) * share
                                out[k, 0] -= linear * to_x
                                out[k, 1] -= linear * to_y
                        elif own > 0.0 and other > 0.0:
                            slide = (to_shares[after] - to_shares[edge]) * edges[edge, INVERSE]
                            along_x = np.float64(points[triangle[after], 0]) - points[triangle[edge], 0]
                            along_y = np.float64(points[triangle[after], 1]) - points[triangle[edge], 1]
                            out[edge, 0] -= slide * (own * along_x + apart_x)
                            out[edge, 1] -= slide * (own * along_y + apart_y)
                            out[after, 0] += slide * (apart_x - other * along_x)
                            out[after, 1] += slide * (apart_y - other * along_y)
                    pull = -2.0 * to_signed / sigma
                    if not is_inside:
                        pull = -pull
                    out[edge, 0] += pull * own * apart_x
                    out[edge, 1] += pull * own * apart_y
                    out[after, 0] += pull * other * apart_x
                    out[after, 1] += pull * other * apart_y
