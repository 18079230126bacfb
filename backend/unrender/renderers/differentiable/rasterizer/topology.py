# SPDX-License-Identifier: Apache-2.0
"""Tables of how the faces of a mesh hang together; they depend on the faces only and can be kept."""

import torch
from jaxtyping import Int, Int32
from torch import Tensor


def vertex_corners(
    faces: Int[Tensor, "batch F 3"], vertices: int
) -> tuple[Int32[Tensor, "offsets"], Int32[Tensor, "corners"]]:
    """Which face corners meet at each vertex, as one table for the batch.

    Corner k of face f of mesh b has the number `3 (b F + f) + k`. Those of vertex v of mesh b are
    `corners[offsets[i] : offsets[i + 1]]` with `i = b vertices + v`, in rising order. Rows with a -1 are padding and
    appear nowhere.
    """
    batch = faces.shape[0]
    is_real = (faces >= 0).all(dim=-1, keepdim=True).expand_as(faces).flatten()
    first = (torch.arange(batch, device=faces.device) * vertices).view(-1, 1, 1)
    rows = (faces.long() + first).flatten()[is_real]
    order = torch.argsort(rows, stable=True)
    offsets = torch.zeros(batch * vertices + 1, dtype=torch.int32, device=faces.device)
    offsets[1:] = torch.bincount(rows, minlength=batch * vertices).cumsum(0)
    return offsets, is_real.nonzero().squeeze(-1)[order].int()
