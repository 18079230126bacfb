# SPDX-License-Identifier: Apache-2.0
"""Functions that torch.compile leaves as they are, without a compiler that is imported where nothing is compiled.

`torch.compiler.disable` imports the whole compiler, which takes seconds: here it waits for `about_to_compile`.
"""

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_waiting: list[Callable[[], None]] = []


def uncompiled(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """A decorator for what a compiler cannot see through, such as kernels on numpy arrays."""
    if "torch._dynamo" in sys.modules:
        return torch.compiler.disable(function)
    called = function

    @functools.wraps(function)
    def call(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        return called(*arguments, **named)

    def disable() -> None:
        nonlocal called
        called = torch.compiler.disable(function)

    _waiting.append(disable)
    return call


def about_to_compile() -> None:
    """Has to be called before a network with such functions is compiled; costs nothing the second time."""
    while _waiting:
        _waiting.pop()()
