# SPDX-License-Identifier: Apache-2.0
"""Which faces meet at each edge of a mesh.

Corner k of face f starts the half-edge `3 f + k`, which runs to corner (k + 1) % 3; the corner that is left, opposite
to it, is (k + 2) % 3.
"""

import torch
from jaxtyping import Int, Int32
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

# Face tensor -> (version of its contents, ring). A mesh's faces seldom change, its vertices in every step of a
# training.
_rings: WeakIdKeyDictionary = WeakIdKeyDictionary()


def edge_ring(faces: Int[Tensor, "*batch F 3"], vertices: int) -> Int32[Tensor, "meshes F 3"]:
    """For each half-edge the next one on the same two vertices, whichever way it runs; the last leads back to the
    first.

    An edge at the border of a surface leads to itself, the two half-edges of an ordinary edge to each other, and those
    of an edge with three or more faces around in a circle. Rows with a -1, and faces that name a vertex twice, have no
    neighbours and are nobody's neighbour. faces: [F, 3] or [B, F, 3], indices below `vertices`; meshes is 1 or B.

    The ring of a face tensor is kept as long as the tensor is alive and unchanged.
    """
    if faces.is_inference():  # such tensors do not tell whether they have changed
        return _linked(faces, vertices)
    known = _rings.get(faces)
    if known is None or known[0] != faces._version:
        known = faces._version, _linked(faces, vertices)
        _rings[faces] = known
    ring: Tensor = known[1]
    return ring


def _linked(faces: Tensor, vertices: int) -> Tensor:
    if 3 * faces.shape[-2] >= 2**31:
        raise ValueError(f"{faces.shape[-2]} faces came in one mesh; expected fewer than 2^31 / 3: split the mesh")
    faces = faces if faces.ndim == 3 else faces.unsqueeze(0)
    if faces.device.type == "cpu":
        from unrender.renderers.differentiable.rasterizer.cpu.edges import link_edges

        return torch.from_numpy(link_edges(faces.contiguous().numpy(), vertices, torch.get_num_threads()))
    return linked_by_sorting(faces, vertices)


def linked_by_sorting(faces: Int[Tensor, "meshes F 3"], vertices: int) -> Int32[Tensor, "meshes F 3"]:
    """`edge_ring` in plain PyTorch, on any device: half-edges on the same two vertices are neighbours once sorted."""
    meshes, count = faces.shape[:2]
    start, end = faces.long(), faces.long().roll(-1, dims=2)
    is_real = ((start >= 0) & (start != end)).all(dim=2, keepdim=True)
    own = torch.arange(3 * count, device=faces.device).view(1, count, 3)
    key = torch.where(is_real, torch.minimum(start, end) * vertices + torch.maximum(start, end), -1 - own)
    sorted_key, order = key.view(meshes, -1).sort(dim=1, stable=True)
    is_first = torch.ones_like(sorted_key, dtype=torch.bool)
    is_first[:, 1:] = sorted_key[:, 1:] != sorted_key[:, :-1]
    place = own.view(1, -1).expand(meshes, -1)
    first = torch.where(is_first, place, 0).cummax(dim=1).values
    is_last = is_first.roll(-1, dims=1)
    following = torch.where(is_last, first, place + 1)
    ring = torch.empty_like(order).scatter_(1, order, order.gather(1, following))
    return ring.int().view(meshes, count, 3)
