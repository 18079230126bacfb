# SPDX-License-Identifier: Apache-2.0
"""Compiled functions, for the CPU kernels, of what `contours` defines."""

import math

from unrender.networks.numba_functions import compiled
from unrender.renderers.differentiable.rasterizer.contours import (
    CONNECTED,
    LOST,
    MOST_STEPS,
    PASSED,
    REACH,
    THIN,
    TOUCHED,
)

# fmt: off


@compiled(cache=True)
def turn(points, a, b, c):  # type: ignore[no-untyped-def]
    """Twice the signed area of a triangle on the screen, and its longest side along a row or a column."""
    x, y = float(points[a, 0]), float(points[a, 1])
    bx, by, cx, cy = points[b, 0] - x, points[b, 1] - y, points[c, 0] - x, points[c, 1] - y
    longest = max(max(abs(bx), abs(by)), max(max(abs(cx), abs(cy)), max(abs(bx - cx), abs(by - cy))))
    return bx * cy - by * cx, longest


@compiled(cache=True)
def reach(points, a, b, axis, line, origin):  # type: ignore[no-untyped-def]
    """How far from `origin`, along `axis`, an edge crosses the line through the pixel centres."""
    first, second = min(a, b), max(a, b)  # one order, so that both faces of an edge compute the same number
    x, y = float(points[first, axis]), float(points[first, 1 - axis])
    return (x - origin) + (line - y) / (points[second, 1 - axis] - y) * (points[second, axis] - x)


@compiled(cache=True)
def _is_drawn(points, a, b, c):  # type: ignore[no-untyped-def]
    for v in (a, b, c):
        if not (math.isfinite(points[v, 0]) and math.isfinite(points[v, 1]) and math.isfinite(points[v, 2])):
            return False
        if points[v, 2] <= 0.0:
            return False
    return True


@compiled(cache=True)
def surface_end(points, faces, ring, start, target, axis, line, origin, step):  # type: ignore[no-untyped-def]
    """The half-edge where the surface of face `start` ends on the way from one pixel centre to the next, or one of the
    codes of `contours`. points [N, 3], faces and ring [F, 3]; step is 1 or -1 along the axis."""
    corner, furthest = -1, 0.0
    for k in range(3):
        a, b = faces[start, k], faces[start, (k + 1) % 3]
        if (points[a, 1 - axis] > line) != (points[b, 1 - axis] > line):
            here = step * reach(points, a, b, axis, line, origin)
            if corner < 0 or here > furthest:
                corner, furthest = k, here
    if corner < 0:
        return LOST
    face, edge, orientation, facing = start, 3 * start + corner, 1.0, 0.0
    for _step in range(MOST_STEPS):
        if furthest > 1.0 + REACH:
            for i in range(3):
                for j in range(3):
                    if target >= 0 and faces[face, i] == faces[target, j]:
                        return TOUCHED
            return PASSED
        half = 3 * face + corner
        onward, lowest, is_onward_thin, onward_orientation = -1, 0, False, orientation
        other = ring[face, corner]
        while other != half:
            g, k = other // 3, other % 3
            if g == target:
                return CONNECTED
            a, b, c = faces[g, k], faces[g, (k + 1) % 3], faces[g, (k + 2) % 3]
            if _is_drawn(points, a, b, c):
                if facing == 0.0:  # not asked for before: most walks end on the first face's neighbour
                    facing, _ = turn(points, faces[start, 0], faces[start, 1], faces[start, 2])
                area, longest = turn(points, a, b, c)
                is_thin = abs(area) <= THIN * longest
                turned = -orientation if a == faces[face, corner] else orientation
                if (is_thin or area * turned * facing > 0.0) and (onward < 0 or c < lowest):
                    onward, lowest, is_onward_thin, onward_orientation = other, c, is_thin, turned
            other = ring[g, k]
        if onward < 0:
            return edge
        face, k, orientation = onward // 3, onward % 3, onward_orientation
        a, c = faces[face, k], faces[face, (k + 2) % 3]
        corner = (k + 1) % 3
        if (points[a, 1 - axis] > line) != (points[c, 1 - axis] > line):
            corner = (k + 2) % 3
        furthest = step * reach(points, faces[face, corner], faces[face, (corner + 1) % 3], axis, line, origin)
        if not is_onward_thin:
            edge = 3 * face + corner
    return LOST


@compiled(cache=True)
def contour_between(points, faces, ring, face, depth, axis, row, column):  # type: ignore[no-untyped-def]
    """Half-edge between pixel (row, column) and the next one along the axis, which sees another face (-1 for none), and
    whose it is: 0 nobody's, 1 the first pixel's, 2 the second's, 3 their surfaces cross. face and depth [H, W]."""
    p, q = face[row, column], face[row + axis, column + 1 - axis]
    line, origin = (row + 0.5, column + 0.5) if axis == 0 else (column + 0.5, row + 0.5)
    is_first_nearer = q < 0 or (p >= 0 and depth[row, column] <= depth[row + axis, column + 1 - axis])
    touched = False
    for attempt in range(2):
        if (attempt == 0) == is_first_nearer:
            if p < 0:
                return -1, 0
            end = surface_end(points, faces, ring, p, q, axis, line, origin, 1.0)
            owner = 1
        else:
            if q < 0:
                return -1, 0
            end = surface_end(points, faces, ring, q, p, axis, line, origin + 1.0, -1.0)
            owner = 2
        if end >= 0:
            return end, owner
        if end in (CONNECTED, LOST):
            return -1, 0
        touched = touched or end == TOUCHED
    return -1, 0 if touched else 3
# fmt: on
