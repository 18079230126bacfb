# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
import trimesh

from unrender.geometry.vertex_normals import face_normals, vertex_normals


def test_a_box_s_corners_look_along_its_diagonals_however_its_sides_are_cut() -> None:
    """Each side weighs the same at a corner, whether one triangle or two of that side meet there."""
    box = trimesh.creation.box()
    normals = vertex_normals(np.asarray(box.vertices, np.float32), np.asarray(box.faces, np.int32))
    np.testing.assert_allclose(normals, np.sign(box.vertices) / np.sqrt(3.0), atol=1e-4)


def test_a_sphere_s_normals_are_its_radii() -> None:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.5)
    vertices, faces = np.asarray(ball.vertices, np.float32), np.asarray(ball.faces, np.int32)
    np.testing.assert_allclose(vertex_normals(vertices, faces), 2.0 * vertices, atol=5e-3)
    np.testing.assert_allclose(face_normals(vertices, faces), ball.face_normals, atol=1e-4)


def test_what_has_no_area_has_no_normal() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0], [5, 5, 5]], np.float32)
    faces = np.array([[0, 1, 2], [0, 1, 3], [0, 0, 1]], np.int32)
    np.testing.assert_array_equal(vertex_normals(vertices, faces), [[0, 0, 1]] * 3 + [[0, 0, 0]] * 2)
    np.testing.assert_array_equal(face_normals(vertices, faces), [[0, 0, 1], [0, 0, 0], [0, 0, 0]])


def test_a_face_without_its_vertex_is_refused() -> None:
    with pytest.raises(IndexError, match="name vertices 0 to 3; there are 3"):
        vertex_normals(np.zeros((3, 3), np.float32), np.array([[0, 1, 3]], np.int32))
