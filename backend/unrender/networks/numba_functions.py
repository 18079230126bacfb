# SPDX-License-Identifier: Apache-2.0
"""How the CPU kernels of the networks are compiled and run."""

import inspect
from collections.abc import Callable
from typing import Any

import numba


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`numba.njit`, on the bare function: shape checking wraps every function while tests run, and numba cannot compile
    the wrapper."""
    return lambda function: numba.njit(**options)(inspect.unwrap(function))


def use_threads(threads: int) -> None:
    """Let the kernels that follow run on so many threads, or on as many as numba has."""
    most = int(getattr(numba.config, "NUMBA_NUM_THREADS"))  # noqa: B009 (the module fills itself; types do not know it)
    numba.set_num_threads(min(threads, most))
