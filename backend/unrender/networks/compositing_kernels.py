# SPDX-License-Identifier: Apache-2.0
"""CPU kernels of `compositing.composite_surface`: one loop per ray, threads over the batch, no race and no atomics.

Interpolation is written out in both kernels, on flat arrays with unsigned indices and with the four fields of a voxel
side by side: that is what the compiler makes vector instructions of. As a function, or with the bounds of a sample
looked at one by one, it took four times as long.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from unrender.networks.numba_functions import compiled, use_threads

_OPAQUE = np.float32(1e-4)  # product compositing stops where less light than this comes through
_RECORD = np.float32(1e-6)  # by how much a sample must exceed all before it: interpolated ones differ in the last bit

_U = np.uint64
_F = np.float32


def composite_forward(
    fields: NDArray[np.float32],
    cells: NDArray[np.uint8],
    axes: NDArray[np.float32],
    width: float,
    depth: int,
    use_max: bool,
    result: NDArray[np.float32],
    threads: int,
) -> None:
    """Fill `result` [B, H, W, 5] from what `surface_kernels.surface_fields` made, and axes [B, 3, 3]."""
    use_threads(threads)
    _forward(fields, cells, axes, _F(width), depth, use_max, result)


def composite_backward(
    fields: NDArray[np.float32],
    cells: NDArray[np.uint8],
    axes: NDArray[np.float32],
    width: float,
    depth: int,
    use_max: bool,
    gradient: NDArray[np.float32],
    threads: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Gradient of the occupancy (shape of `cells`) and of the fields (their shape; channel 0 stays nought), given that
    of the images [B, H, W, 5]."""
    use_threads(threads)
    direct, others = np.zeros(cells.shape, np.float32), np.zeros(fields.shape, np.float32)
    _backward(fields, cells, axes, _F(width), depth, use_max, gradient, direct, others)
    return direct, others


@compiled(inline="always")
def _clip(start, step, limit, low, high):  # type: ignore[no-untyped-def]
    """Narrow [low, high] to the samples whose coordinate along one axis is within [0, limit]."""
    if abs(step) >= _F(1e-9):
        a, b = -start / step, (limit - start) / step
        low, high = max(low, min(a, b)), min(high, max(a, b))
    return low, high


@compiled(inline="always")
def _is_inside(x, y, z, limits):  # type: ignore[no-untyped-def]
    return x >= _F(0.0) and y >= _F(0.0) and z >= _F(0.0) and x < limits[0] and y < limits[1] and z < limits[2]


@compiled(inline="always")
def ray(axes, width, size, depth, shape, row, column):  # type: ignore[no-untyped-def]
    """First position and step between positions, in padded voxel indices, and the samples [first, last) whose eight
    voxels exist."""
    across = ((_F(column) + _F(0.5)) / _F(size) - _F(0.5)) * width
    upward = (_F(0.5) - (_F(row) + _F(0.5)) / _F(size)) * width
    front = _F(0.5) - _F(0.5) / _F(depth)
    nx, ny, nz = _F(shape[1] - 2), _F(shape[2] - 2), _F(shape[3] - 2)
    x = (across * axes[0, 0] + upward * axes[1, 0] + front * axes[2, 0] + _F(0.5)) * nx + _F(0.5)
    y = (across * axes[0, 1] + upward * axes[1, 1] + front * axes[2, 1] + _F(0.5)) * ny + _F(0.5)
    z = (across * axes[0, 2] + upward * axes[1, 2] + front * axes[2, 2] + _F(0.5)) * nz + _F(0.5)
    sx, sy, sz = -axes[2, 0] / _F(depth) * nx, -axes[2, 1] / _F(depth) * ny, -axes[2, 2] / _F(depth) * nz
    limits = (nx + _F(1.0), ny + _F(1.0), nz + _F(1.0))
    low, high = _clip(x, sx, limits[0], _F(0.0), _F(depth))
    low, high = _clip(y, sy, limits[1], low, high)
    low, high = _clip(z, sz, limits[2], low, high)
    # Rounded outward, then walked inward: no sample inside needs to ask again.
    first, last = max(int(low) - 1, 0), min(int(high) + 2, depth)
    while first < last and not _is_inside(x + _F(first) * sx, y + _F(first) * sy, z + _F(first) * sz, limits):
        first += 1
    while last > first and not _is_inside(x + _F(last - 1) * sx, y + _F(last - 1) * sy, z + _F(last - 1) * sz, limits):
        last -= 1
    return x, y, z, sx, sy, sz, first, last


# fmt: off
@compiled(parallel=True, fastmath=True, cache=True)
def _forward(fields, cells, axes, width, depth, use_max, result):  # type: ignore[no-untyped-def]
    batch, size = result.shape[0], result.shape[1]
    ny, nz = _U(fields.shape[2]), _U(fields.shape[3])
    down, right = _U(4) * nz * ny, _U(4) * nz  # from a voxel's fields to those of the next one along x, along y
    one, two, three, four, five, six, seven = _U(1), _U(2), _U(3), _U(4), _U(5), _U(6), _U(7)
    for b in numba.prange(batch):
        g, held = fields[b].reshape(-1), cells[b].reshape(-1)
        for row in range(size):
            for column in range(size):
                x0, y0, z0, sx, sy, sz, first, last = ray(axes[b], width, size, depth, fields.shape, row, column)
                sum_1 = sum_2 = sum_3 = sum_z = sum_w = _F(0.0)
                through, highest = _F(1.0), _F(0.0)
                for k in range(first, last):
                    px, py, pz = x0 + _F(k) * sx, y0 + _F(k) * sy, z0 + _F(k) * sz
                    i, j, m = np.int32(px), np.int32(py), np.int32(pz)
                    cell = (_U(i) * ny + _U(j)) * nz + _U(m)
                    if held[cell] & np.uint8(1) == np.uint8(0):
                        continue
                    fx, fy, fz = px - _F(i), py - _F(j), pz - _F(m)
                    ex, ey, ez = _F(1.0) - fx, _F(1.0) - fy, _F(1.0) - fz
                    a, c, d, e = ex * ey, ex * fy, fx * ey, fx * fy
                    a0, a1, c0, c1, d0, d1, e0, e1 = a * ez, a * fz, c * ez, c * fz, d * ez, d * fz, e * ez, e * fz
                    p = cell * four
                    q, r, s = p + right, p + down, p + down + right
                    x = (a0 * g[p] + a1 * g[p + four] + c0 * g[q] + c1 * g[q + four]
                         + d0 * g[r] + d1 * g[r + four] + e0 * g[s] + e1 * g[s + four])
                    f1 = (a0 * g[p + one] + a1 * g[p + five] + c0 * g[q + one] + c1 * g[q + five]
                          + d0 * g[r + one] + d1 * g[r + five] + e0 * g[s + one] + e1 * g[s + five])
                    f2 = (a0 * g[p + two] + a1 * g[p + six] + c0 * g[q + two] + c1 * g[q + six]
                          + d0 * g[r + two] + d1 * g[r + six] + e0 * g[s + two] + e1 * g[s + six])
                    f3 = (a0 * g[p + three] + a1 * g[p + seven] + c0 * g[q + three] + c1 * g[q + seven]
                          + d0 * g[r + three] + d1 * g[r + seven] + e0 * g[s + three] + e1 * g[s + seven])
                    if use_max:
                        if x <= highest + _RECORD:
                            continue
                        weight = x - highest
                        highest = x
                    else:
                        weight = x * through
                        through *= _F(1.0) - x
                    sum_1 += weight * f1
                    sum_2 += weight * f2
                    sum_3 += weight * f3
                    sum_z += weight * (_F(0.5) - (_F(k) + _F(0.5)) / _F(depth))
                    sum_w += weight
                    if through < _OPAQUE or highest >= _F(1.0) - _RECORD:
                        break
                result[b, row, column, 0] = sum_1
                result[b, row, column, 1] = sum_2
                result[b, row, column, 2] = sum_3
                result[b, row, column, 3] = sum_z
                result[b, row, column, 4] = sum_w


@compiled(parallel=True, fastmath=True, cache=True)
def _backward(fields, cells, axes, width, depth, use_max, gradient, direct, others):  # type: ignore[no-untyped-def]
    batch, size = gradient.shape[0], gradient.shape[1]
    ny, nz = _U(fields.shape[2]), _U(fields.shape[3])
    down, right = _U(4) * nz * ny, _U(4) * nz
    one, two, three, four, five, six, seven = _U(1), _U(2), _U(3), _U(4), _U(5), _U(6), _U(7)
    for b in numba.prange(batch):
        g, held = fields[b].reshape(-1), cells[b].reshape(-1)
        to_x, to_f = direct[b].reshape(-1), others[b].reshape(-1)
        occupancy = np.empty(depth, np.float32)  # x_k
        visible = np.empty(depth, np.float32)  # product: prod_{j<k} (1 - x_j); max: w_k
        worth = np.empty(depth, np.float32)  # dL/dw_k
        for row in range(size):
            for column in range(size):
                g1, g2, g3 = gradient[b, row, column, 0], gradient[b, row, column, 1], gradient[b, row, column, 2]
                gz, ga = gradient[b, row, column, 3], gradient[b, row, column, 4]
                if g1 == 0.0 and g2 == 0.0 and g3 == 0.0 and gz == 0.0 and ga == 0.0:
                    continue
                x0, y0, z0, sx, sy, sz, first, last = ray(axes[b], width, size, depth, fields.shape, row, column)
                through, highest = _F(1.0), _F(0.0)
                end = last
                for k in range(first, last):
                    px, py, pz = x0 + _F(k) * sx, y0 + _F(k) * sy, z0 + _F(k) * sz
                    i, j, m = np.int32(px), np.int32(py), np.int32(pz)
                    cell = (_U(i) * ny + _U(j)) * nz + _U(m)
                    x, value = _F(0.0), gz * (_F(0.5) - (_F(k) + _F(0.5)) / _F(depth)) + ga
                    if held[cell]:
                        fx, fy, fz = px - _F(i), py - _F(j), pz - _F(m)
                        ex, ey, ez = _F(1.0) - fx, _F(1.0) - fy, _F(1.0) - fz
                        a, c, d, e = ex * ey, ex * fy, fx * ey, fx * fy
                        a0, a1, c0, c1, d0, d1, e0, e1 = a * ez, a * fz, c * ez, c * fz, d * ez, d * fz, e * ez, e * fz
                        p = cell * four
                        q, r, s = p + right, p + down, p + down + right
                        x = (a0 * g[p] + a1 * g[p + four] + c0 * g[q] + c1 * g[q + four]
                             + d0 * g[r] + d1 * g[r + four] + e0 * g[s] + e1 * g[s + four])
                        f1 = (a0 * g[p + one] + a1 * g[p + five] + c0 * g[q + one] + c1 * g[q + five]
                              + d0 * g[r + one] + d1 * g[r + five] + e0 * g[s + one] + e1 * g[s + five])
                        f2 = (a0 * g[p + two] + a1 * g[p + six] + c0 * g[q + two] + c1 * g[q + six]
                              + d0 * g[r + two] + d1 * g[r + six] + e0 * g[s + two] + e1 * g[s + six])
                        f3 = (a0 * g[p + three] + a1 * g[p + seven] + c0 * g[q + three] + c1 * g[q + seven]
                              + d0 * g[r + three] + d1 * g[r + seven] + e0 * g[s + three] + e1 * g[s + seven])
                        value += g1 * f1 + g2 * f2 + g3 * f3
                    occupancy[_U(k)] = x
                    worth[_U(k)] = value
                    if use_max:
                        visible[_U(k)] = _F(0.0)
                        if x > highest + _RECORD:
                            visible[_U(k)] = x - highest
                            highest = x
                    else:
                        visible[_U(k)] = through
                        through *= _F(1.0) - x
                    if through < _OPAQUE or highest >= _F(1.0) - _RECORD:
                        end = k + 1
                        break
                # From the back to the front: what the samples behind k are worth if k lets everything through.
                behind = _F(0.0)
                for back in range(end - first):
                    k = end - 1 - back
                    if use_max:
                        weight = visible[_U(k)]
                        if weight <= _F(0.0):
                            continue
                        slope = worth[_U(k)] - behind  # a higher record takes from the next one
                        behind = worth[_U(k)]
                    else:
                        weight = visible[_U(k)] * occupancy[_U(k)]
                        slope = visible[_U(k)] * (worth[_U(k)] - behind)
                        behind = worth[_U(k)] * occupancy[_U(k)] + (_F(1.0) - occupancy[_U(k)]) * behind
                    px, py, pz = x0 + _F(k) * sx, y0 + _F(k) * sy, z0 + _F(k) * sz
                    i, j, m = np.int32(px), np.int32(py), np.int32(pz)
                    cell = (_U(i) * ny + _U(j)) * nz + _U(m)
                    fx, fy, fz = px - _F(i), py - _F(j), pz - _F(m)
                    ex, ey, ez = _F(1.0) - fx, _F(1.0) - fy, _F(1.0) - fz
                    a, c, d, e = ex * ey, ex * fy, fx * ey, fx * fy
                    a0, a1, c0, c1, d0, d1, e0, e1 = a * ez, a * fz, c * ez, c * fz, d * ez, d * fz, e * ez, e * fz
                    p, q = cell, cell + nz
                    r, s = p + ny * nz, q + ny * nz
                    to_x[p] += a0 * slope
                    to_x[p + one] += a1 * slope
                    to_x[q] += c0 * slope
                    to_x[q + one] += c1 * slope
                    to_x[r] += d0 * slope
                    to_x[r + one] += d1 * slope
                    to_x[s] += e0 * slope
                    to_x[s + one] += e1 * slope
                    if weight > _F(0.0):
                        s1, s2, s3 = weight * g1, weight * g2, weight * g3
                        for tap in range(8):
                            t = four * cell
                            if tap & 1:
                                t += four
                            if tap & 2:
                                t += right
                            if tap & 4:
                                t += down
                            across = fx if tap & 4 else ex
                            across *= fy if tap & 2 else ey
                            across *= fz if tap & 1 else ez
                            to_f[t + one] += across * s1
                            to_f[t + two] += across * s2
                            to_f[t + three] += across * s3
# fmt: on
