# SPDX-License-Identifier: Apache-2.0
"""The octahedral sphere is closed, faces outward, and its square shows the front as one sees it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from unrender.geometry.octahedral_sphere import octahedral_sphere, pixel_directions


@pytest.mark.parametrize("k", [1, 2, 5])
def test_every_edge_has_two_faces_that_run_along_it_in_opposite_ways(k: int) -> None:
    sphere = octahedral_sphere(k)
    assert sphere.vertices.shape == (4 * k * k + 2, 3)
    assert sphere.faces.shape == (8 * k * k, 3)
    edges = Counter((int(face[i]), int(face[(i + 1) % 3])) for face in sphere.faces for i in range(3))
    assert set(edges.values()) == {1}
    assert all((b, a) in edges for a, b in edges)
    assert len(sphere.vertices) - len(edges) // 2 + len(sphere.faces) == 2


def test_it_is_a_unit_sphere_whose_faces_look_outward() -> None:
    sphere = octahedral_sphere(6)
    assert np.allclose(np.linalg.norm(sphere.vertices, axis=1), 1.0, atol=1e-6)
    a, b, c = (sphere.vertices[sphere.faces[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    assert (np.einsum("ij,ij->i", normals, a + b + c) > 0).all()


def test_the_square_shows_the_front_with_right_to_the_right_and_up_upward() -> None:
    sphere = octahedral_sphere(4)
    vertex_of_uv = dict(zip(sphere.uv_faces.ravel().tolist(), sphere.faces.ravel().tolist(), strict=True))

    def at(u: float, v: float) -> np.ndarray:
        grid = int(np.abs(sphere.uv - (u, v)).sum(axis=1).argmin())
        return sphere.vertices[vertex_of_uv[grid]]

    assert np.allclose(at(0.5, 0.5), (0, -1, 0))
    assert np.allclose(at(1.0, 0.5), (1, 0, 0))
    assert np.allclose(at(0.5, 1.0), (0, 0, 1))
    for corner in ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)):
        assert np.allclose(at(*corner), (0, 1, 0))
    assert np.allclose(at(0.25, 1.0), at(0.75, 1.0))


def test_a_face_has_its_own_place_in_the_square() -> None:
    sphere = octahedral_sphere(3)
    a, b, c = (sphere.uv[sphere.uv_faces[:, corner]].astype(np.float64) for corner in range(3))
    first, second = b - a, c - a
    areas = 0.5 * (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    assert (areas > 0).all()
    assert areas.sum() == pytest.approx(1.0)


def test_no_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="k came as 0"):
        octahedral_sphere(0)


@pytest.mark.parametrize("side", [1, 4, 7])
def test_pixel_centres_lie_where_a_mesh_with_a_vertex_in_each_has_them(side: int) -> None:
    template = octahedral_sphere(side)  # of 2 side cells a side: every other point is a pixel's centre
    vertex_of_uv = np.zeros(len(template.uv), dtype=np.int64)
    vertex_of_uv[template.uv_faces] = template.faces
    centres = template.vertices[vertex_of_uv].reshape(2 * side + 1, 2 * side + 1, 3)[1::2, 1::2]
    np.testing.assert_allclose(pixel_directions(side), centres, atol=1e-6)
