# SPDX-License-Identifier: Apache-2.0
"""Device functions of what `contours` defines: all pairs of pixels of a block take their steps over the mesh together.

Names of unused results differ by what they hold: what is assigned in a loop keeps its type there.

Everything is in double precision, as in the other two implementations. `mesh` is the row of an image's first face,
`points` the row of its first vertex; both are int64 blocks.
"""

import triton.language as tl

from unrender.renderers.differentiable.rasterizer import contours as codes
from unrender.renderers.differentiable.rasterizer.cuda.device import kernel

# mypy: disable-error-code="no-untyped-def"

_CONNECTED = tl.constexpr(codes.CONNECTED)
_PASSED = tl.constexpr(codes.PASSED)
_TOUCHED = tl.constexpr(codes.TOUCHED)
_LOST = tl.constexpr(codes.LOST)
_MOST_STEPS = tl.constexpr(codes.MOST_STEPS)
_THIN = tl.constexpr(codes.THIN)
_REACH = tl.constexpr(codes.REACH)


@kernel
def corner_of(faces, mesh, face, corner, is_wanted):
    """The vertex (int64) at a corner of a face."""
    return tl.load(faces + (mesh + face) * 3 + corner, mask=is_wanted, other=0).to(tl.int64)


@kernel
def coordinate(screen, points, vertex, axis, is_wanted):
    """Column, row or depth of a vertex."""
    return tl.load(screen + (points + vertex) * 3 + axis, mask=is_wanted, other=0.0).to(tl.float64)


@kernel
def pair_of(item, total, axis, height, width):
    """Image, row and column of a pixel, the next one's number along the axis, and whether there is one."""
    image = item // (height * width)
    row, column = item // width % height, item % width
    return (
        image,
        row,
        column,
        item + axis * width + 1 - axis,
        (item < total) & (row + axis < height) & (column + 1 - axis < width),
    )


@kernel
def line_of(row, column, axis):
    """What both centres of a pair share, and the first one's place along the axis."""
    return tl.where(axis == 0, row, column).to(tl.float64) + 0.5, tl.where(axis == 0, column, row).to(tl.float64) + 0.5


@kernel
def edge_crossing(screen, points, a, b, axis, line, origin, is_wanted):
    """How far from `origin`, along `axis`, an edge crosses the line; how far along the edge that is, and how much the
    edge goes along the axis per pixel across it. Both for the edge from its lower vertex to its higher one."""
    first, second = tl.minimum(a, b), tl.maximum(a, b)
    x, y = coordinate(screen, points, first, axis, is_wanted), coordinate(screen, points, first, 1 - axis, is_wanted)
    across = coordinate(screen, points, second, 1 - axis, is_wanted) - y
    across = tl.where(across == 0.0, 1.0, across)
    share = (line - y) / across
    along = coordinate(screen, points, second, axis, is_wanted) - x
    return (x - origin) + share * along, share, along / across


@kernel
def _turn(screen, points, a, b, c, is_wanted):
    """Twice the signed area of a face on the screen, whether it is thin, and whether it is finite and in front."""
    x, y = coordinate(screen, points, a, 0, is_wanted), coordinate(screen, points, a, 1, is_wanted)
    bx = coordinate(screen, points, b, 0, is_wanted) - x
    by = coordinate(screen, points, b, 1, is_wanted) - y
    cx = coordinate(screen, points, c, 0, is_wanted) - x
    cy = coordinate(screen, points, c, 1, is_wanted) - y
    longest = tl.maximum(tl.maximum(tl.abs(bx), tl.abs(by)), tl.maximum(tl.abs(cx), tl.abs(cy)))
    longest = tl.maximum(longest, tl.maximum(tl.abs(bx - cx), tl.abs(by - cy)))
    area = bx * cy - by * cx
    z0, z1 = coordinate(screen, points, a, 2, is_wanted), coordinate(screen, points, b, 2, is_wanted)
    z2 = coordinate(screen, points, c, 2, is_wanted)
    # Written so that a NaN fails. Corners in front are drawn only if all their coordinates are finite.
    is_drawn = (z0 > 0.0) & (z1 > 0.0) & (z2 > 0.0) & (tl.abs(x) + tl.abs(y) + longest < float("inf"))
    is_drawn = is_drawn & (z0 < float("inf")) & (z1 < float("inf")) & (z2 < float("inf"))
    return area, tl.abs(area) <= longest * _THIN, is_drawn


@kernel
def _first_edge(screen, faces, mesh, points, face, axis, line, origin, step, is_wanted):
    """The edge of a face by which the way leaves it (-1 for none), and how far along the way that is."""
    corner = tl.zeros_like(face) - 1
    furthest = tl.zeros_like(line)
    for k in tl.static_range(3):
        a = corner_of(faces, mesh, face, k, is_wanted)
        b = corner_of(faces, mesh, face, (k + 1) % 3, is_wanted)
        above = coordinate(screen, points, a, 1 - axis, is_wanted) > line
        crosses = is_wanted & (above != (coordinate(screen, points, b, 1 - axis, is_wanted) > line))
        position, _share, _slant = edge_crossing(screen, points, a, b, axis, line, origin, is_wanted)
        is_further = crosses & ((corner < 0) | (step * position > furthest))
        corner = tl.where(is_further, k, corner)
        furthest = tl.where(is_further, step * position, furthest)
    return corner, furthest


@kernel
def _touches(faces, mesh, face, target, is_wanted):
    """Whether two faces have a vertex in common."""
    common = is_wanted & (target < 0) & (target >= 0)
    for i in tl.static_range(3):
        own = corner_of(faces, mesh, face, i, is_wanted)
        for j in tl.static_range(3):
            common = common | (is_wanted & (target >= 0) & (corner_of(faces, mesh, target, j, is_wanted) == own))
    return common


@kernel
def _onward(screen, faces, ring, mesh, points, half, target, orientation, facing, is_wanted):
    """Over a half-edge: the half-edge by which the surface goes on (-1 for none), that face's orientation with respect
    to the first, whether it is thin, and whether the edge borders on `target`."""
    onward = tl.zeros_like(half) - 1
    lowest = tl.zeros_like(mesh)
    turned_onward = orientation
    is_thin_onward = half < 0
    is_reached = half < 0
    start = corner_of(faces, mesh, half // 3, half % 3, is_wanted)
    other = tl.load(ring + mesh * 3 + half, mask=is_wanted, other=0)
    walking = is_wanted & (other != half)
    while tl.max(walking.to(tl.int32), 0) > 0:
        g, k = other // 3, other % 3
        a = corner_of(faces, mesh, g, k, walking)
        b, c = corner_of(faces, mesh, g, (k + 1) % 3, walking), corner_of(faces, mesh, g, (k + 2) % 3, walking)
        area, is_thin, is_drawn = _turn(screen, points, a, b, c, walking)
        turned = tl.where(a == start, -orientation, orientation)
        goes_on = walking & is_drawn & (is_thin | (area * turned.to(tl.float64) * facing > 0.0))
        goes_on = goes_on & ((onward < 0) | (c < lowest))
        onward, lowest = tl.where(goes_on, other, onward), tl.where(goes_on, c, lowest)
        turned_onward = tl.where(goes_on, turned, turned_onward)
        is_thin_onward = (goes_on & is_thin) | (is_thin_onward & (goes_on == 0))
        is_reached = is_reached | (walking & (g == target))
        other = tl.load(ring + mesh * 3 + other, mask=walking, other=0)
        walking = walking & (other != half) & (is_reached == 0)
    return onward, turned_onward, is_thin_onward, is_reached


@kernel
def surface_end(screen, faces, ring, mesh, points, start, target, axis, line, origin, step, is_wanted):
    """The half-edge where the surface of face `start` ends on the way from one pixel centre to the next, or one of the
    codes of `contours`. step is 1 or -1 along the axis."""
    corner, furthest = _first_edge(screen, faces, mesh, points, start, axis, line, origin, step, is_wanted)
    walking = is_wanted & (corner >= 0)
    face, edge = start, 3 * start + corner
    a, b = corner_of(faces, mesh, start, 0, walking), corner_of(faces, mesh, start, 1, walking)
    facing, _is_thin, _is_drawn = _turn(screen, points, a, b, corner_of(faces, mesh, start, 2, walking), walking)
    orientation = tl.zeros_like(start) + 1
    result = tl.zeros_like(start) + _LOST
    steps = 0
    while (tl.max(walking.to(tl.int32), 0) > 0) & (steps < _MOST_STEPS):
        has_passed = walking & (furthest > 1.0 + _REACH)
        has_touched = _touches(faces, mesh, face, target, has_passed)
        result = tl.where(has_passed, tl.where(has_touched, _TOUCHED, _PASSED), result)
        walking = walking & (has_passed == 0)
        onward, turned, is_thin, is_reached = _onward(
            screen, faces, ring, mesh, points, 3 * face + corner, target, orientation, facing, walking
        )
        result = tl.where(walking, tl.where(is_reached, _CONNECTED, tl.where(onward < 0, edge, result)), result)
        walking = walking & (is_reached == 0) & (onward >= 0)
        # On to that face, and to its other edge across the line.
        face, orientation = tl.where(walking, onward // 3, face), tl.where(walking, turned, orientation)
        k = onward % 3
        a, c = corner_of(faces, mesh, face, k, walking), corner_of(faces, mesh, face, (k + 2) % 3, walking)
        above = coordinate(screen, points, a, 1 - axis, walking) > line
        crosses = above != (coordinate(screen, points, c, 1 - axis, walking) > line)
        corner = tl.where(walking, tl.where(crosses, (k + 2) % 3, (k + 1) % 3), corner)
        a, b = corner_of(faces, mesh, face, corner, walking), corner_of(faces, mesh, face, (corner + 1) % 3, walking)
        position, _share, _slant = edge_crossing(screen, points, a, b, axis, line, origin, walking)
        furthest = tl.where(walking, step * position, furthest)
        edge = tl.where(walking & (is_thin == 0), 3 * face + corner, edge)
        steps += 1
    return result


@kernel
def contour_between(screen, faces, ring, seen, depth, mesh, points, item, following, axis, line, origin, is_wanted):
    """Half-edge (int32) of the contour between pixels `item` and `following`, -1 for none, and whose it is: 0 nobody's,
    1 the first pixel's, 2 the second's, 3 their surfaces run through each other."""
    p = tl.load(seen + item, mask=is_wanted, other=-1)
    q = tl.load(seen + following, mask=is_wanted, other=-1)
    p_depth, q_depth = (
        tl.load(depth + item, mask=is_wanted, other=0.0),
        tl.load(depth + following, mask=is_wanted, other=0.0),
    )
    is_first_nearer = (q < 0) | ((p >= 0) & (p_depth <= q_depth))
    asked = is_wanted & (p != q)
    edge, owner = tl.zeros_like(p) - 1, tl.zeros_like(p)
    touched = p < -1
    from_first = is_first_nearer
    for _ in range(2):
        start, target = tl.where(from_first, p, q), tl.where(from_first, q, p)
        asked = asked & (start >= 0)
        step = tl.where(from_first, 1.0, -1.0).to(tl.float64)
        here = origin + tl.where(from_first, 0.0, 1.0).to(tl.float64)
        end = surface_end(screen, faces, ring, mesh, points, start, target, axis, line, here, step, asked)
        is_found = asked & (end >= 0)
        edge = tl.where(is_found, end, edge)
        owner = tl.where(is_found, tl.where(from_first, 1, 2), owner)
        touched = touched | (asked & (end == _TOUCHED))
        asked = asked & ((end == _PASSED) | (end == _TOUCHED))
        from_first = from_first == 0
    # Both surfaces were walked, and both go on behind each other.
    return edge, tl.where(asked & (touched == 0), 3, owner)
