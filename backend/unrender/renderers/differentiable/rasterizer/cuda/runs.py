# SPDX-License-Identifier: Apache-2.0
"""Deterministic sums without atomics: entries are sorted by a key, and each run of equal keys is summed in its order.

Runs are short (one pixel of a face) or long (a face all over the image). So the sorted entries are cut into pieces of
one length, and the sum of each run within each piece is written where it ends there; what stands at the ends of the
pieces is cut and summed the same way once more. `run_sum` adds up what there is of a run.
"""

from typing import NamedTuple

import torch
import triton.language as tl
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.cuda.device import BLOCK, blocks, kernel, launch

# mypy: disable-error-code="no-untyped-def"

PIECE = 64
"""Sorted entries in a piece."""

CHANNELS_TOGETHER = 8
"""Channels that are summed in one go: by so many times grows the scratch memory."""


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


class RunSums(NamedTuple):
    """The sums of runs within pieces, flat [L, corners, channels], and those of the last entries of all pieces within
    pieces of such, in double precision: written where a run ends in a piece, and nothing elsewhere."""

    fine: Tensor
    coarse: Tensor


def sum_pieces(runs: Runs, weights: Tensor | None, values: Tensor, corners: int, channels: range) -> RunSums:
    """Sum the entries of each run, for some of the channels.

    With weights [M B, corners, H, W] and values [B, C, H, W] an entry is a pixel (m, h, w), and its value for corner k
    and channel c is `weights[m, k, h, w] * values[m % B, c, h, w]`; without, entry e has `values[e, k, c]`, of values
    [L, corners, C].
    """
    total = values.shape[-1] if weights is None else values.shape[1]
    images, area = (1, 1) if weights is None else (len(values), values.shape[2] * values.shape[3])
    together, length, count = len(channels), len(runs.keys), len(runs.first)
    fine = values.new_empty(length * corners * together)
    shape = (images, area, corners, total, channels.start, together)
    launch(
        _sum_pieces,
        (blocks(length, PIECE), corners),
        *(runs.keys, runs.order, weights, values, fine, length, count, *shape),
        PIECE=PIECE,
    )
    ends = torch.arange(PIECE - 1, max(length, PIECE - 1), PIECE, device=values.device)
    coarse = values.new_empty(len(ends) * corners * together, dtype=torch.float64)
    launch(
        _sum_pieces,
        (blocks(len(ends), PIECE), corners),
        *(runs.keys[PIECE - 1 :: PIECE].contiguous(), ends, None, fine, coarse, len(ends), count),
        *(1, 1, corners, together, 0, together),
        PIECE=PIECE,
    )
    return RunSums(fine, coarse)


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
    PIECE: tl.constexpr,
):  # fmt: skip
    lane = tl.arange(0, PIECE)
    place = tl.program_id(0).to(tl.int64) * PIECE + lane
    corner = tl.program_id(1)
    key = tl.load(keys + place, mask=place < length, other=count)
    after = tl.load(keys + place + 1, mask=place + 1 < length, other=-1)
    is_wanted = (place < length) & (key < count)
    is_last = is_wanted & ((key != after) | (lane == PIECE - 1))
    is_same = key[:, None] == key[None, :]
    entry = tl.load(order + place, mask=is_wanted, other=0)
    image, within = entry // area, entry % area
    out = sums + (place * corners + corner) * together
    dtype = sums.dtype.element_ty
    for channel in range(together):
        if weights is None:
            given = values + (entry * corners + corner) * channels + first_channel + channel
            value = tl.load(given, mask=is_wanted, other=0.0)
        else:
            given = values + (image % images * channels + first_channel + channel) * area + within
            value = tl.load(weights + (image * corners + corner) * area + within, mask=is_wanted, other=0.0)
            value = value * tl.load(given, mask=is_wanted, other=0.0)
        # Of all entries with the same key; others are not multiplied by nought, for they may be infinite.
        tl.store(out + channel, tl.sum(tl.where(is_same, value.to(dtype)[None, :], 0.0), 1), mask=is_last)


@kernel
def run_sum(fine, coarse, begin, end, column, width, PIECE: tl.constexpr):
    """The sum over entries [begin, end), a block of runs, in double precision, of sums [L, width] at columns.

    Nought where the run is empty.
    """
    # What the run has in a piece that goes on after it; the ends of the pieces before are a run of coarse entries.
    is_open = (end > begin) & (end % PIECE != 0)
    total = tl.load(fine + (end - 1) * width + column, mask=is_open, other=0.0).to(tl.float64)
    begin, end = begin // PIECE, end // PIECE
    first = begin // PIECE
    pieces = tl.where(end > begin, (end - 1) // PIECE - first + 1, 0)
    for piece in range(tl.max(pieces, 0)):
        last = tl.minimum((first + piece + 1) * PIECE, end) - 1
        total += tl.load(coarse + last * width + column, mask=piece < pieces, other=0.0).to(tl.float64)
    return total
