# SPDX-License-Identifier: Apache-2.0
"""Compiled functions, for the CPU kernels of the soft primitives, of what `reference.closest_points` defines."""

import numpy as np

from unrender.networks.numba_functions import compiled

# error_model: a division by nought gives infinity, as in the reference; a check of each would cost time.

# What is known of an edge before a pixel comes: where it starts and ends once it is walked downwards, its direction,
# one over its squared length, which side of it the face is on (1 or -1), and whether the face runs the other way (1).
START_X, START_Y, END_X, END_Y, ALONG_X, ALONG_Y, INVERSE, SIGN, FLIPPED = range(9)
EDGE_TERMS = 9


@compiled(cache=True, error_model="numpy")
def set_up_edges(points, triangle, edges):  # type: ignore[no-untyped-def]
    """Fill edges [3, EDGE_TERMS] for a face; returns twice its signed area (negative if it is seen from its front)."""
    for i in range(3):
        a, b = triangle[i], triangle[(i + 1) % 3]
        ax, ay, bx, by = (
            np.float64(points[a, 0]),
            np.float64(points[a, 1]),
            np.float64(points[b, 0]),
            np.float64(points[b, 1]),
        )
        is_upward = by < ay or (by == ay and bx < ax)
        if is_upward:
            ax, ay, bx, by = bx, by, ax, ay
        edge = edges[i]
        edge[START_X], edge[START_Y], edge[END_X], edge[END_Y] = ax, ay, bx, by
        edge[ALONG_X], edge[ALONG_Y] = bx - ax, by - ay
        edge[INVERSE] = 1.0 / (edge[ALONG_X] * edge[ALONG_X] + edge[ALONG_Y] * edge[ALONG_Y])
        edge[FLIPPED] = 1.0 if is_upward else 0.0
    a, b, c = triangle[0], triangle[1], triangle[2]
    x, y = np.float64(points[a, 0]), np.float64(points[a, 1])
    turn = (points[b, 0] - x) * (points[c, 1] - y) - (points[b, 1] - y) * (points[c, 0] - x)
    for i in range(3):
        edges[i, SIGN] = 1.0 if (edges[i, FLIPPED] > 0.0) != (turn > 0.0) else -1.0
    return turn


@compiled(cache=True, error_model="numpy")
def side_of(edges, i, x, y):  # type: ignore[no-untyped-def]
    """Twice the area between edge i and a point, positive on the face's side."""
    return edges[i, SIGN] * (edges[i, ALONG_X] * (y - edges[i, START_Y]) - edges[i, ALONG_Y] * (x - edges[i, START_X]))


@compiled(cache=True, error_model="numpy")
def nearest_on_edge(edges, i, x, y):  # type: ignore[no-untyped-def]
    """Nearest point of edge i: how far along the edge (0 to 1, downwards), and the vector from there to (x, y)."""
    ray_x, ray_y = x - edges[i, START_X], y - edges[i, START_Y]
    along = (ray_x * edges[i, ALONG_X] + ray_y * edges[i, ALONG_Y]) * edges[i, INVERSE]
    if along >= 1.0:
        return 1.0, x - edges[i, END_X], y - edges[i, END_Y]
    along = max(along, 0.0)
    return along, ray_x - along * edges[i, ALONG_X], ray_y - along * edges[i, ALONG_Y]


@compiled(cache=True, error_model="numpy")
def nearest_on_border(edges, x, y):  # type: ignore[no-untyped-def]
    """Nearest point of a face's border: squared distance, edge, the shares of the edge's own and of the next corner in
    the point, and the vector from there to (x, y)."""
    squared, edge, along, apart_x, apart_y = np.inf, 0, 0.0, 0.0, 0.0
    for i in range(3):
        here, to_x, to_y = nearest_on_edge(edges, i, x, y)
        found = to_x * to_x + to_y * to_y
        if found < squared:
            squared, edge, along, apart_x, apart_y = found, i, here, to_x, to_y
    if edges[edge, FLIPPED] > 0.0:
        return squared, edge, along, 1.0 - along, apart_x, apart_y
    return squared, edge, 1.0 - along, along, apart_x, apart_y
