# SPDX-License-Identifier: Apache-2.0
"""What the kernels share on the device: the corners of a face, whether it is drawn, and where it may be seen.

Faces are [1 or B, F, 3]: `face_stride` is 0 for one mesh for the whole batch and F for one each. `image` and `face` are
int64, so that no offset overflows. Whatever decides on visibility is in double precision, as in the other two
implementations.
"""

import triton.language as tl

from unrender.renderers.differentiable.rasterizer.cuda.device import kernel

# mypy: disable-error-code="no-untyped-def"


@kernel
def load_indices(faces, image, face, face_stride, vertices, is_wanted):
    """The three vertices of a face (int64), and whether they are vertices: rows of -1 are padding."""
    place = faces + (image * face_stride + face) * 3
    i = tl.load(place, mask=is_wanted, other=-1).to(tl.int64)
    j = tl.load(place + 1, mask=is_wanted, other=-1).to(tl.int64)
    k = tl.load(place + 2, mask=is_wanted, other=-1).to(tl.int64)
    lowest, highest = tl.minimum(tl.minimum(i, j), k), tl.maximum(tl.maximum(i, j), k)
    return i, j, k, (lowest >= 0) & (highest < vertices)


@kernel
def load_vertex(screen, image, index, vertices, is_wanted):
    """(column, row, depth) of a vertex in double precision; noughts where it is not wanted."""
    place = screen + (image * vertices + index) * 3
    x = tl.load(place, mask=is_wanted, other=0.0).to(tl.float64)
    y = tl.load(place + 1, mask=is_wanted, other=0.0).to(tl.float64)
    z = tl.load(place + 2, mask=is_wanted, other=0.0).to(tl.float64)
    return x, y, z


@kernel
def load_corners(screen, faces, image, face, face_stride, vertices, is_wanted):
    """Whether a face is one, and (column, row, depth) of its three corners in double precision."""
    i, j, k, is_real = load_indices(faces, image, face, face_stride, vertices, is_wanted)
    x0, y0, z0 = load_vertex(screen, image, i, vertices, is_real)
    x1, y1, z1 = load_vertex(screen, image, j, vertices, is_real)
    x2, y2, z2 = load_vertex(screen, image, k, vertices, is_real)
    return is_real, x0, y0, z0, x1, y1, z1, x2, y2, z2


@kernel
def turn_of(x0, y0, x1, y1, x2, y2):
    """Twice the signed area of a face; negative if it runs counter-clockwise to the eye, for rows run downwards."""
    return (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)


@kernel
def is_drawn(is_real, z0, z1, z2, turn, near, CULL: tl.constexpr):
    """Whether a face is drawn at all: with an area, finite, not nearer than `near`, and seen from before if asked."""
    # Written so that a NaN fails.
    in_front = (z0 >= near) & (z1 >= near) & (z2 >= near)
    finite = (z0 < float("inf")) & (z1 < float("inf")) & (z2 < float("inf")) & (tl.abs(turn) < float("inf"))
    drawn = is_real & in_front & finite & (tl.abs(turn) > 0.0)
    if CULL:
        drawn = drawn & (turn < 0.0)
    return drawn


@kernel
def clamp(value, lowest, highest):
    """The value within [lowest, highest]; a NaN becomes one of them."""
    return tl.minimum(tl.maximum(value, lowest), highest)


@kernel
def box_of(drawn, x0, y0, x1, y1, x2, y2, height, width, margin):
    """Pixels [top, bottom) x [left, right) whose centres lie in the box of a face grown by `margin` pixels; int32,
    empty if it is not drawn."""
    # Clamped while they are floating: an integer cannot hold what a wild vertex may say.
    left = tl.ceil(clamp(tl.minimum(tl.minimum(x0, x1), x2) - margin - 0.5, 0.0, width)).to(tl.int32)
    right = tl.floor(clamp(tl.maximum(tl.maximum(x0, x1), x2) + margin + 0.5, 0.0, width)).to(tl.int32)
    top = tl.ceil(clamp(tl.minimum(tl.minimum(y0, y1), y2) - margin - 0.5, 0.0, height)).to(tl.int32)
    bottom = tl.floor(clamp(tl.maximum(tl.maximum(y0, y1), y2) + margin + 0.5, 0.0, height)).to(tl.int32)
    is_seen = drawn & (left < right) & (top < bottom)
    return (
        tl.where(is_seen, top, 0),
        tl.where(is_seen, bottom, 0),
        tl.where(is_seen, left, 0),
        tl.where(is_seen, right, 0),
    )


@kernel
def areas_of(x0, y0, x1, y1, x2, y2):
    """Twice the signed area opposite to each corner of a face whose corners are given as seen from a point."""
    return x1 * y2 - y1 * x2, x2 * y0 - y2 * x0, x0 * y1 - y0 * x1
