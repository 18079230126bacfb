# SPDX-License-Identifier: Apache-2.0
"""CPU kernels of `antialias.antialias`. Threads share out the rows of the images, then the images.

What is blended is a list of items, one per pair of pixels with a contour between them, in the order of the pixels.
There are about as many as the contours are pixels long, so the images' threads go through it one item after the other:
that fixes the order of every sum.
"""

import numba
import numpy as np
import torch
from torch import Tensor

from unrender.networks.numba_functions import compiled, use_threads
from unrender.renderers.differentiable.rasterizer.cpu.contours import contour_between, reach


def antialias_forward(
    image: Tensor, screen: Tensor, faces: Tensor, ring: Tensor, face: Tensor, depth: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The blended image, and the list of items that `antialias_backward` takes.

    Contiguous image [B, C, H, W], screen [B, N, 3], faces and ring [1 or B, F, 3], face [B, H, W], depth [B, 1, H, W].
    The items are place [K] (axis, row and column of a pair of pixels in one number), edge [K] (half-edge), offset [K]
    (of the contour: -0.5 at the first pixel's centre, 0.5 at the second's) and first [B + 1] (where each image's
    start).
    """
    use_threads(torch.get_num_threads())
    batch, height, width = face.shape
    points, triangles = screen.detach().numpy(), faces.numpy()
    edge = np.empty((batch, height, width, 2), np.int32)
    counts = np.zeros(batch * height + 1, np.int64)
    _find(points, triangles, ring.numpy(), face.numpy(), depth.numpy()[:, 0], edge, counts[1:])
    starts = np.cumsum(counts)
    place, edges = np.empty(starts[-1], np.int64), np.empty(starts[-1], np.int32)
    offset, first = np.empty(starts[-1], points.dtype), starts[::height].copy()
    _collect(points, triangles, edge, starts, place, edges, offset)
    colours = image.detach()
    result = colours.clone()
    total = np.zeros(face.shape, points.dtype)
    _blend(colours.numpy(), place, offset, first, total, result.numpy())
    return result, tuple(torch.from_numpy(part) for part in (place, edges, offset, first))


def antialias_backward(
    image: Tensor, result: Tensor, screen: Tensor, faces: Tensor, items: list[Tensor], gradient: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of the image and of the screen, given that of the blended image."""
    use_threads(torch.get_num_threads())
    to_image, to_screen = gradient.clone(), torch.zeros_like(screen)
    total = np.zeros((image.shape[0], *image.shape[2:]), to_screen.numpy().dtype)
    images = (tensor.detach().numpy() for tensor in (image, result, screen, faces, *items, gradient))
    _unblend(*images, total, to_image.numpy(), to_screen.numpy())
    return to_image, to_screen


# fmt: off
@compiled(parallel=True, cache=True)
def _find(screen, faces, ring, face, depth, edge, counts):  # type: ignore[no-untyped-def]
    batch, height, width = face.shape
    for item in numba.prange(batch * height):
        b, row = item // height, item % height
        mesh = b % len(faces)
        points, triangles, links, seen, far = screen[b], faces[mesh], ring[mesh], face[b], depth[b]
        for column in range(width):
            for axis in range(2):
                row_2, column_2, found = row + axis, column + 1 - axis, -1
                if row_2 < height and column_2 < width and seen[row, column] != seen[row_2, column_2]:
                    found, _ = contour_between(points, triangles, links, seen, far, axis, row, column)
                if found >= 0:
                    v, w = triangles[found // 3, found % 3], triangles[found // 3, (found + 1) % 3]
                    along = abs(points[w, axis] - points[v, axis])
                    across = abs(points[w, 1 - axis] - points[v, 1 - axis])
                    # Every contour is blended along one axis: rows for steep edges, columns for others.
                    if along > across or (along == across and axis == 1):
                        found = -1
                edge[b, row, column, axis] = found
                if found >= 0:
                    counts[item] += 1


@compiled(parallel=True, cache=True)
def _collect(screen, faces, edge, starts, place, edges, offset):  # type: ignore[no-untyped-def]
    batch, height, width, _ = edge.shape
    for item in numba.prange(batch * height):
        b, row = item // height, item % height
        triangles = faces[b % len(faces)]
        at = starts[item]
        if starts[item + 1] > at:
            for column in range(width):
                for axis in range(2):
                    half = edge[b, row, column, axis]
                    if half >= 0:
                        v, w = triangles[half // 3, half % 3], triangles[half // 3, (half + 1) % 3]
                        line, origin = (row + 0.5, column + 0.5) if axis == 0 else (column + 0.5, row + 0.5)
                        position = reach(screen[b], v, w, axis, line, origin)
                        place[at] = (row * width + column) * 2 + axis
                        edges[at] = half
                        offset[at] = min(max(position, 0.0), 1.0) - 0.5
                        at += 1


@compiled(cache=True)
def _pair(place, offset, width):  # type: ignore[no-untyped-def]
    """Axis, row and column of a pair, and the pixel that is changed and the one that it takes from."""
    axis, row, column = place % 2, place // 2 // width, place // 2 % width
    if offset < 0.0:
        return axis, row, column, row, column, row + axis, column + 1 - axis
    return axis, row, column, row + axis, column + 1 - axis, row, column


@compiled(cache=True)
def _sum_amounts(place, offset, low, high, total):  # type: ignore[no-untyped-def]
    for i in range(low, high):
        _, _, _, r, c, _, _ = _pair(place[i], offset[i], total.shape[1])
        total[r, c] += abs(offset[i])


@compiled(parallel=True, cache=True)
def _blend(image, place, offset, first, total, result):  # type: ignore[no-untyped-def]
    for b in numba.prange(image.shape[0]):
        _sum_amounts(place, offset, first[b], first[b + 1], total[b])
        for i in range(first[b], first[b + 1]):
            _, _, _, r, c, r2, c2 = _pair(place[i], offset[i], image.shape[3])
            amount = abs(offset[i]) / max(total[b, r, c], image.dtype.type(1.0))
            for channel in range(image.shape[1]):
                result[b, channel, r, c] += amount * (image[b, channel, r2, c2] - image[b, channel, r, c])


@compiled(parallel=True, cache=True)
def _unblend(  # type: ignore[no-untyped-def]
    image, result, screen, faces, place, edges, offset, first, upstream, total, to_image, to_screen
):
    channels, width = image.shape[1], image.shape[3]
    for b in numba.prange(image.shape[0]):
        triangles = faces[b % len(faces)]
        _sum_amounts(place, offset, first[b], first[b + 1], total[b])
        for i in range(first[b], first[b + 1]):
            axis, row, column, r, c, r2, c2 = _pair(place[i], offset[i], width)
            whole = max(total[b, r, c], image.dtype.type(1.0))
            amount = abs(offset[i]) / whole
            base = result[b] if total[b, r, c] > 1.0 else image[b]  # the pixel itself counts for nothing beyond 1
            slope = 0.0
            for channel in range(channels):
                given = upstream[b, channel, r, c]
                to_image[b, channel, r2, c2] += amount * given
                to_image[b, channel, r, c] -= amount * given
                slope += given * (image[b, channel, r2, c2] - base[channel, r, c])
            slope /= whole
            if offset[i] < 0.0:
                slope = -slope
            # Where the edge crosses the line: start + share * (end - start), in the order that `reach` takes them.
            v, w = triangles[edges[i] // 3, edges[i] % 3], triangles[edges[i] // 3, (edges[i] + 1) % 3]
            start, end = min(v, w), max(v, w)
            line, origin = (row + 0.5, column + 0.5) if axis == 0 else (column + 0.5, row + 0.5)
            position = reach(screen[b], start, end, axis, line, origin)
            if position < 0.0 or position > 1.0:
                continue
            across = float(screen[b, end, 1 - axis]) - screen[b, start, 1 - axis]
            share = (line - screen[b, start, 1 - axis]) / across
            slant = (float(screen[b, end, axis]) - screen[b, start, axis]) / across
            to_screen[b, start, axis] += (1.0 - share) * slope
            to_screen[b, end, axis] += share * slope
            to_screen[b, start, 1 - axis] -= (1.0 - share) * slant * slope
            to_screen[b, end, 1 - axis] -= share * slant * slope
# fmt: on
