# SPDX-License-Identifier: Apache-2.0
"""Meshes that people made, and the slow, obvious rasteriser that says what they look like."""

from functools import partial
from pathlib import Path

import numpy as np
import trimesh

from tests.renderer_agreement.closed_forms import Shape, with_own_corners
from tests.renderer_agreement.rays import Reference, Viewpoint
from unrender.geometry.meshes import Mesh


def spot(folder: Path) -> Shape:
    """A cow, round."""
    return _shape("spot", read_obj(folder / "spot" / "spot_triangulated.obj"), smooth=True)


def chair(folder: Path) -> Shape:
    """Kenney's chair with a cushion, of flat faces; open below, its parts touch."""
    return _shape("chair", read_obj(folder / "kenney_furniture" / "chairCushion.obj"), smooth=False)


def read_obj(path: Path) -> Mesh:
    """The triangles of an OBJ file with Y up, turned to Z up and scaled into the ball of unit diameter."""
    points, faces = [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, *words = line.split() or [""]
        if kind == "v":
            x, y, z = (float(word) for word in words[:3])
            points.append((x, -z, y))
        elif kind == "f":
            corner = [int(word.split("/")[0]) - 1 for word in words]
            faces += [(corner[0], corner[i], corner[i + 1]) for i in range(1, len(corner) - 1)]
    vertices = np.array(points)
    vertices -= 0.5 * (vertices.min(axis=0) + vertices.max(axis=0))
    vertices *= 0.5 / np.linalg.norm(vertices, axis=1).max()
    return Mesh(vertices.astype(np.float32), np.array(faces, np.int32))


def _shape(name: str, mesh: Mesh, smooth: bool) -> Shape:
    if not smooth:
        mesh = with_own_corners(mesh)
    return Shape(name, mesh, smooth, partial(rasterise, mesh))


def rasterise(mesh: Mesh, viewpoint: Viewpoint) -> Reference:
    """The nearest triangle at the centre of every pixel, one triangle after the other."""
    size = viewpoint.size
    normals = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).vertex_normals
    camera = mesh.vertices.astype(np.float64) @ viewpoint.frame.T
    depths = viewpoint.distance - camera[:, 2]
    spread = viewpoint.distance / depths if viewpoint.perspective else np.ones_like(depths)
    column = (camera[:, 0] * spread / viewpoint.width + 0.5) * size - 0.5
    row = (0.5 - camera[:, 1] * spread / viewpoint.width) * size - 0.5
    nearest = np.full((size, size), np.inf)
    normal = np.zeros((size, size, 3))
    for face in mesh.faces:
        x, y, d = column[face], row[face], depths[face]
        area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
        columns = np.arange(max(0, int(np.ceil(x.min()))), min(size - 1, int(np.floor(x.max()))) + 1)
        rows = np.arange(max(0, int(np.ceil(y.min()))), min(size - 1, int(np.floor(y.max()))) + 1)
        if area == 0.0 or not len(columns) or not len(rows):
            continue
        u, v = np.meshgrid(columns, rows)
        weight = np.stack(
            [(x[j] - u) * (y[k] - v) - (x[k] - u) * (y[j] - v) for j, k in ((1, 2), (2, 0), (0, 1))], axis=-1
        )
        weight = weight / area
        covered = (weight >= 0).all(axis=-1)
        if viewpoint.perspective:  # what is linear on the triangle is not linear on the picture
            weight = weight / d
            weight = weight / np.where(covered, weight.sum(axis=-1), 1.0)[..., None]
        here = weight @ d
        block = np.ix_(rows, columns)
        nearer = covered & (here < nearest[block])
        # Rows count downwards: a triangle that is seen from outside has a negative area.
        outward = weight @ normals[face] * -np.sign(area)
        nearest[block] = np.where(nearer, here, nearest[block])
        normal[block] = np.where(nearer[..., None], outward, normal[block])
    length = np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    return viewpoint.reference(nearest, normal / length)
