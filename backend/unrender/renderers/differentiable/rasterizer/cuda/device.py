# SPDX-License-Identifier: Apache-2.0
"""How the Triton kernels are compiled and launched."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
import triton
from torch import Tensor

BLOCK = 256
"""Elements that one program of a plain elementwise kernel looks at."""


def kernel(function: Callable[..., Any]) -> Any:
    """`triton.jit`, on the bare function: shape checking wraps every function while tests run, and Triton, which reads
    the source, cannot compile the wrapper."""
    return triton.jit(inspect.unwrap(function))


def blocks(count: int, block: int = BLOCK) -> int:
    """How many programs look at `count` elements."""
    return -(-count // block)


def launch(function: Any, grid: tuple[int, ...], *arguments: Any, **options: Any) -> None:
    """Run a kernel on the device of its first argument, which need not be the current one; nothing for an empty grid.

    Multiplications and additions are not fused: edge functions and depths then come out as on the CPU, and the two
    faces of an edge see the same number negated.
    """
    if 0 in grid:
        return
    device = next(argument.device for argument in arguments if isinstance(argument, Tensor))
    with torch.cuda.device(device if device.type == "cuda" else -1):
        function[grid](*arguments, enable_fp_fusion=False, **options)
