# SPDX-License-Identifier: Apache-2.0
"""Writing a mesh with its texture as GLB or OBJ, upright in Blender as `export.export_mesh` has it."""

import io
from collections.abc import Callable
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
from unrender.geometry.textured_shape import TexturedShape
from unrender.geometry.vertex_normals import vertex_normals
from unrender.meshing.export import EXPORT_FORMATS, export_mesh

_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # as in `export`


def export_shape(shape: Mesh | TexturedShape, path: Path) -> None:
    """Write a shape in any format, with its texture where it has one and the format of `TEXTURED_FORMATS` carries it;
    else the surface alone. Raises as `export_mesh`."""
    if isinstance(shape, Mesh):
        export_mesh(shape, path)
    elif path.suffix.lower() in TEXTURED_FORMATS or path.suffix.lower() not in EXPORT_FORMATS:
        export_textured_mesh(shape.mesh, shape.uv, shape.uv_faces, shape.texture, path)
    else:
        export_mesh(shape.mesh, path)


def export_textured_mesh(
    mesh: Mesh,
    uv: Float32[np.ndarray, "M 2"],
    uv_faces: Int32[np.ndarray, "F 3"],
    texture: UInt8[np.ndarray, "h w 3"],
    path: Path,
) -> None:
    """Write a rough, non-metallic surface with a texture to a .glb file, or to an .obj file with an .mtl and a .png
    file of the same name beside it.

    uv: u to the right and v up, (0, 0) the lower left corner of the texture. uv_faces: which uv the corners of each
    face have, so that a texture may have seams; the shading is smooth across them. texture: sRGB, row 0 at the top.

    Each file appears in one step, the one that names the others last. Raises UserError for another suffix and for a
    mesh without faces, DiskFullError when the disk is full.
    """
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise UserError(
            f"A textured mesh cannot be written as {path.suffix or 'a file without suffix'!r}.",
            f"Use {' or '.join(TEXTURED_FORMATS)}.",
        )
    if len(mesh.faces) == 0:
        raise UserError(f"There is no surface to write to {path.name}: the mesh has no faces.")
    writer(TexturedShape(mesh, uv, uv_faces, texture), path)


def _glb(shape: TexturedShape, path: Path) -> None:
    mesh = shape.mesh
    # A file's vertex has one uv: vertices on a seam are written once for each.
    corners = np.stack([mesh.faces.ravel(), shape.uv_faces.ravel()], axis=1)
    pairs, faces = np.unique(corners, axis=0, return_inverse=True)
    normals = vertex_normals(mesh.vertices, mesh.faces)
    picture = Image.fromarray(shape.texture)
    material = PBRMaterial(name=path.stem, baseColorTexture=picture, metallicFactor=0.0, roughnessFactor=1.0)
    surface = trimesh.Trimesh(
        vertices=mesh.vertices[pairs[:, 0]].astype(np.float64) @ _Y_UP.T,
        faces=faces.reshape(-1, 3),
        vertex_normals=normals[pairs[:, 0]].astype(np.float64) @ _Y_UP.T,
        visual=TextureVisuals(uv=shape.uv[pairs[:, 1]].astype(np.float64), material=material),
        process=False,
    )
    scene = trimesh.Scene()
    scene.add_geometry(surface, node_name=path.stem, geom_name=path.stem)
    content = scene.export(file_type="glb", include_normals=True)
    assert isinstance(content, bytes)
    _write(path, content)


def _obj(shape: TexturedShape, path: Path) -> None:
    mesh, name = shape.mesh, path.stem
    turned = mesh.vertices.astype(np.float64) @ _Y_UP.T
    normals = vertex_normals(mesh.vertices, mesh.faces).astype(np.float64) @ _Y_UP.T
    lines = [f"mtllib {name}.mtl", f"o {name}", f"usemtl {name}"]
    lines += [f"v {x:.7g} {y:.7g} {z:.7g}" for x, y, z in turned]
    lines += [f"vt {u:.7g} {v:.7g}" for u, v in shape.uv]
    lines += [f"vn {x:.5g} {y:.5g} {z:.5g}" for x, y, z in normals]
    corners = zip((mesh.faces + 1).tolist(), (shape.uv_faces + 1).tolist(), strict=True)
    lines += ["f " + " ".join(f"{v}/{t}/{v}" for v, t in zip(face, uvs, strict=True)) for face, uvs in corners]
    picture = io.BytesIO()
    Image.fromarray(shape.texture).save(picture, "PNG")
    _write(path.with_suffix(".png"), picture.getvalue())
    # Ns 0 is the roughest surface.
    _write(path.with_suffix(".mtl"), f"newmtl {name}\nKd 1 1 1\nKs 0 0 0\nNs 0\nmap_Kd {name}.png\n".encode())
    _write(path, ("\n".join(lines) + "\n").encode())


def _write(path: Path, content: bytes) -> None:
    write_atomically(path, lambda temporary: _write_bytes(temporary, content))


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)


_WRITERS: dict[str, Callable[[TexturedShape, Path], None]] = {".glb": _glb, ".obj": _obj}

TEXTURED_FORMATS: tuple[str, ...] = tuple(_WRITERS)
"""Suffixes of files that carry a texture."""
