# SPDX-License-Identifier: Apache-2.0
"""What pools of Blender workers have in common, on this machine (`WorkerPool`) or on many (`RayPool`)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Times in seconds. recycle_after: images after which a worker is replaced, against leaks inside Blender."""

    prefetch: int = 2
    start: float = 120.0
    batch: float = 300.0
    silence: float = 30.0
    recycle_after: int = 50_000
    attempts: int = 2
    failed_starts: int = 3


@dataclass(frozen=True, slots=True)
class BatchImages:
    """images: arrays by name (`rgba` [B, H, W, 4] and passes); seconds: in the worker; render_seconds: in Blender."""

    images: Arrays
    seconds: float
    render_seconds: float
