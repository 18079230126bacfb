# SPDX-License-Identifier: Apache-2.0
"""CPU kernel of how texture coordinates change from pixel to pixel."""

import numba
import torch
from torch import Tensor

from unrender.networks.numba_functions import compiled, use_threads
from unrender.renderers.differentiable.rasterizer.fragments import Fragments


def footprint_of(
    uv: Tensor, uv_faces: Tensor, screen: Tensor, faces: Tensor, fragments: Fragments, perspective: bool
) -> Tensor:
    """`uv_footprint`; faces [1 or B, F, 3], all tensors contiguous."""
    use_threads(torch.get_num_threads())
    result = screen.new_empty(len(screen), 4, *fragments.size)
    weights, depth = (tensor.detach().contiguous() for tensor in (fragments.barycentrics, fragments.depth))
    _footprints(
        uv.numpy(),
        uv_faces.numpy(),
        screen.numpy(),
        faces.numpy(),
        fragments.face.contiguous().numpy(),
        weights.numpy(),
        depth.numpy(),
        perspective,
        result.numpy(),
    )
    return result


@compiled(parallel=True, fastmath={"contract", "reassoc", "nsz", "arcp"}, cache=True)
def _footprints(uv, uv_faces, screen, faces, seen, weights, depth, perspective, result):  # type: ignore[no-untyped-def]
    batch, rows, columns = seen.shape
    for item in numba.prange(batch * rows):
        number = screen.dtype.type
        b, row = item // rows, item % rows
        corners = screen[b]
        triangles = faces[b if faces.shape[0] > 1 else 0]
        at, at_faces = uv[b if uv.shape[0] > 1 else 0], uv_faces[b if uv_faces.shape[0] > 1 else 0]
        for column in range(columns):
            face = seen[b, row, column]
            u_column = v_column = u_row = v_row = number(0.0)
            if face >= 0:
                i, j, k = triangles[face, 0], triangles[face, 1], triangles[face, 2]
                p, q, r = at_faces[face, 0], at_faces[face, 1], at_faces[face, 2]
                x0, x1, x2 = corners[i, 0], corners[j, 0], corners[k, 0]
                y0, y1, y2 = corners[i, 1], corners[j, 1], corners[k, 1]
                area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
                # How fast the weight of each corner grows: by column and by row, linear on the screen.
                a0, a1, a2 = (y1 - y2) / area, (y2 - y0) / area, (y0 - y1) / area
                b0, b1, b2 = (x2 - x1) / area, (x0 - x2) / area, (x1 - x0) / area
                if perspective:
                    near = depth[b, 0, row, column]
                    n0, n1, n2 = near / corners[i, 2], near / corners[j, 2], near / corners[k, 2]
                    a0, a1, a2, b0, b1, b2 = a0 * n0, a1 * n1, a2 * n2, b0 * n0, b1 * n1, b2 * n2
                    w0, w1, w2 = weights[b, 0, row, column], weights[b, 1, row, column], weights[b, 2, row, column]
                    a, b_ = a0 + a1 + a2, b0 + b1 + b2
                    a0, a1, a2, b0, b1, b2 = (
                        a0 - w0 * a,
                        a1 - w1 * a,
                        a2 - w2 * a,
                        b0 - w0 * b_,
                        b1 - w1 * b_,
                        b2 - w2 * b_,
                    )
                u_column = a0 * at[p, 0] + a1 * at[q, 0] + a2 * at[r, 0]
                v_column = a0 * at[p, 1] + a1 * at[q, 1] + a2 * at[r, 1]
                u_row = b0 * at[p, 0] + b1 * at[q, 0] + b2 * at[r, 0]
                v_row = b0 * at[p, 1] + b1 * at[q, 1] + b2 * at[r, 1]
            result[b, 0, row, column] = u_column
            result[b, 1, row, column] = v_column
            result[b, 2, row, column] = u_row
            result[b, 3, row, column] = v_row
