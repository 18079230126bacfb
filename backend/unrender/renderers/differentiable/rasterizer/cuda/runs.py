# SPDX-License-Identifier: Apache-2.0
"""Sorted keys and the runs of equal ones: what deterministic sums are made of, without atomics."""

import torch
import triton.language as tl
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.cuda.device import BLOCK, blocks, kernel, launch

# mypy: disable-error-code="no-untyped-def"


def run_bounds(keys: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Where the run of each key from 0 to `count - 1` begins and ends in sorted `keys`; 0 and 0 if there is none.

    Keys of `count` and more are passed over. int32 where that can hold the positions.
    """
    dtype = torch.int32 if len(keys) < 2**31 else torch.int64
    bounds = torch.zeros(2, count, dtype=dtype, device=keys.device)
    launch(_bounds, (blocks(len(keys)),), keys, bounds, len(keys), count, BLOCK=BLOCK)
    return bounds[0], bounds[1]


@kernel
def _bounds(keys, bounds, length, count, BLOCK: tl.constexpr):
    place = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    key = tl.load(keys + place, mask=place < length, other=count).to(tl.int64)
    before = tl.load(keys + place - 1, mask=(place > 0) & (place < length), other=-1)
    after = tl.load(keys + place + 1, mask=place + 1 < length, other=-1)
    dtype = bounds.dtype.element_ty
    tl.store(bounds + key, place.to(dtype), mask=(key < count) & (key != before))
    tl.store(bounds + count + key, (place + 1).to(dtype), mask=(key < count) & (key != after))
