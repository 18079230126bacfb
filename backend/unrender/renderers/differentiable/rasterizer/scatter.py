# SPDX-License-Identifier: Apache-2.0
"""The deterministic sum of what pixels say about the corners of their faces into the vertices."""

from jaxtyping import Float, Int, Int32
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.backends import Backend, kernels, resolve


def scatter_corners(
    values: Float[Tensor, "B H W 3 C"],
    face: Int32[Tensor, "B H W"],
    faces: Int[Tensor, "batch F 3"],
    vertices: int,
    *,
    backend: Backend = "auto",
) -> Float[Tensor, "B N C"]:
    """Add each pixel's values for the three corners of its face to those vertices; pixels with face -1 add nothing.

    faces: [1, F, 3] shared by the batch, or [B, F, 3]. vertices: how many there are. The order of the sums is fixed, so
    results are equal to the last bit from run to run and for any number of threads. Carries no gradient itself.
    """
    summed: Tensor = kernels("scatter", resolve(backend, values)).scatter_corners(
        values.contiguous(), face.contiguous(), faces.contiguous(), vertices
    )
    return summed
