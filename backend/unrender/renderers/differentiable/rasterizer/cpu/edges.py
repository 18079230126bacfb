# SPDX-License-Identifier: Apache-2.0
"""CPU kernel of `edges.edge_ring`: half-edges are dropped into one bucket per vertex and linked within it."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from unrender.networks.numba_functions import compiled, use_threads

_FEW = 32  # buckets up to this size are searched; larger ones are sorted first


def link_edges(faces: NDArray[Any], vertices: int, threads: int) -> NDArray[np.int32]:
    """The ring [meshes, F, 3] of faces [meshes, F, 3]."""
    use_threads(threads)
    ring = np.empty(faces.shape, np.int32)
    for mesh in range(len(faces)):
        _link(faces[mesh], vertices, ring[mesh].reshape(-1))
    return ring


@compiled(cache=True)
def _is_real(a, b, c):  # type: ignore[no-untyped-def]
    return a >= 0 and b >= 0 and c >= 0 and a != b and b != c and c != a


# fmt: off
@compiled(parallel=True, cache=True)
def _link(faces, vertices, ring):  # type: ignore[no-untyped-def]
    count = faces.shape[0]
    degree = np.zeros(vertices, np.int32)
    for f in range(count):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if _is_real(a, b, c):
            degree[a] += 1
            degree[b] += 1
            degree[c] += 1
    # An edge goes into the bucket of that end which fewer faces meet at: the hub of a fan gets none of its spokes.
    starts = np.zeros(vertices + 1, np.int32)
    for f in range(count):
        if _is_real(faces[f, 0], faces[f, 1], faces[f, 2]):
            for k in range(3):
                a, b = min(faces[f, k], faces[f, (k + 1) % 3]), max(faces[f, k], faces[f, (k + 1) % 3])
                starts[(a if degree[a] <= degree[b] else b) + 1] += 1
    for v in range(vertices):
        starts[v + 1] += starts[v]
    filled = starts[:-1].copy()
    members = np.empty(starts[vertices], np.int32)
    others = np.empty(starts[vertices], np.int32)  # the far end of each member's edge
    for f in range(count):
        if _is_real(faces[f, 0], faces[f, 1], faces[f, 2]):
            for k in range(3):
                a, b = min(faces[f, k], faces[f, (k + 1) % 3]), max(faces[f, k], faces[f, (k + 1) % 3])
                home, far = (a, b) if degree[a] <= degree[b] else (b, a)
                members[filled[home]] = 3 * f + k
                others[filled[home]] = far
                filled[home] += 1
        else:
            for k in range(3):
                ring[3 * f + k] = 3 * f + k
    for v in numba.prange(vertices):
        low, high = starts[v], starts[v + 1]
        if high - low > _FEW:
            order = np.argsort(others[low:high], kind="mergesort")
            members[low:high] = members[low:high][order]
            others[low:high] = others[low:high][order]
            first = low
            for i in range(low, high):
                if i + 1 < high and others[i + 1] == others[i]:
                    ring[members[i]] = members[i + 1]
                else:
                    ring[members[i]] = members[first]
                    first = i + 1
        else:
            for i in range(low, high):
                # The next one with the same far end, or else the first.
                following = -1
                for j in range(i + 1, high):
                    if others[j] == others[i]:
                        following = j
                        break
                if following < 0:
                    following = low
                    while others[following] != others[i]:
                        following += 1
                ring[members[i]] = members[following]
# fmt: on
