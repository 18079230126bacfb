# SPDX-License-Identifier: Apache-2.0
"""Which edges and corners of faces a skirt may start at: those on the contours of the mesh as it is seen.

An edge is on a contour if no face goes on from it on its other side on the screen: the surface ends there, or folds
back under itself. Faces that the rasteriser leaves out (see `rasterize`) are no faces here. Around a contour that turns
outwards in a vertex, the vertex is the nearest point of a wedge of the plane; where it turns inwards, of none.
"""

from typing import Final

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.checks import batched
from unrender.renderers.differentiable.rasterizer.edges import edge_ring

EDGE: Final = 1  # bit of edge 0, which runs from corner 0 to corner 1; twice and four times that are the next ones
CORNER: Final = 8  # bit of corner 0


def casting_features(
    screen: Float[Tensor, "B N 3"], faces: Int[Tensor, "*batch F 3"], near: float
) -> UInt8[Tensor, "B F"]:
    """Bit i of a face: its edge i is on a contour. Bit 3 + i, if it has such an edge: the contour turns outwards in its
    corner i. Not differentiable.
    """
    ring = edge_ring(faces, screen.shape[1])
    if screen.device.type == "cpu":
        from unrender.renderers.differentiable.rasterizer.cpu.casting import casting_features as compute
    else:
        from unrender.renderers.differentiable.rasterizer.reference.casting import casting_features as compute
    with torch.no_grad():
        features: Tensor = compute(screen.contiguous(), batched(faces), ring, near)
    return features
