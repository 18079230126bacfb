# SPDX-License-Identifier: Apache-2.0
"""How the CPU kernels of the networks are compiled and run."""

import inspect
import os
from collections.abc import Callable
from typing import Any

import numba
import torch

# TBB, numba's own first choice where it is installed, gets slower with every parallel loop of a process: after a
# hundred thousand of them one takes milliseconds, with OpenMP ten microseconds from first to last.
if "NUMBA_THREADING_LAYER_PRIORITY" not in os.environ:
    setattr(numba.config, "THREADING_LAYER_PRIORITY", ["omp", "tbb", "workqueue"])  # noqa: B010 (types do not know it)


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`numba.njit`, on the bare function: shape checking wraps every function while tests run, and numba cannot compile
    the wrapper."""
    return lambda function: numba.njit(**options)(inspect.unwrap(function))


def use_threads(threads: int) -> None:
    """Let the kernels that follow run on so many threads, or on as many as numba has."""
    most = int(getattr(numba.config, "NUMBA_NUM_THREADS"))  # noqa: B009 (the module fills itself; types do not know it)
    of_torch = torch.get_num_threads()
    numba.set_num_threads(min(threads, most))
    # The first call starts numba's threads; on OpenMP, which torch shares, that sets the number of torch's threads too,
    # and with it the order of torch's sums.
    if torch.get_num_threads() != of_torch:
        torch.set_num_threads(of_torch)
