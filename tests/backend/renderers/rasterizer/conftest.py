# SPDX-License-Identifier: Apache-2.0
"""The implementations that the rasteriser's tests run on."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from unrender.renderers.differentiable.rasterizer.backends import Backend, is_interpreted


@pytest.fixture(scope="session", autouse=True)
def quick_interpreter() -> Iterator[None]:
    """Triton's interpreter without a third of its time: it replaces the functions of its language anew at each call
    inside of a kernel, although the kernel's launch has done so."""
    if not (is_interpreted() and find_spec("triton")):
        yield
        return
    import triton.language as tl
    from triton.runtime import interpreter

    replace = interpreter._patch_lang

    def replace_once(function: Any) -> Any:
        languages = [value for value in function.__globals__.values() if value is tl or value is tl.core]
        if any(tl.core.is_builtin(language.load) for language in languages):
            return replace(function)
        return interpreter._LangPatchScope()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interpreter, "_patch_lang", replace_once)
        yield


@pytest.fixture(params=["reference", "cpu", "cuda"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each implementation, the CUDA kernels in Triton's interpreter."""
    chosen: Backend = request.param
    _skip_without_interpreter(chosen)
    return chosen


@pytest.fixture(params=["cpu", "cuda"])
def kernel_backend(request: pytest.FixtureRequest) -> Backend:
    """Each implementation that is to agree with the reference."""
    chosen: Backend = request.param
    _skip_without_interpreter(chosen)
    return chosen


def _skip_without_interpreter(chosen: Backend) -> None:
    if chosen == "cuda" and not (is_interpreted() and find_spec("triton")):
        pytest.skip("Triton's interpreter is not there, or not asked for (TRITON_INTERPRET=1)")
