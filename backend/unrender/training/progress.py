# SPDX-License-Identifier: Apache-2.0
"""What long work tells its caller."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Progress:
    """One report. `done` and `total` count the unit of the phase.

    preview: a picture [H, W, 3 or 4], None where there is no new one. scores: all evaluations of a training so far
    [N, 2] as (images shown, kernel distance), None where there is no new one; curves: the same of other values, by
    their names. notes: what the user should know of this work, as sentences, all that there are so far.
    """

    phase: str
    done: int
    total: int
    eta_seconds: float | None = None
    message: str = ""
    preview: NDArray[np.uint8] | None = None
    scores: NDArray[np.float32] | None = None
    curves: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


ProgressCallback = Callable[[Progress], None]
CancelCheck = Callable[[], bool]


def ignore_progress(report: Progress) -> None:
    """The callback for callers that do not want to know."""


def never_cancelled() -> bool:
    """The check for callers that cannot cancel."""
    return False
