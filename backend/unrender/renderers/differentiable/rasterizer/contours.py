# SPDX-License-Identifier: Apache-2.0
"""Where one visible surface ends between two neighbouring pixels: what `antialias` and `edge_gradients` have in common.

Take two pixel centres side by side (or one above the other) that see different faces. The straight line through both
cuts the mesh in a polygon, and both faces lie on it. From the nearer of the two (by the depth at its centre; the only
one, if the other pixel is empty) the polygon is walked towards the other centre, from face to face over the edges that
they share, until

- the other pixel's face is reached: the surface goes on, and nothing ends here (CONNECTED);
- an edge has no face behind it, or one that is folded back under the first: the contour, given as a half-edge;
- the other centre is passed: the surface goes on behind what the other pixel sees (PASSED, or TOUCHED if it is a
  neighbour of what that pixel sees). Then the other surface is walked towards the first pixel in the same way. If that
  one passes too, the two surfaces run through each other.

So the edge need not belong to a face that any pixel sees: faces smaller than a pixel are walked over, which is what the
outline of a fine mesh consists of.

Details that all three implementations share: a vertex on the line counts as beneath or left of it, like pixel centres
on an edge in `rasterize`. A face is passed over as if it had been cut out when a corner is not finite or not in front
of the camera. One that is thinner than THIN pixels is seen edge-on: it never ends a surface, and when the surface ends
behind it, the edge before it is the contour. Where more than two faces meet at an edge, the surface goes on if it does
on any of them, over the one whose third corner has the lowest index. Walks of more than MOST_STEPS faces are given up
(LOST).
"""

from typing import Final

from torch import Tensor

from unrender.renderers.differentiable.rasterizer.checks import described
from unrender.renderers.differentiable.rasterizer.fragments import Fragments

CONNECTED: Final = -1
PASSED: Final = -2
TOUCHED: Final = -3
LOST: Final = -4

MOST_STEPS: Final = 256
THIN: Final = 1e-3  # pixels: next to what the rounding of float32 coordinates does to a sliver in a large image
REACH: Final = 1e-3  # pixels: an edge so close behind the other centre is taken for one on it, for rounding's sake
PARALLEL: Final = 0.02  # of the slopes of two depths: surfaces whose slopes differ by less do not cross


def check_image(image: Tensor, screen: Tensor, fragments: Fragments) -> None:
    """Raises ValueError unless the image is floating [B, C, H, W], as large as the fragments, and one per mesh."""
    batch, (height, width) = len(screen), fragments.size
    if image.ndim != 4 or not image.is_floating_point() or (len(image), *image.shape[2:]) != (batch, height, width):
        raise ValueError(f"image came as {described(image)}; expected floating [{batch}, C, {height}, {width}]")
    if len(fragments.face) != batch:
        raise ValueError(f"fragments of {len(fragments.face)} images came with {batch} meshes; expected as many")
