# SPDX-License-Identifier: Apache-2.0
"""A textured GLB file holds the mesh upright, its uv as glTF has them, and the texture's very pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from unrender.errors import UserError
from unrender.geometry.meshes import Mesh
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.meshing.textured_export import export_textured_mesh

SPHERE = octahedral_sphere(3)
MESH = Mesh(SPHERE.vertices, SPHERE.faces)
TEXTURE = np.random.default_rng(0).integers(0, 256, (8, 16, 3), np.uint8)


def written(folder: Path) -> trimesh.Trimesh:
    path = folder / "ball.glb"
    export_textured_mesh(MESH, SPHERE.uv, SPHERE.uv_faces, TEXTURE, path)
    scene = trimesh.load(path, process=False)
    (surface,) = scene.geometry.values()
    return surface


def test_every_corner_has_its_place_in_space_and_in_the_texture(tmp_path: Path) -> None:
    surface = written(tmp_path)
    assert len(surface.faces) == len(MESH.faces)
    turned = np.stack([surface.vertices[:, 0], -surface.vertices[:, 2], surface.vertices[:, 1]], axis=1)
    came = np.concatenate([turned[surface.faces], surface.visual.uv[surface.faces]], axis=2)
    expected = np.concatenate([MESH.vertices[MESH.faces], SPHERE.uv[SPHERE.uv_faces]], axis=2)
    assert np.allclose(came, expected, atol=1e-6)


def test_seams_are_not_seen_in_the_shading(tmp_path: Path) -> None:
    surface = written(tmp_path)
    _, group = np.unique(surface.vertices.round(5), axis=0, return_inverse=True)
    assert len(surface.vertices) > len(MESH.vertices)
    for number in range(group.max() + 1):
        normals = surface.vertex_normals[group.ravel() == number]
        assert np.allclose(normals, normals[0], atol=1e-5)


def test_the_texture_travels_without_loss(tmp_path: Path) -> None:
    material = written(tmp_path).visual.material
    assert np.array_equal(np.asarray(material.baseColorTexture.convert("RGB")), TEXTURE)
    assert material.metallicFactor == 0.0


@pytest.mark.parametrize("name", ["ball.obj", "ball"])
def test_other_formats_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Use \.glb"):
        export_textured_mesh(MESH, SPHERE.uv, SPHERE.uv_faces, TEXTURE, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_mesh_without_faces_is_refused(tmp_path: Path) -> None:
    none = np.zeros((0, 3), np.int32)
    with pytest.raises(UserError, match="no faces"):
        export_textured_mesh(Mesh(SPHERE.vertices, none), SPHERE.uv, none, TEXTURE, tmp_path / "x.glb")
