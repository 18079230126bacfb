# SPDX-License-Identifier: Apache-2.0
"""CUDA kernels that add up what pixels say about the corners of their faces, always in the same order.

Pixels are sorted by face and summed by face; each vertex then gathers the sums of the corners that meet there.
"""

import torch
import triton.language as tl
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.cuda.device import blocks, kernel, launch
from unrender.renderers.differentiable.rasterizer.cuda.runs import (
    CHANNELS_TOGETHER,
    PIECE,
    run_sum,
    sorted_runs,
    sum_pieces,
)

# mypy: disable-error-code="no-untyped-def"

_VERTICES = 64  # that one program gathers


def scatter_corners(values: Tensor, face: Tensor, faces: Tensor, vertices: int) -> Tensor:
    """Sums [B, N, C] of values [B, H, W, 3, C] over the corners of face [B, H, W] in faces [1 or B, F, 3]."""
    return _scatter(None, values.detach().flatten(0, 2), face, faces, vertices)


def scatter_weighted(weights: Tensor, values: Tensor, face: Tensor, faces: Tensor, vertices: int) -> Tensor:
    """The same where pixel (b, h, w) has `weights[b, k, h, w] * values[b, c, h, w]` for corner k and channel c."""
    return _scatter(weights, values, face, faces, vertices)


def _scatter(weights: Tensor | None, values: Tensor, face: Tensor, faces: Tensor, vertices: int) -> Tensor:
    batch, count = len(face), faces.shape[1]
    channels = values.shape[-1] if weights is None else values.shape[1]
    result = values.new_zeros(batch, vertices, channels)
    if result.numel() == 0 or face.numel() == 0 or count == 0:
        return result
    image = torch.arange(batch, device=face.device).view(-1, 1, 1)
    is_seen = (face >= 0) & (face < count)
    runs = sorted_runs(torch.where(is_seen, image * count + face, batch * count).flatten(), batch * count)
    corner, first, last = corner_table(faces, vertices)
    stride = vertices if len(faces) > 1 else 0
    for start in range(0, channels, CHANNELS_TOGETHER):
        together = range(start, min(start + CHANNELS_TOGETHER, channels))
        sums = sum_pieces(runs, weights, values, 3, together)
        grid = (blocks(batch * vertices, _VERTICES), len(together))
        tables = (runs.first, runs.last, corner, first, last)
        shape = (batch * vertices, vertices, count, stride, channels, start, len(together))
        launch(_gather, grid, *sums, *tables, result, *shape, BLOCK=_VERTICES, PIECE=PIECE, num_warps=2)
    return result


def corner_table(faces: Tensor, vertices: int) -> tuple[Tensor, Tensor, Tensor]:
    """Face corners sorted by vertex, and where those of each vertex begin and end: [3 F or 3 B F], [N or B N] twice.

    Corner k of face f of mesh b has the number `3 (b F + f) + k`. Rows with a -1 are padding and at no vertex.
    """
    meshes = len(faces)
    is_real = (faces >= 0).all(dim=-1, keepdim=True)
    mesh = torch.arange(meshes, device=faces.device).view(-1, 1, 1)
    keys = torch.where(is_real, mesh * vertices + faces, meshes * vertices).flatten()
    runs = sorted_runs(keys, meshes * vertices)
    return runs.order, runs.first, runs.last


@kernel
def _gather(
    fine, coarse, run_first, run_last, corners, first, last, result, total, vertices, count, stride, channels,
    first_channel, together, BLOCK: tl.constexpr, PIECE: tl.constexpr,
):  # fmt: skip
    """Each vertex's sum over the runs of the faces that meet there, for one channel."""
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    channel = tl.program_id(1)
    is_wanted = item < total
    image = item // vertices
    # One table for all images, or one for each.
    row = item % vertices + image * stride
    begin = tl.load(first + row, mask=is_wanted, other=0)
    number = tl.load(last + row, mask=is_wanted, other=0) - begin
    result_dtype = result.dtype.element_ty
    summed = tl.zeros([BLOCK], tl.float64)
    for step in range(tl.max(number, 0)):
        is_corner = step < number
        corner = tl.load(corners + begin + step, mask=is_corner, other=0)
        face = corner // 3 + tl.where(stride == 0, image * count, 0)
        run_begin = tl.load(run_first + face, mask=is_corner, other=0).to(tl.int64)
        run_end = tl.load(run_last + face, mask=is_corner, other=0).to(tl.int64)
        summed += run_sum(fine, coarse, run_begin, run_end, corner % 3 * together + channel, 3 * together, PIECE)
    tl.store(result + item * channels + first_channel + channel, summed.to(result_dtype), mask=is_wanted)
