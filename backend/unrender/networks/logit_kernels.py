# SPDX-License-Identifier: Apache-2.0
"""CPU kernels of `logit_head.blurred_logits`: the overlapping blocks of an up-convolution, put together and blurred."""

import numba
import numpy as np
from numpy.typing import NDArray

from unrender.networks.numba_functions import compiled, use_threads


def put_together(
    blocks: NDArray[np.float32], bias: float, side: float, result: NDArray[np.float32], threads: int
) -> None:
    """Fill `result` [B, 2X, 2Y, 2Z] with the sum of blocks [B, X, Y, Z, 4, 4, 4], each at twice its voxel less one,
    plus a bias, blurred by [side, 1 - 2 side, side] along each axis with nought around."""
    use_threads(threads)
    scratch = np.zeros((2, blocks.shape[0], *(length + 2 for length in result.shape[1:])), np.float32)
    _put_together(blocks.reshape(*blocks.shape[:4], 64), np.float32(bias), np.float32(side), scratch, result)


def take_apart(gradient: NDArray[np.float32], side: float, blocks: NDArray[np.float32], threads: int) -> float:
    """The adjoint of `put_together`: fill `blocks`; returns the gradient of the bias."""
    use_threads(threads)
    scratch = np.zeros((2, blocks.shape[0], *(length + 2 for length in gradient.shape[1:])), np.float32)
    sums = np.zeros(blocks.shape[0], np.float64)
    _take_apart(gradient, np.float32(side), scratch, blocks.reshape(*blocks.shape[:4], 64), sums)
    return float(sums.sum())


@compiled(inline="always")
def _blur(source, target, side):  # type: ignore[no-untyped-def]
    """Blur what is inside the border, which is nought. `source` is overwritten; the result is in `target`."""
    middle = np.float32(1.0) - np.float32(2.0) * side
    nx, ny, nz = source.shape
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(1, nz - 1):
                target[i, j, k] = side * (source[i, j, k - 1] + source[i, j, k + 1]) + middle * source[i, j, k]
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(1, nz - 1):
                source[i, j, k] = side * (target[i, j - 1, k] + target[i, j + 1, k]) + middle * target[i, j, k]
    for i in range(1, nx - 1):
        for j in range(1, ny - 1):
            for k in range(1, nz - 1):
                target[i, j, k] = side * (source[i - 1, j, k] + source[i + 1, j, k]) + middle * source[i, j, k]


@compiled(inline="always")
def _clear_border(grid):  # type: ignore[no-untyped-def]
    for axis_end in (0, -1):
        grid[axis_end, :, :] = np.float32(0.0)
        grid[:, axis_end, :] = np.float32(0.0)
        grid[:, :, axis_end] = np.float32(0.0)


@compiled(parallel=True, fastmath=True, cache=True)
def _put_together(blocks, bias, side, scratch, result):  # type: ignore[no-untyped-def]
    batch, nx, ny, nz, _ = blocks.shape
    row = np.uint64(2 * nz + 2)
    plane = row * np.uint64(2 * ny + 2)
    for b in numba.prange(batch):
        flat, source = blocks[b].reshape(-1), scratch[0, b].reshape(-1)
        grid, blurred = scratch[0, b], scratch[1, b]
        at = np.uint64(0)
        for i in range(nx):
            for j in range(ny):
                for k in range(nz):
                    corner = np.uint64(2 * i) * plane + np.uint64(2 * j) * row + np.uint64(2 * k)
                    for di in range(4):
                        for dj in range(4):
                            to = corner + np.uint64(di) * plane + np.uint64(dj) * row
                            for dk in range(4):
                                source[to + np.uint64(dk)] += flat[at + np.uint64(dk)]
                            at += np.uint64(4)
        grid += bias
        _clear_border(grid)
        _blur(grid, blurred, side)
        result[b] = blurred[1:-1, 1:-1, 1:-1]


@compiled(parallel=True, fastmath=True, cache=True)
def _take_apart(gradient, side, scratch, blocks, sums):  # type: ignore[no-untyped-def]
    batch, nx, ny, nz, _ = blocks.shape
    row = np.uint64(2 * nz + 2)
    plane = row * np.uint64(2 * ny + 2)
    for b in numba.prange(batch):
        source, blurred = scratch[0, b], scratch[1, b]
        source[1:-1, 1:-1, 1:-1] = gradient[b]
        _blur(source, blurred, side)
        sums[b] = blurred[1:-1, 1:-1, 1:-1].sum()
        flat, grid = blocks[b].reshape(-1), scratch[1, b].reshape(-1)
        at = np.uint64(0)
        for i in range(nx):
            for j in range(ny):
                for k in range(nz):
                    corner = np.uint64(2 * i) * plane + np.uint64(2 * j) * row + np.uint64(2 * k)
                    for di in range(4):
                        for dj in range(4):
                            of = corner + np.uint64(di) * plane + np.uint64(dj) * row
                            for dk in range(4):
                                flat[at + np.uint64(dk)] = grid[of + np.uint64(dk)]
                            at += np.uint64(4)
