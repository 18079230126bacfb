# SPDX-License-Identifier: Apache-2.0
"""CUDA kernels of `edge_gradients.edge_gradients`. Each pair of pixels says what its border is worth to the fragments
of both pixels; each pixel gathers from its four pairs, and the pixels of a face are summed, always in the same order.

What is known of pairs lies in tensors [B, 2, ...]: pairs in a row, then pairs in a column, at their first pixel.
"""

import triton.language as tl
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.contours import PARALLEL
from unrender.renderers.differentiable.rasterizer.cuda.contours import contour_between, line_of, pair_of
from unrender.renderers.differentiable.rasterizer.cuda.corners import load_corners
from unrender.renderers.differentiable.rasterizer.cuda.device import BLOCK, blocks, kernel, launch
from unrender.renderers.differentiable.rasterizer.cuda.scatter import scatter_corners

# mypy: disable-error-code="no-untyped-def"


def edge_gradients_backward(
    image: Tensor,
    screen: Tensor,
    faces: Tensor,
    ring: Tensor,
    face: Tensor,
    barycentrics: Tensor,
    depth: Tensor,
    gradient: Tensor,
    perspective: bool,
) -> Tensor:
    """Gradient of screen [B, N, 3], given that of image [B, C, H, W]; faces and ring are [1 or B, F, 3]."""
    batch, channels, height, width = image.shape
    stride = faces.shape[1] if len(faces) > 1 else 0
    # To the (column, row, depth) of the first pixel's fragment, and of the second's.
    worth = screen.new_empty(batch, 2, 6, height, width)
    launch(
        _weigh,
        (blocks(face.numel()), 2),
        *(worth, image.detach(), gradient, screen.detach(), faces, ring, face, depth),
        *(face.numel(), channels, height, width, screen.shape[1], stride, PARALLEL),
        PERSPECTIVE=perspective,
        BLOCK=BLOCK,
    )
    values = screen.new_empty(batch, height, width, 3, 3)
    launch(
        _to_corners,
        (blocks(face.numel()),),
        *(values, worth, screen.detach(), faces, face, barycentrics, depth),
        *(face.numel(), height, width, screen.shape[1], stride),
        PERSPECTIVE=perspective,
        BLOCK=BLOCK,
    )
    return scatter_corners(values, face, faces, screen.shape[1])


@kernel
def _slopes(screen, faces, image, face, stride, vertices, depth, is_wanted, PERSPECTIVE: tl.constexpr):
    """Depth per pixel along the columns and along the rows, where the face is so deep."""
    is_real, x, y, z, bx, by, bz, cx, cy, cz = load_corners(screen, faces, image, face, stride, vertices, is_wanted)
    bx, by, cx, cy = bx - x, by - y, cx - x, cy - y
    turn = bx * cy - by * cx
    scale = 1.0 / tl.where(is_real & (turn != 0.0), turn, 1.0)
    if PERSPECTIVE:
        # What is linear on the screen is the inverse.
        z, bz = 1.0 / tl.where(is_real, z, 1.0), 1.0 / tl.where(is_real, bz, 1.0)
        cz = 1.0 / tl.where(is_real, cz, 1.0)
        scale = -scale * depth * depth
    return ((bz - z) * cy - (cz - z) * by) * scale, ((cz - z) * bx - (bz - z) * cx) * scale


@kernel
def _weigh(
    worth, colours, gradient, screen, faces, ring, seen, depth, total, channels, height, width, vertices, stride,
    parallel, PERSPECTIVE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    axis = tl.program_id(1)
    image, row, column, following, is_pair = pair_of(item, total, axis, height, width)
    line, origin = line_of(row, column, axis)
    p = tl.load(seen + item, mask=is_pair, other=-1)
    q = tl.load(seen + following, mask=is_pair, other=-1)
    both = is_pair & (p >= 0) & (q >= 0)
    _, owner = contour_between(
        screen, faces, ring, seen, depth, image * stride, image * vertices, item, following, axis, line, origin, both
    )
    alone = is_pair & (p != q) & (both == 0)
    owner = tl.where(alone, tl.where(q < 0, 1, 2), owner)

    # What it is worth that the border moves by a pixel along the axis.
    slope = tl.zeros([BLOCK], tl.float64)
    counts = owner > 0
    planes = image * (channels - 1) * height * width
    for channel in range(channels):
        plane = planes + channel * height * width
        step = tl.load(colours + plane + item, mask=counts, other=0.0).to(tl.float64)
        step -= tl.load(colours + plane + following, mask=counts, other=0.0).to(tl.float64)
        given = tl.load(gradient + plane + item, mask=counts, other=0.0).to(tl.float64)
        given += tl.load(gradient + plane + following, mask=counts, other=0.0).to(tl.float64)
        slope += 0.5 * step * given

    crosses = owner == 3
    first_depth = tl.load(depth + item, mask=crosses, other=1.0).to(tl.float64)
    second_depth = tl.load(depth + following, mask=crosses, other=1.0).to(tl.float64)
    x, y = _slopes(screen, faces, image, p, stride, vertices, first_depth, crosses, PERSPECTIVE)
    x_2, y_2 = _slopes(screen, faces, image, q, stride, vertices, second_depth, crosses, PERSPECTIVE)
    dx, dy = x - x_2, y - y_2
    squared = dx * dx + dy * dy
    along = tl.where(axis == 0, dx, dy)
    size = tl.sqrt(x * x + y * y) + tl.sqrt(x_2 * x_2 + y_2 * y_2)
    crosses = crosses & (along > 0.0) & (tl.sqrt(squared) > parallel * size)
    # What it is worth that the first surface comes nearer.
    nearer = tl.where(crosses, slope * along / tl.where(crosses, squared, 1.0), 0.0)

    first, second = tl.where(owner == 1, slope, 0.0), tl.where(owner == 2, slope, 0.0)
    first_x, first_y = tl.where(axis == 0, first, 0.0), tl.where(axis == 0, 0.0, first)
    second_x, second_y = tl.where(axis == 0, second, 0.0), tl.where(axis == 0, 0.0, second)
    first_x, first_y = tl.where(crosses, nearer * x, first_x), tl.where(crosses, nearer * y, first_y)
    second_x, second_y = tl.where(crosses, -nearer * x_2, second_x), tl.where(crosses, -nearer * y_2, second_y)
    area = height * width
    place = worth + item + (image * 11 + axis * 6) * area  # twelve planes for each image
    dtype = worth.dtype.element_ty
    tl.store(place, first_x.to(dtype), mask=item < total)
    tl.store(place + area, first_y.to(dtype), mask=item < total)
    tl.store(place + 2 * area, (-nearer).to(dtype), mask=item < total)
    tl.store(place + 3 * area, second_x.to(dtype), mask=item < total)
    tl.store(place + 4 * area, second_y.to(dtype), mask=item < total)
    tl.store(place + 5 * area, nearer.to(dtype), mask=item < total)


@kernel
def _gather(worth, item, image, row, column, height, width, k, is_seen):
    """What the pairs above, left, right and below say about a fragment's column, row or depth (k = 0, 1, 2)."""
    area = height * width
    as_first = worth + item + (image * 11 + k) * area
    as_second = as_first + 3 * area
    total = tl.load(as_second + 6 * area - width, mask=is_seen & (row > 0), other=0.0)
    total += tl.load(as_second - 1, mask=is_seen & (column > 0), other=0.0)
    total += tl.load(as_first, mask=is_seen, other=0.0)
    return total + tl.load(as_first + 6 * area, mask=is_seen, other=0.0)


@kernel
def _to_corners(
    values, worth, screen, faces, seen, barycentrics, depth, total, height, width, vertices, stride,
    PERSPECTIVE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """What each pixel says about (column, row, depth) of the corners of its face: [B H W, corner, 3]."""
    item = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    face = tl.load(seen + item, mask=item < total, other=-1)
    is_seen = face >= 0
    image, row, column = item // (height * width), item // width % height, item % width
    to_x = _gather(worth, item, image, row, column, height, width, 0, is_seen)
    to_y = _gather(worth, item, image, row, column, height, width, 1, is_seen)
    to_z = _gather(worth, item, image, row, column, height, width, 2, is_seen)
    _, _, _, z0, _, _, z1, _, _, z2 = load_corners(screen, faces, image, face, stride, vertices, is_seen)
    dtype = values.dtype.element_ty
    z0, z1, z2 = z0.to(dtype), z1.to(dtype), z2.to(dtype)
    far = tl.load(depth + item, mask=is_seen, other=1.0)
    weights = barycentrics + item + image * 2 * height * width
    for k in tl.static_range(3):
        on_screen = tl.load(weights + k * height * width, mask=is_seen, other=0.0)
        on_depth = on_screen
        if PERSPECTIVE:
            ratio = tl.where(is_seen, tl.where(k == 0, z0, tl.where(k == 1, z1, z2)) / far, 1.0)
            on_screen = on_screen * ratio
            on_depth = on_depth / ratio
        place = values + item * 9 + k * 3
        tl.store(place, on_screen * to_x, mask=item < total)
        tl.store(place + 1, on_screen * to_y, mask=item < total)
        tl.store(place + 2, on_depth * to_z, mask=item < total)
