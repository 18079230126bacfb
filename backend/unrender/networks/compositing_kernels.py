# SPDX-License-Identifier: Apache-2.0
"""CPU kernels of `compositing.composite`: one loop per ray, threads over the batch, no race and no atomics.

The interpolation stands in both kernels on purpose: as a function, even an inlined one, it cost half as much again.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def _compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`numba.njit`, on the bare function: shape checking wraps every function while tests run, and numba cannot compile
    the wrapper."""
    return lambda function: numba.njit(**options)(inspect.unwrap(function))


_OPAQUE = 1e-4  # product compositing stops where less light than this comes through


def _most_threads() -> int:
    return int(getattr(numba.config, "NUMBA_NUM_THREADS"))  # noqa: B009 (the module fills itself; types do not know it)


def composite_forward(
    fields: NDArray[np.float32],
    axes: NDArray[np.float32],
    width: float,
    depth: int,
    use_max: bool,
    result: NDArray[np.float32],
    threads: int,
) -> None:
    """Fill `result` [B, H, W, 5] from padded channels-last fields [B, X + 2, Y + 2, Z + 2, 4] and axes [B, 3, 3]."""
    numba.set_num_threads(min(threads, _most_threads()))
    _forward(fields, axes, np.float32(width), depth, use_max, result)


def composite_backward(
    fields: NDArray[np.float32],
    axes: NDArray[np.float32],
    width: float,
    depth: int,
    use_max: bool,
    gradient: NDArray[np.float32],
    result: NDArray[np.float32],
    threads: int,
) -> None:
    """Add to `result` (shape of `fields`) the gradient of the fields, given that of the images [B, H, W, 5]."""
    numba.set_num_threads(min(threads, _most_threads()))
    _backward(fields, axes, np.float32(width), depth, use_max, gradient, result)


@_compiled(inline="always")
def _start_and_step(axes, width, size, depth, resolution, row, column):  # type: ignore[no-untyped-def]
    """First sample of a ray and the step between samples, in padded voxel indices."""
    across = ((column + np.float32(0.5)) / size - np.float32(0.5)) * width
    upward = (np.float32(0.5) - (row + np.float32(0.5)) / size) * width
    front = np.float32(0.5) - np.float32(0.5) / depth
    start = np.empty(3, np.float32)
    step = np.empty(3, np.float32)
    for axis in range(3):
        position = across * axes[0, axis] + upward * axes[1, axis] + front * axes[2, axis]
        start[axis] = (position + np.float32(0.5)) * resolution[axis] + np.float32(0.5)
        step[axis] = -axes[2, axis] / depth * resolution[axis]
    return start, step


@_compiled(inline="always")
def _range(start, step, resolution, depth):  # type: ignore[no-untyped-def]
    """Samples [first, last) of a ray that touch the padded grid: taps floor(i) and floor(i) + 1 exist."""
    low, high = np.float32(0.0), np.float32(depth)
    for axis in range(3):
        limit = np.float32(resolution[axis]) + np.float32(0.999)
        if abs(step[axis]) < np.float32(1e-9):
            if start[axis] < np.float32(0.0) or start[axis] > limit:
                return 0, 0
        else:
            a = -start[axis] / step[axis]
            b = (limit - start[axis]) / step[axis]
            low = max(low, min(a, b))
            high = min(high, max(a, b) + np.float32(1e-4))
    if high <= low:
        return 0, 0
    return int(np.ceil(low - np.float32(1e-4))), min(depth, int(np.floor(high)) + 1)


@_compiled(parallel=True, fastmath=True, cache=True)
def _forward(fields, axes, width, depth, use_max, result):  # type: ignore[no-untyped-def]
    batch, size = result.shape[0], result.shape[1]
    resolution = (fields.shape[1] - 2, fields.shape[2] - 2, fields.shape[3] - 2)
    for b in numba.prange(batch):
        grid = fields[b]
        for row in range(size):
            for column in range(size):
                start, step = _start_and_step(axes[b], width, size, depth, resolution, row, column)
                first, last = _range(start, step, resolution, depth)
                sum_1 = sum_2 = sum_3 = sum_z = sum_w = np.float32(0.0)
                through, highest = np.float32(1.0), np.float32(0.0)
                for k in range(first, last):
                    px = start[0] + k * step[0]
                    py = start[1] + k * step[1]
                    pz = start[2] + k * step[2]
                    if px < 0.0 or py < 0.0 or pz < 0.0:
                        continue
                    i, j, m = int(px), int(py), int(pz)
                    if i > resolution[0] or j > resolution[1] or m > resolution[2]:
                        continue
                    fx, fy, fz = px - i, py - j, pz - m
                    x = f1 = f2 = f3 = np.float32(0.0)
                    for di in range(2):
                        wx = fx if di else np.float32(1.0) - fx
                        for dj in range(2):
                            wxy = wx * (fy if dj else np.float32(1.0) - fy)
                            for dl in range(2):
                                w = wxy * (fz if dl else np.float32(1.0) - fz)
                                x += w * grid[i + di, j + dj, m + dl, 0]
                                f1 += w * grid[i + di, j + dj, m + dl, 1]
                                f2 += w * grid[i + di, j + dj, m + dl, 2]
                                f3 += w * grid[i + di, j + dj, m + dl, 3]
                    if use_max:
                        weight = max(x - highest, np.float32(0.0))
                        highest = max(highest, x)
                    else:
                        weight = x * through
                        through *= np.float32(1.0) - x
                    if weight > np.float32(0.0):
                        z = np.float32(0.5) - (k + np.float32(0.5)) / depth
                        sum_1 += weight * f1
                        sum_2 += weight * f2
                        sum_3 += weight * f3
                        sum_z += weight * z
                        sum_w += weight
                    if (not use_max and through < _OPAQUE) or (use_max and highest >= np.float32(1.0)):
                        break
                result[b, row, column, 0] = sum_1
                result[b, row, column, 1] = sum_2
                result[b, row, column, 2] = sum_3
                result[b, row, column, 3] = sum_z
                result[b, row, column, 4] = sum_w


@_compiled(parallel=True, fastmath=True, cache=True)
def _backward(fields, axes, width, depth, use_max, gradient, result):  # type: ignore[no-untyped-def]
    batch, size = gradient.shape[0], gradient.shape[1]
    resolution = (fields.shape[1] - 2, fields.shape[2] - 2, fields.shape[3] - 2)
    for b in numba.prange(batch):
        grid, target = fields[b], result[b]
        occupancy = np.empty(depth, np.float32)  # x_k
        visible = np.empty(depth, np.float32)  # product: prod_{j<k} (1 - x_j); max: w_k
        worth = np.empty(depth, np.float32)  # dL/dw_k
        for row in range(size):
            for column in range(size):
                g1, g2, g3 = gradient[b, row, column, 0], gradient[b, row, column, 1], gradient[b, row, column, 2]
                gz, ga = gradient[b, row, column, 3], gradient[b, row, column, 4]
                if g1 == 0.0 and g2 == 0.0 and g3 == 0.0 and gz == 0.0 and ga == 0.0:
                    continue
                start, step = _start_and_step(axes[b], width, size, depth, resolution, row, column)
                first, last = _range(start, step, resolution, depth)
                through, highest = np.float32(1.0), np.float32(0.0)
                end = first
                for k in range(first, last):
                    end = k + 1
                    occupancy[k] = visible[k] = worth[k] = np.float32(0.0)
                    px = start[0] + k * step[0]
                    py = start[1] + k * step[1]
                    pz = start[2] + k * step[2]
                    if px < 0.0 or py < 0.0 or pz < 0.0:
                        continue
                    i, j, m = int(px), int(py), int(pz)
                    if i > resolution[0] or j > resolution[1] or m > resolution[2]:
                        continue
                    fx, fy, fz = px - i, py - j, pz - m
                    x = f1 = f2 = f3 = np.float32(0.0)
                    for di in range(2):
                        wx = fx if di else np.float32(1.0) - fx
                        for dj in range(2):
                            wxy = wx * (fy if dj else np.float32(1.0) - fy)
                            for dl in range(2):
                                w = wxy * (fz if dl else np.float32(1.0) - fz)
                                x += w * grid[i + di, j + dj, m + dl, 0]
                                f1 += w * grid[i + di, j + dj, m + dl, 1]
                                f2 += w * grid[i + di, j + dj, m + dl, 2]
                                f3 += w * grid[i + di, j + dj, m + dl, 3]
                    z = np.float32(0.5) - (k + np.float32(0.5)) / depth
                    occupancy[k] = x
                    worth[k] = g1 * f1 + g2 * f2 + g3 * f3 + gz * z + ga
                    if use_max:
                        visible[k] = max(x - highest, np.float32(0.0))
                        highest = max(highest, x)
                        if highest >= np.float32(1.0):
                            break
                    else:
                        visible[k] = through
                        through *= np.float32(1.0) - x
                        if through < _OPAQUE:
                            break
                # From the back to the front: what the samples behind k are worth if k lets everything through.
                behind = np.float32(0.0)
                for k in range(end - 1, first - 1, -1):
                    if use_max:
                        weight = visible[k]
                        if weight <= np.float32(0.0):
                            continue
                        slope = worth[k] - behind  # a higher record takes from the next one
                        behind = worth[k]
                    else:
                        weight = visible[k] * occupancy[k]
                        slope = visible[k] * (worth[k] - behind)
                        behind = worth[k] * occupancy[k] + (np.float32(1.0) - occupancy[k]) * behind
                    s1, s2, s3 = weight * g1, weight * g2, weight * g3
                    px = start[0] + k * step[0]
                    py = start[1] + k * step[1]
                    pz = start[2] + k * step[2]
                    if px < 0.0 or py < 0.0 or pz < 0.0:
                        continue
                    i, j, m = int(px), int(py), int(pz)
                    if i > resolution[0] or j > resolution[1] or m > resolution[2]:
                        continue
                    fx, fy, fz = px - i, py - j, pz - m
                    for di in range(2):
                        wx = fx if di else np.float32(1.0) - fx
                        for dj in range(2):
                            wxy = wx * (fy if dj else np.float32(1.0) - fy)
                            for dl in range(2):
                                w = wxy * (fz if dl else np.float32(1.0) - fz)
                                target[i + di, j + dj, m + dl, 0] += w * slope
                                target[i + di, j + dj, m + dl, 1] += w * s1
                                target[i + di, j + dj, m + dl, 2] += w * s2
                                target[i + di, j + dj, m + dl, 3] += w * s3
