# SPDX-License-Identifier: Apache-2.0
"""Writing a mesh with its texture as one GLB file, upright in Blender as `export.export_mesh` has it."""

from pathlib import Path

import numpy as np
import trimesh
from jaxtyping import Float32, Int32, UInt8
from PIL import Image
from trimesh.visual.material import PBRMaterial
from trimesh.visual.texture import TextureVisuals

from unrender.atomic_file import write_atomically
from unrender.errors import UserError
from unrender.geometry.meshes import Mesh
from unrender.geometry.vertex_normals import vertex_normals

_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # GLB has Y up


def export_textured_mesh(
    mesh: Mesh,
    uv: Float32[np.ndarray, "M 2"],
    uv_faces: Int32[np.ndarray, "F 3"],
    texture: UInt8[np.ndarray, "h w 3"],
    path: Path,
) -> None:
    """Write a rough, non-metallic surface with a texture to a .glb file.

    uv: u to the right and v up, (0, 0) the lower left corner of the texture. uv_faces: which uv the corners of each
    face have, so that a texture may have seams; the shading is smooth across them. texture: sRGB, row 0 at the top.

    The file appears in one step. Raises UserError for another suffix and for a mesh without faces, DiskFullError when
    the disk is full.
    """
    if path.suffix.lower() != ".glb":
        raise UserError(
            f"A textured mesh cannot be written as {path.suffix or 'a file without suffix'!r}.", "Use .glb."
        )
    if len(mesh.faces) == 0:
        raise UserError(f"There is no surface to write to {path.name}: the mesh has no faces.")
    # A file's vertex has one uv: vertices on a seam are written once for each.
    corners = np.stack([mesh.faces.ravel(), uv_faces.ravel()], axis=1)
    pairs, faces = np.unique(corners, axis=0, return_inverse=True)
    normals = vertex_normals(mesh.vertices, mesh.faces)
    picture = Image.fromarray(texture)
    material = PBRMaterial(name=path.stem, baseColorTexture=picture, metallicFactor=0.0, roughnessFactor=1.0)
    surface = trimesh.Trimesh(
        vertices=mesh.vertices[pairs[:, 0]].astype(np.float64) @ _Y_UP.T,
        faces=faces.reshape(-1, 3),
        vertex_normals=normals[pairs[:, 0]].astype(np.float64) @ _Y_UP.T,
        visual=TextureVisuals(uv=uv[pairs[:, 1]].astype(np.float64), material=material),
        process=False,
    )
    scene = trimesh.Scene()
    scene.add_geometry(surface, node_name=path.stem, geom_name=path.stem)
    content = scene.export(file_type="glb", include_normals=True)
    assert isinstance(content, bytes)
    write_atomically(path, lambda temporary: _write(temporary, content))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
