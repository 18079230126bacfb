# SPDX-License-Identifier: Apache-2.0
"""The implementations that the rasteriser's tests run on."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from unrender.renderers.differentiable.rasterizer.backends import Backend, is_interpreted


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
