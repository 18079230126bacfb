# SPDX-License-Identifier: Apache-2.0
"""CPU kernels that turn occupancies into the fields that `compositing_kernels` follow rays through, and back."""

import numba
import numpy as np
from numpy.typing import NDArray

from unrender.networks.numba_functions import compiled, use_threads


def surface_fields(
    occupancy: NDArray[np.float32], threads: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]]:
    """Fields [B, X + 2, Y + 2, Z + 2, 4] of occupancies [B, X, Y, Z], with an empty voxel all around: the occupancy and
    the outward differences of the occupancy blurred by [1 2 1]^3 / 64.

    Also what each cell between eight voxels holds [B, X + 2, Y + 2, Z + 2], named by its lowest voxel: bit 0, any
    occupancy; bit 1, any difference. Most cells of a shape hold nothing, and a ray passes those quickly. Third, scratch
    memory that `surface_gradient` may use.
    """
    use_threads(threads)
    shape = (occupancy.shape[0], *(side + 2 for side in occupancy.shape[1:]))
    fields = np.zeros((*shape, 4), np.float32)
    cells = np.zeros(shape, np.uint8)
    scratch = np.zeros((2, *shape), np.float32)
    _fields(occupancy, fields, cells, scratch)
    return fields, cells, scratch


def surface_gradient(
    direct: NDArray[np.float32], differences: NDArray[np.float32], scratch: NDArray[np.float32], threads: int
) -> NDArray[np.float32]:
    """Gradient of the occupancies [B, X, Y, Z] from that of both parts of the fields, the adjoint of `surface_fields`.

    direct: [B, X + 2, Y + 2, Z + 2], of the occupancy itself. differences: [B, X + 2, Y + 2, Z + 2, 4], of channels 1
    to 3. What lies in the empty voxels around the grid does not count.
    """
    use_threads(threads)
    result = np.empty((direct.shape[0], *(side - 2 for side in direct.shape[1:])), np.float32)
    _gradient(direct, differences, scratch, result)
    return result


@compiled(inline="always")
def _blur(source, target):  # type: ignore[no-untyped-def]
    """[1 2 1]^3 / 64 inside, with nought around. `source` is overwritten; the result is in `target`."""
    nx, ny, nz = source.shape
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(1, nz - 1):
                target[i, j, k] = np.float32(0.25) * (source[i, j, k - 1] + source[i, j, k + 1]) + (
                    np.float32(0.5) * source[i, j, k]
                )
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(1, nz - 1):
                source[i, j, k] = np.float32(0.25) * (target[i, j - 1, k] + target[i, j + 1, k]) + (
                    np.float32(0.5) * target[i, j, k]
                )
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(1, nz - 1):
                target[i, j, k] = np.float32(0.25) * (source[i - 1, j, k] + source[i + 1, j, k]) + (
                    np.float32(0.5) * source[i, j, k]
                )


@compiled(parallel=True, fastmath=True, cache=True)
def _fields(occupancy, fields, cells, scratch):  # type: ignore[no-untyped-def]
    batch, nx, ny, nz = cells.shape
    for b in numba.prange(batch):
        field, held, source, blurred = fields[b], cells[b], scratch[0, b], scratch[1, b]
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                for k in range(1, nz - 1):
                    source[i, j, k] = occupancy[b, i - 1, j - 1, k - 1]
        _blur(source, blurred)
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                for k in range(1, nz - 1):
                    x = occupancy[b, i - 1, j - 1, k - 1]
                    f1 = blurred[i - 1, j, k] - blurred[i + 1, j, k]
                    f2 = blurred[i, j - 1, k] - blurred[i, j + 1, k]
                    f3 = blurred[i, j, k - 1] - blurred[i, j, k + 1]
                    field[i, j, k, 0] = x
                    field[i, j, k, 1] = f1
                    field[i, j, k, 2] = f2
                    field[i, j, k, 3] = f3
                    sloped = f1 != np.float32(0.0) or f2 != np.float32(0.0) or f3 != np.float32(0.0)
                    held[i, j, k] = np.uint8(x != np.float32(0.0)) + np.uint8(2) * np.uint8(sloped)
        for i in range(nx):
            for j in range(ny):
                for k in range(nz - 1):
                    held[i, j, k] |= held[i, j, k + 1]
        for i in range(nx):
            for j in range(ny - 1):
                for k in range(nz):
                    held[i, j, k] |= held[i, j + 1, k]
        for i in range(nx - 1):
            for j in range(ny):
                for k in range(nz):
                    held[i, j, k] |= held[i + 1, j, k]


@compiled(parallel=True, fastmath=True, cache=True)
def _gradient(direct, differences, scratch, result):  # type: ignore[no-untyped-def]
    batch, nx, ny, nz = direct.shape
    zero = np.float32(0.0)
    for b in numba.prange(batch):
        slope, source, blurred = differences[b], scratch[0, b], scratch[1, b]
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                for k in range(1, nz - 1):
                    value = slope[i + 1, j, k, 1] if i < nx - 2 else zero
                    value -= slope[i - 1, j, k, 1] if i > 1 else zero
                    value += slope[i, j + 1, k, 2] if j < ny - 2 else zero
                    value -= slope[i, j - 1, k, 2] if j > 1 else zero
                    value += slope[i, j, k + 1, 3] if k < nz - 2 else zero
                    value -= slope[i, j, k - 1, 3] if k > 1 else zero
                    source[i, j, k] = value
        _blur(source, blurred)
        for i in range(1, nx - 1):
            for j in range(1, ny - 1):
                for k in range(1, nz - 1):
                    result[b, i - 1, j - 1, k - 1] = direct[b, i, j, k] + blurred[i, j, k]
