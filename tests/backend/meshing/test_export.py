# SPDX-License-Identifier: Apache-2.0
"""Exported files come back whole, and upright in Blender with its default import settings."""

import errno
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import trimesh

from unrender.data.procedural import make_shape
from unrender.errors import DiskFullError, UserError
from unrender.geometry.meshes import Mesh
from unrender.meshing import EXPORT_FORMATS, export_mesh, signed_volume, voxels_to_mesh

IMPORT_IN_BLENDER = """
import json, sys, bpy, bmesh
found = {}
for path in sys.argv[1:]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    load = {"glb": bpy.ops.import_scene.gltf, "obj": bpy.ops.wm.obj_import, "ply": bpy.ops.wm.ply_import,
            "stl": bpy.ops.wm.stl_import}[path.rsplit(".", 1)[1]]
    load(filepath=path)
    bpy.context.view_layer.update()
    (thing,) = [o for o in bpy.data.objects if o.type == "MESH"]
    mesh = bmesh.new()
    mesh.from_mesh(thing.data)
    mesh.transform(thing.matrix_world)
    bmesh.ops.remove_doubles(mesh, verts=mesh.verts, dist=1e-6)
    found[path[-4:]] = {
        "vertices": sorted([round(x, 5) for x in v.co] for v in mesh.verts),
        "volume": mesh.calc_volume(signed=True),
        "closed": all(e.is_manifold and e.is_contiguous for e in mesh.edges),
    }
print("FOUND" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    shape = make_shape("chair", 1, 32)
    shape[24:, :8, 4:6] = True  # a tail on one side: no axis may be swapped or mirrored unseen
    shape[16:26, 6:10, 4:16] = True
    return voxels_to_mesh(shape)


@pytest.mark.parametrize("suffix", EXPORT_FORMATS)
def test_a_file_holds_the_same_closed_surface(mesh, tmp_path, suffix):
    path = tmp_path / f"chair{suffix}"
    export_mesh(mesh, path)
    loaded = trimesh.load(path, force="mesh")
    assert loaded.is_watertight
    assert loaded.volume == pytest.approx(signed_volume(mesh), rel=1e-4)
    height = 1 if suffix in (".glb", ".obj") else 2
    assert np.ptp(loaded.vertices[:, height]) == pytest.approx(np.ptp(mesh.vertices[:, 2]), abs=1e-5)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_every_format_comes_into_blender_upright_and_alike(mesh, tmp_path, blender_python):
    paths = [tmp_path / f"chair{suffix}" for suffix in EXPORT_FORMATS]
    for path in paths:
        export_mesh(mesh, path)
    command = [str(blender_python), "-c", IMPORT_IN_BLENDER, *map(str, paths)]
    output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    found = json.loads(output.split("FOUND")[1].splitlines()[0])
    expected = np.array(sorted(mesh.vertices.astype(float).round(5).tolist()))
    for suffix in EXPORT_FORMATS:
        vertices = np.array(found[suffix]["vertices"])
        assert vertices.shape == expected.shape, suffix
        distance = np.linalg.norm(vertices[:, None] - expected[None], axis=2).min(1)
        assert distance.max() < 5e-5, suffix
        assert found[suffix]["closed"], suffix
        assert found[suffix]["volume"] == pytest.approx(signed_volume(mesh), rel=1e-3)


def test_an_unknown_suffix_and_an_empty_mesh_are_refused_in_words(mesh, tmp_path):
    with pytest.raises(UserError, match=r"\.fbx.*\.glb"):
        export_mesh(mesh, tmp_path / "chair.fbx")
    with pytest.raises(UserError, match="no faces"):
        export_mesh(Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)), tmp_path / "chair.glb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", EXPORT_FORMATS)
def test_a_full_disk_is_said_and_the_old_file_stays(mesh, tmp_path, monkeypatch, suffix):
    path = tmp_path / f"chair{suffix}"
    path.write_bytes(b"old")

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskFullError, match="disk is full"):
        export_mesh(mesh, path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
