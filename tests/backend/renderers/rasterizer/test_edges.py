# SPDX-License-Identifier: Apache-2.0
"""Which half-edges lie on the same two vertices."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer.shapes import icosphere, torus
from unrender.renderers.differentiable.rasterizer.edges import edge_ring, linked_by_sorting


def brute_force(faces: Tensor) -> Tensor:
    """The ring of faces [F, 3], from a dictionary."""
    around: dict[frozenset[int], list[int]] = {}
    ring = torch.arange(3 * len(faces))
    for f, face in enumerate(faces.tolist()):
        if min(face) >= 0 and len(set(face)) == 3:
            for k in range(3):
                around.setdefault(frozenset((face[k], face[(k + 1) % 3])), []).append(3 * f + k)
    for halves in around.values():
        for here, following in zip(halves, halves[1:] + halves[:1], strict=True):
            ring[here] = following
    return ring.view(-1, 3)


def random_faces(count: int, vertices: int, seed: int) -> Tensor:
    """Faces with whatever comes: many on one edge, twice the same, vertices named twice, padding."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(-1, vertices, (count, 3), generator=draw)


MESHES = {
    "closed": torus().faces,
    "border": icosphere().faces[:37],
    "anything": random_faces(60, 9, 0),
    "crowded": random_faces(300, 5, 1),  # hundreds of faces on each edge
    "fan": torch.stack([torch.zeros(90), torch.arange(1, 91), torch.arange(2, 92)], 1).long(),
    "padding": torch.full((4, 3), -1),
    "none": torch.empty(0, 3, dtype=torch.int64),
}


@pytest.mark.parametrize("name", MESHES)
def test_a_ring_leads_around_each_edge(name: str) -> None:
    faces = MESHES[name]
    vertices = int(faces.max()) + 1 if len(faces) else 0
    expected = brute_force(faces)
    assert torch.equal(edge_ring(faces, vertices)[0].long(), expected)
    assert torch.equal(linked_by_sorting(faces[None], vertices)[0].long(), expected)


def test_each_mesh_of_a_batch_has_its_own_ring() -> None:
    faces = torch.stack([random_faces(40, 12, seed) for seed in (2, 3)]).int()
    expected = torch.stack([brute_force(item) for item in faces])
    assert torch.equal(edge_ring(faces, 12).long(), expected)
    assert torch.equal(linked_by_sorting(faces, 12).long(), expected)


def test_a_ring_is_made_anew_when_the_faces_have_changed() -> None:
    faces = torus().faces.clone()
    kept = edge_ring(faces, 96)
    assert edge_ring(faces, 96) is kept
    faces[0] = -1
    assert torch.equal(edge_ring(faces, 96)[0].long(), brute_force(faces))


def test_faces_made_in_inference_mode_have_a_ring() -> None:
    with torch.inference_mode():
        faces = torus().faces.clone()
        assert torch.equal(edge_ring(faces, 96)[0].long(), brute_force(faces))
