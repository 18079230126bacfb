# SPDX-License-Identifier: Apache-2.0
"""Writing meshes so that every format comes into Blender upright, with Blender's default import settings.

GLB is Y-up by its specification, and Blender's OBJ importer takes Y for up and -Z for forward by default: both get
(x, z, -y), a rotation, so nothing is mirrored. PLY and STL have no convention; Blender's importers read them as they
are, Z up.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import trimesh

from unrender.atomic_file import write_atomically
from unrender.errors import UserError
from unrender.geometry.meshes import Mesh

_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def export_mesh(mesh: Mesh, path: Path) -> None:
    """Write the mesh to a .glb, .obj, .ply or .stl file, chosen by the suffix of `path`.

    The file appears in one step: until it is whole, and when writing fails, what was at `path` stays. Raises UserError
    for another suffix and for a mesh without faces, DiskFullError when the disk is full.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UserError(
            f"A mesh cannot be written as {path.suffix or 'a file without suffix'!r}.",
            f"Use one of {', '.join(EXPORT_FORMATS)}.",
        )
    if len(mesh.faces) == 0:
        raise UserError(
            f"There is no surface to write to {path.name}: the mesh has no faces.",
            "Generate with another seed or a lower threshold.",
        )
    content = writer(mesh, path.stem)
    write_atomically(path, lambda temporary: _write(temporary, content))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _glb(mesh: Mesh, name: str) -> bytes:
    scene = trimesh.Scene()
    scene.add_geometry(_trimesh(mesh, _Y_UP), node_name=name, geom_name=name)
    content = scene.export(file_type="glb", include_normals=True)
    assert isinstance(content, bytes)
    return content


def _obj(mesh: Mesh, name: str) -> bytes:
    turned = mesh.vertices.astype(np.float64) @ _Y_UP.T
    lines = [f"o {name}"]
    lines += [f"v {x:.7g} {y:.7g} {z:.7g}" for x, y, z in turned]
    lines += [f"f {a} {b} {c}" for a, b, c in mesh.faces + 1]
    return ("\n".join(lines) + "\n").encode()


def _ply(mesh: Mesh, name: str) -> bytes:
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(mesh.vertices)}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {len(mesh.faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    faces = np.empty(len(mesh.faces), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.faces
    return header.encode() + mesh.vertices.astype("<f4").tobytes() + faces.tobytes()


def _stl(mesh: Mesh, name: str) -> bytes:
    content = _trimesh(mesh, np.eye(3)).export(file_type="stl")
    assert isinstance(content, bytes)
    return content


def _trimesh(mesh: Mesh, rotation: np.ndarray) -> trimesh.Trimesh:
    # Without processing: it would merge and reorder.
    return trimesh.Trimesh(mesh.vertices.astype(np.float64) @ rotation.T, mesh.faces, process=False)


_WRITERS: dict[str, Callable[[Mesh, str], bytes]] = {".glb": _glb, ".obj": _obj, ".ply": _ply, ".stl": _stl}

EXPORT_FORMATS: tuple[str, ...] = tuple(_WRITERS)
"""Suffixes that `export_mesh` writes."""
