# SPDX-License-Identifier: Apache-2.0
"""The primitives as Triton kernels. Imported only when a CUDA tensor comes, or in Triton's interpreter."""

from importlib.util import find_spec

if find_spec("triton") is None:
    raise ImportError(
        "CUDA tensors came, but the package triton is not installed, which compiles the rasteriser's CUDA kernels; "
        'install it (pip install triton, on Windows triton-windows) or pass backend="reference"'
    )
