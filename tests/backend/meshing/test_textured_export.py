# SPDX-License-Identifier: Apache-2.0
"""A textured file holds the mesh upright, its uv as its format has them, and the texture's very pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from unrender.errors import UserError
from unrender.geometry.meshes import Mesh
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.geometry.textured_shape import TexturedShape
from unrender.meshing.textured_export import export_shape, export_textured_mesh

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


def read_obj(path: Path) -> dict[str, list[list[str]]]:
    """The lines of an OBJ file by their first word."""
    lines: dict[str, list[list[str]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *rest = line.split()
        lines.setdefault(word, []).append(rest)
    return lines


def test_obj_names_its_material_and_picture_and_shares_the_vertices_of_seams(tmp_path: Path) -> None:
    path = tmp_path / "ball.obj"
    export_shape(TexturedShape(MESH, SPHERE.uv, SPHERE.uv_faces, TEXTURE), path)
    lines = read_obj(path)
    assert lines["mtllib"] == [["ball.mtl"]]
    assert lines["usemtl"] == [["ball"]]
    material = (tmp_path / "ball.mtl").read_text(encoding="utf-8").split()
    assert material[:2] == ["newmtl", "ball"]
    assert material[-2:] == ["map_Kd", "ball.png"]
    with Image.open(tmp_path / "ball.png") as picture:
        assert np.array_equal(np.asarray(picture), TEXTURE)

    corners = np.array([[corner.split("/") for corner in face] for face in lines["f"]], int) - 1
    assert np.array_equal(corners[..., 0], MESH.faces), "a closed surface stays closed"
    assert np.array_equal(corners[..., 1], SPHERE.uv_faces)
    assert np.array_equal(corners[..., 2], MESH.faces)
    x, y, z = np.array(lines["v"], float).T
    assert np.allclose(np.stack([x, -z, y], axis=1), MESH.vertices, atol=1e-6)
    assert np.allclose(np.array(lines["vt"], float), SPHERE.uv, atol=1e-6)
    normals = np.array(lines["vn"], float)
    assert np.allclose(normals, np.array(lines["v"], float), atol=0.2), "outward, as those of a sphere are"
    read = trimesh.load(path, process=False)
    assert np.array_equal(np.asarray(read.visual.material.image.convert("RGB")), TEXTURE)


@pytest.mark.parametrize("suffix", [".ply", ".stl"])
def test_a_format_without_textures_holds_the_surface(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"ball{suffix}"
    export_shape(TexturedShape(MESH, SPHERE.uv, SPHERE.uv_faces, TEXTURE), path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert len(trimesh.load_mesh(path).faces) == len(MESH.faces)


@pytest.mark.parametrize("name", ["ball.fbx", "ball"])
def test_other_formats_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Use \.glb or \.obj"):
        export_shape(TexturedShape(MESH, SPHERE.uv, SPHERE.uv_faces, TEXTURE), tmp_path / name)
    with pytest.raises(UserError, match=r"Use \.glb or \.obj"):
        export_textured_mesh(MESH, SPHERE.uv, SPHERE.uv_faces, TEXTURE, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_mesh_without_faces_is_refused(tmp_path: Path) -> None:
    none = np.zeros((0, 3), np.int32)
    with pytest.raises(UserError, match="no faces"):
        export_textured_mesh(Mesh(SPHERE.vertices, none), SPHERE.uv, none, TEXTURE, tmp_path / "x.glb")
