# SPDX-License-Identifier: Apache-2.0
"""Functions that torch.compile leaves as they are, without a compiler that is imported where nothing is compiled."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch._compile import _disable_dynamo

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def uncompiled(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """A decorator for what a compiler cannot see through, such as kernels on numpy arrays.

    `torch.compiler.disable` imports the whole compiler, which takes seconds, when it decorates; torch's own functions
    are decorated by what imports it at their first call. Here that is the first call from code that is being compiled.
    """
    left_alone = _disable_dynamo(function)

    @functools.wraps(function)
    def call(*arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        if torch.compiler.is_compiling():
            return left_alone(*arguments, **named)
        return function(*arguments, **named)

    return call
