# SPDX-License-Identifier: Apache-2.0
"""Sums of an occupancy grid along the rays of a camera, with gradients to the grid."""

from typing import Any

import numba
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from unrender.geometry.cameras import Cameras
from unrender.geometry.rotation import resample_to_camera
from unrender.networks.compositing_kernels import ray
from unrender.networks.numba_functions import compiled, use_threads

_F = np.float32


def ray_sums(
    occupancy: Float[Tensor, "B 1 X Y Z"], cameras: Cameras, size: int, depth: int, absorption: float = 0.0
) -> Float[Tensor, "B 1 H W"]:
    """`sum_k v_k` over `depth` trilinear samples a ray, or `sum_k log(1 - a v_k)` with `absorption` a in (0, 1).

    On the CPU, orthographic cameras and float32 take a fused kernel; everything else takes `ray_sums_reference`.
    """
    if occupancy.device.type == "cpu" and cameras.field_of_view is None and occupancy.dtype == torch.float32:
        sums: Tensor = _FusedSums.apply(occupancy, cameras.axes(), cameras.width, size, depth, absorption)
        return sums
    return ray_sums_reference(occupancy, cameras, size, depth, absorption)


def ray_sums_reference(
    occupancy: Float[Tensor, "B 1 X Y Z"], cameras: Cameras, size: int, depth: int, absorption: float = 0.0
) -> Float[Tensor, "B 1 H W"]:
    """`ray_sums` in plain PyTorch: the definition that the kernel is tested against."""
    volume = resample_to_camera(occupancy, cameras, size, depth)
    return (torch.log1p(-absorption * volume) if absorption > 0.0 else volume).sum(dim=2)


class _FusedSums(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        context: Any, occupancy: Tensor, axes: Tensor, width: float, size: int, depth: int, absorption: float
    ) -> Tensor:
        # One empty voxel all around, so that no sample asks whether its eight voxels exist.
        padded = functional.pad(occupancy.detach().squeeze(1), (1, 1) * 3).contiguous()
        context.kept = (padded, axes, width, size, depth, absorption)
        result = torch.zeros(len(padded), size, size)
        use_threads(torch.get_num_threads())
        _forward(padded.numpy(), axes.numpy(), _F(width), depth, _F(absorption), result.numpy())
        return result.unsqueeze(1)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        padded, axes, width, _, depth, absorption = context.kept
        result = torch.zeros_like(padded)
        upstream = gradient.squeeze(1).contiguous().numpy()
        use_threads(torch.get_num_threads())
        _backward(padded.numpy(), axes.numpy(), _F(width), depth, _F(absorption), upstream, result.numpy())
        return result[:, None, 1:-1, 1:-1, 1:-1], None, None, None, None, None


@compiled(inline="always")
def _sample(grid, i, j, m, fx, fy, fz):  # type: ignore[no-untyped-def]
    one = _F(1.0)
    near = (grid[i, j, m] * (one - fz) + grid[i, j, m + 1] * fz) * (one - fy)
    near += (grid[i, j + 1, m] * (one - fz) + grid[i, j + 1, m + 1] * fz) * fy
    far = (grid[i + 1, j, m] * (one - fz) + grid[i + 1, j, m + 1] * fz) * (one - fy)
    far += (grid[i + 1, j + 1, m] * (one - fz) + grid[i + 1, j + 1, m + 1] * fz) * fy
    return near * (one - fx) + far * fx


@compiled(parallel=True, fastmath=True, cache=True)
def _forward(fields, axes, width, depth, absorption, result):  # type: ignore[no-untyped-def]
    size = result.shape[1]
    for b in numba.prange(result.shape[0]):
        for row in range(size):
            for column in range(size):
                x, y, z, sx, sy, sz, first, last = ray(axes[b], width, size, depth, fields.shape, row, column)
                total = _F(0.0)
                for k in range(first, last):
                    px, py, pz = x + _F(k) * sx, y + _F(k) * sy, z + _F(k) * sz
                    i, j, m = np.int32(px), np.int32(py), np.int32(pz)
                    value = _sample(fields[b], i, j, m, px - _F(i), py - _F(j), pz - _F(m))
                    total += np.log1p(-absorption * value) if absorption > _F(0.0) else value
                result[b, row, column] = total


@compiled(parallel=True, fastmath=True, cache=True)
def _backward(fields, axes, width, depth, absorption, gradient, result):  # type: ignore[no-untyped-def]
    size, one = gradient.shape[1], _F(1.0)
    for b in numba.prange(gradient.shape[0]):
        target = result[b]
        for row in range(size):
            for column in range(size):
                upstream = gradient[b, row, column]
                if upstream == _F(0.0):
                    continue
                x, y, z, sx, sy, sz, first, last = ray(axes[b], width, size, depth, fields.shape, row, column)
                for k in range(first, last):
                    px, py, pz = x + _F(k) * sx, y + _F(k) * sy, z + _F(k) * sz
                    i, j, m = np.int32(px), np.int32(py), np.int32(pz)
                    fx, fy, fz = px - _F(i), py - _F(j), pz - _F(m)
                    slope = upstream
                    if absorption > _F(0.0):
                        value = _sample(fields[b], i, j, m, fx, fy, fz)
                        slope = -upstream * absorption / (one - absorption * value)
                    near, far = slope * (one - fx), slope * fx
                    target[i, j, m] += near * (one - fy) * (one - fz)
                    target[i, j, m + 1] += near * (one - fy) * fz
                    target[i, j + 1, m] += near * fy * (one - fz)
                    target[i, j + 1, m + 1] += near * fy * fz
                    target[i + 1, j, m] += far * (one - fy) * (one - fz)
                    target[i + 1, j, m + 1] += far * (one - fy) * fz
                    target[i + 1, j + 1, m] += far * fy * (one - fz)
                    target[i + 1, j + 1, m + 1] += far * fy * fz
