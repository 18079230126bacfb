# SPDX-License-Identifier: Apache-2.0
"""CPU kernel of `edge_gradients.edge_gradients`: threads share out the rows of the images to find the borders, then the
images to add up what the borders say, pixel after pixel, which fixes the order of every sum."""

import math

import numba
import numpy as np
import torch
from torch import Tensor

from unrender.networks.numba_functions import compiled, use_threads
from unrender.renderers.differentiable.rasterizer.contours import PARALLEL
from unrender.renderers.differentiable.rasterizer.cpu.contours import contour_between


def edge_gradients_backward(
    image: Tensor,
    screen: Tensor,
    faces: Tensor,
    ring: Tensor,
    face: Tensor,
    barycentrics: Tensor,
    depth: Tensor,
    gradient: Tensor,
    perspective: bool,
) -> Tensor:
    """Gradient of contiguous screen [B, N, 3], given that of image [B, C, H, W]; faces and ring are [1 or B, F, 3]."""
    use_threads(torch.get_num_threads())
    to_screen = torch.zeros_like(screen)
    images = (part.detach().numpy() for part in (image, gradient, screen, faces, ring, face, barycentrics, depth))
    colours, upstream, points, triangles, links, seen, weights, far = images
    owner = np.empty((*seen.shape, 2), np.int8)
    counts = np.zeros(seen.shape[0] * seen.shape[1], np.int64)
    _find(points, triangles, links, seen, far[:, 0], owner, counts)
    _sum_up(
        colours, upstream, points, triangles, seen, weights, far[:, 0], owner, counts, perspective, to_screen.numpy()
    )
    return to_screen


# fmt: off
@compiled(parallel=True, cache=True)
def _find(screen, faces, ring, face, depth, owner, counts):  # type: ignore[no-untyped-def]
    batch, height, width = face.shape
    for item in numba.prange(batch * height):
        b, row = item // height, item % height
        mesh = b % len(faces)
        points, triangles, links, seen, far = screen[b], faces[mesh], ring[mesh], face[b], depth[b]
        for column in range(width):
            for axis in range(2):
                row_2, column_2, whose = row + axis, column + 1 - axis, 0
                if row_2 < height and column_2 < width and seen[row, column] != seen[row_2, column_2]:
                    if seen[row, column] < 0:
                        whose = 2
                    elif seen[row_2, column_2] < 0:
                        whose = 1
                    else:
                        _, whose = contour_between(points, triangles, links, seen, far, axis, row, column)
                owner[b, row, column, axis] = whose
                if whose > 0:
                    counts[item] += 1


@compiled(cache=True)
def _slopes(points, corners, depth, perspective):  # type: ignore[no-untyped-def]
    """Depth per pixel along the columns and along the rows, where the face is so deep."""
    x, y, z = float(points[corners[0], 0]), float(points[corners[0], 1]), float(points[corners[0], 2])
    bx, by, bz = points[corners[1], 0] - x, points[corners[1], 1] - y, float(points[corners[1], 2])
    cx, cy, cz = points[corners[2], 0] - x, points[corners[2], 1] - y, float(points[corners[2], 2])
    scale = 1.0 / (bx * cy - by * cx)
    if perspective:
        z, bz, cz = 1.0 / z, 1.0 / bz, 1.0 / cz
        scale *= -float(depth) * depth
    return ((bz - z) * cy - (cz - z) * by) * scale, ((cz - z) * bx - (bz - z) * cx) * scale


@compiled(cache=True)
def _add(to_screen, points, corners, weights, depth, perspective, to_x, to_y, to_z):  # type: ignore[no-untyped-def]
    """Add what a fragment says about its place on the screen and its depth there to its face's vertices."""
    for k in range(3):
        vertex = corners[k]
        on_screen = on_depth = float(weights[k])
        if perspective:
            ratio = float(points[vertex, 2]) / depth
            on_screen *= ratio
            on_depth /= ratio
        to_screen[vertex, 0] += on_screen * to_x
        to_screen[vertex, 1] += on_screen * to_y
        to_screen[vertex, 2] += on_depth * to_z


@compiled(parallel=True, cache=True)
def _sum_up(  # type: ignore[no-untyped-def]
    image, upstream, screen, faces, face, barycentrics, depth, owner, counts, perspective, to_screen
):
    batch, height, width = face.shape
    for b in numba.prange(batch):
        points, triangles = screen[b], faces[b % len(faces)]
        for row in range(height):
            if counts[b * height + row] == 0:
                continue
            for column in range(width):
                for axis in range(2):
                    whose = owner[b, row, column, axis]
                    if whose == 0:
                        continue
                    row_2, column_2 = row + axis, column + 1 - axis
                    slope = 0.0  # dL / d(pixels that the border moves by along the axis)
                    for c in range(image.shape[1]):
                        step = float(image[b, c, row, column]) - image[b, c, row_2, column_2]
                        slope += 0.5 * step * (float(upstream[b, c, row, column]) + upstream[b, c, row_2, column_2])
                    if whose < 3:
                        r, c = (row, column) if whose == 1 else (row_2, column_2)
                        to_x, to_y = (slope, 0.0) if axis == 0 else (0.0, slope)
                        _add(to_screen[b], points, triangles[face[b, r, c]], barycentrics[b, :, r, c], depth[b, r, c],
                             perspective, to_x, to_y, 0.0)
                        continue
                    first, second = triangles[face[b, row, column]], triangles[face[b, row_2, column_2]]
                    far, far_2 = depth[b, row, column], depth[b, row_2, column_2]
                    x, y = _slopes(points, first, far, perspective)
                    x_2, y_2 = _slopes(points, second, far_2, perspective)
                    dx, dy = x - x_2, y - y_2
                    squared = dx * dx + dy * dy
                    along = dx if axis == 0 else dy
                    size = math.sqrt(x * x + y * y) + math.sqrt(x_2 * x_2 + y_2 * y_2)
                    if along <= 0.0 or math.sqrt(squared) <= PARALLEL * size:
                        continue
                    nearer = slope * along / squared  # dL / d(how much nearer the first surface comes)
                    _add(to_screen[b], points, first, barycentrics[b, :, row, column], far,
                         perspective, nearer * x, nearer * y, -nearer)
                    _add(to_screen[b], points, second, barycentrics[b, :, row_2, column_2], far_2,
                         perspective, -nearer * x_2, -nearer * y_2, nearer)
# fmt: on
