# SPDX-License-Identifier: Apache-2.0
"""What a kind of job is: its parameters, the function that does it, and how it may be run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unrender.configuration import from_mapping
from unrender.errors import ConfigurationError, UserError
from unrender.training.progress import CancelCheck, ProgressCallback


@dataclass(frozen=True, slots=True)
class JobWork:
    """What a running job gets besides its parameters."""

    arrays: Mapping[str, np.ndarray]  # what came with the request
    folder: Path  # its own; kept until the result is acknowledged
    attempt: int  # 1, and more after the server was killed while the job ran
    progress: ProgressCallback
    cancelled: CancelCheck


@dataclass(frozen=True, slots=True)
class JobOutput:
    """A result: a small plain map, and arrays by name."""

    result: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobKind:
    """A kind of job that clients may ask for.

    `run` is a module's function: it is called in another process. Jobs of one `lane` run one after another, lanes run
    beside each other. `repeatable` jobs are put back into the queue when the server was killed while they ran; others
    are reported failed. One that `saves` has something to gain from being cancelled, instead of killed, when the server
    stops. A job that shows no progress for `silence_limit` seconds is ended. `show` gives, of the parameters, the
    newest arrays of a job that left some on disk and does not report at the moment; it never raises.
    """

    parameters: type
    run: Callable[[Any, JobWork], JobOutput]
    lane: str
    repeatable: bool = True
    saves: bool = False
    stays_warm: bool = False  # the process is kept for the next job of the lane
    preload: tuple[str, ...] = ()  # modules that the process imports while it waits for its first job
    silence_limit: float = 600.0
    show: Callable[[Any], Mapping[str, np.ndarray]] | None = None

    def check(self, parameters: Mapping[str, Any]) -> Any:
        """The parameters as their dataclass; raises UserError on unknown keys, wrong types and values out of range."""
        try:
            return from_mapping(self.parameters, parameters)
        except ConfigurationError as error:
            raise UserError(error.message, error.hint) from error


class UnknownKindError(UserError):
    """A kind of job that this server does not do."""

    tag = "unknown_kind"


JobKinds = Mapping[str, JobKind]


def kind_named(kinds: JobKinds, name: str) -> JobKind:
    """The kind of that name; raises UnknownKindError."""
    if name not in kinds:
        raise UnknownKindError(
            f"This server has no job of kind {name[:40]!r}.", f"It knows: {', '.join(sorted(kinds))}."
        )
    return kinds[name]
