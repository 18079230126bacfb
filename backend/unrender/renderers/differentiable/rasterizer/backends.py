# SPDX-License-Identifier: Apache-2.0
"""Which of the three implementations of a primitive runs."""

import importlib
import os
from types import ModuleType
from typing import Literal

from torch import Tensor

Backend = Literal["auto", "reference", "cpu", "cuda"]
Implementation = Literal["reference", "cpu", "cuda"]

_CHOICES = ("auto", "reference", "cpu", "cuda")


def resolve(backend: Backend, tensor: Tensor) -> Implementation:
    """The implementation that `backend` stands for where the data lie.

    auto: the CUDA kernels for CUDA tensors, the CPU kernels for CPU tensors, the plain PyTorch reference elsewhere.
    Raises ValueError where the kernels asked for cannot run on the tensor. The CUDA kernels take CPU tensors only in
    Triton's interpreter (TRITON_INTERPRET=1 in the environment before Triton is first imported).
    """
    device = tensor.device.type
    if backend == "auto":
        return "cuda" if device == "cuda" else "cpu" if device == "cpu" else "reference"
    if backend not in _CHOICES:
        raise ValueError(f'backend came as "{backend}"; expected one of {", ".join(_CHOICES)}')
    if backend == "cpu" and device != "cpu":
        raise ValueError(f'backend "cpu" came with tensors on {tensor.device}; move them to the CPU or use "auto"')
    if backend == "cuda" and device != "cuda" and not (device == "cpu" and is_interpreted()):
        raise ValueError(
            f'backend "cuda" came with tensors on {tensor.device}; move them to a CUDA device or use "auto"'
        )
    return backend


def is_interpreted() -> bool:
    """Whether Triton's interpreter is asked for, which runs the CUDA kernels on CPU tensors."""
    return os.environ.get("TRITON_INTERPRET", "0").lower() in {"1", "true", "yes", "on", "y"}


def kernels(primitive: str, implementation: Implementation) -> ModuleType:
    """The module of a primitive's kernels; imported when first used, because Numba and Triton take their time."""
    return importlib.import_module(f"{__package__}.{implementation}.{primitive}")
