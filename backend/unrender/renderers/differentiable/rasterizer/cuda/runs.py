# SPDX-License-Identifier: Apache-2.0
"""Deterministic sums without atomics: entries are sorted by a key, and each run of equal keys is summed in its order.

Runs are long (one face over the whole image) or short (one pixel per face), so the sorted entries are cut into pieces
of one length: `sum_pieces` writes down the sum of each run within each piece, and `run_sum` adds up those of one run.
"""

from typing import NamedTuple

import torch
import triton.language as tl
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.cuda.device import BLOCK, blocks, kernel, launch

# mypy: disable-error-code="no-untyped-def"

PIECE = 256
"""Sorted entries in a piece."""

CHANNELS_TOGETHER = 8
"""Channels that are summed in one go: by so many times grows the scratch memory."""

_SQUARE = 64  # entries that are compared each with each


class Runs(NamedTuple):
    """Entries sorted by their key, equal ones in their order.

    keys: sorted, [L]. order: which entry each was, int64 [L]. first, last: run of key k is [first[k], last[k]), both 0
    where there is none. Keys from `len(first)` on stand for entries that are left out.
    """

    keys: Tensor
    order: Tensor
    first: Tensor
    last: Tensor


def sorted_runs(keys: Tensor, count: int) -> Runs:
    """Sort entries by keys from 0 to `count`, which stands for none."""
    # Fewer bytes are sorted faster.
    keys, order = (keys.int() if count < 2**31 - 1 else keys).sort(stable=True)
    return Runs(keys, order, *run_bounds(keys, count))


def run_bounds(keys: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Where the run of each key from 0 to `count - 1` begins and ends in sorted `keys`; 0 and 0 if there is none.

    Keys of `count` and more are passed over. int32 where that can hold the positions.
    """
    dtype = torch.int32 if len(keys) < 2**31 else torch.int64
    bounds = torch.zeros(2, count, dtype=dtype, device=keys.device)
    launch(_bounds, (blocks(len(keys)),), keys, bounds, len(keys), count, BLOCK=BLOCK)
    return bounds[0], bounds[1]


def sum_pieces(runs: Runs, weights: Tensor | None, values: Tensor, corners: int, channels: range, sums: Tensor) -> None:
    """Fill `sums` [L, corners, len(channels)] at the last entry that each run has in each piece.

    With weights [M B, corners, H, W] and values [B, C, H, W] an entry is a pixel (m, h, w), and its value for corner k
    and channel c is `weights[m, k, h, w] * values[m % B, c, h, w]`; without, entry e has `values[e, k, c]`, of values
    [L, corners, C].
    """
    total = values.shape[1] if weights is not None else values.shape[-1]
    images, area = (len(values), values.shape[2] * values.shape[3]) if weights is not None else (1, 1)
    length = len(runs.keys)
    grid = (blocks(length, PIECE), corners * len(channels))
    shape = (length, len(runs.first), images, area, corners, total, channels.start, len(channels))
    launch(_sum_pieces, grid, runs.keys, runs.order, weights, values, sums, *shape, SQUARE=_SQUARE, PIECE=PIECE)


@kernel
def _bounds(keys, bounds, length, count, BLOCK: tl.constexpr):
    place = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    key = tl.load(keys + place, mask=place < length, other=count).to(tl.int64)
    before = tl.load(keys + place - 1, mask=(place > 0) & (place < length), other=-1)
    after = tl.load(keys + place + 1, mask=place + 1 < length, other=-1)
    dtype = bounds.dtype.element_ty
    tl.store(bounds + key, place.to(dtype), mask=(key < count) & (key != before))
    tl.store(bounds + count + key, (place + 1).to(dtype), mask=(key < count) & (key != after))


@kernel
def _sum_pieces(
    keys, order, weights, values, sums, length, count, images, area, corners, channels, first_channel, together,
    SQUARE: tl.constexpr, PIECE: tl.constexpr,
):  # fmt: skip
    start = tl.program_id(0).to(tl.int64) * PIECE
    corner = tl.program_id(1) // together
    channel = first_channel + tl.program_id(1) % together
    lane = tl.arange(0, SQUARE)
    dtype = sums.dtype.element_ty
    # What the run that goes on from the entries before has been so far.
    carried = tl.sum(tl.zeros([SQUARE], dtype), 0)
    carried_key = tl.load(keys) * 0 - 1
    for step in range(PIECE // SQUARE):
        place = start + step * SQUARE + lane
        key = tl.load(keys + place, mask=place < length, other=count)
        after = tl.load(keys + place + 1, mask=place + 1 < length, other=-1)
        is_wanted = (place < length) & (key < count)
        entry = tl.load(order + place, mask=is_wanted, other=0)
        if weights is None:
            value = tl.load(values + (entry * corners + corner) * channels + channel, mask=is_wanted, other=0.0)
        else:
            image, within = entry // area, entry % area
            value = tl.load(weights + (image * corners + corner) * area + within, mask=is_wanted, other=0.0)
            from_pixel = values + (image % images * channels + channel) * area + within
            value = value * tl.load(from_pixel, mask=is_wanted, other=0.0)
        # The sum of the run up to each entry that ends it here: of all entries with the same key.
        total = tl.sum(tl.where(key[:, None] == key[None, :], value[None, :], 0.0), 1)
        total = total + tl.where(key == carried_key, carried, 0.0)
        is_last = (key != after) | (place == start + PIECE - 1)
        column = (place * corners + corner) * together + tl.program_id(1) % together
        tl.store(sums + column, total, mask=is_wanted & is_last)
        carried = tl.sum(tl.where(lane == SQUARE - 1, total, 0.0), 0)
        carried_key = tl.max(key, 0)


@kernel
def run_sum(sums, begin, end, column, width, PIECE: tl.constexpr):
    """The sum over entries [begin, end), which are one run, in double precision: blocks of sums [L, width] at columns.

    Nought where the run is empty.
    """
    first = begin // PIECE
    pieces = tl.where(end > begin, (end - 1) // PIECE - first + 1, 0)
    total = tl.zeros(begin.shape, tl.float64)
    for piece in range(tl.max(pieces, 0)):
        last = tl.minimum((first + piece + 1) * PIECE, end) - 1
        total += tl.load(sums + last * width + column, mask=piece < pieces, other=0.0).to(tl.float64)
    return total
