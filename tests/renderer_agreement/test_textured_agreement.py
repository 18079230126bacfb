# SPDX-License-Identifier: Apache-2.0
"""A textured surface through a GLB file and Cycles, and the same through the mesh rasteriser: u, v and the rows of a
texture mean the same to both, and colours are where they should be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from scipy import ndimage

from unrender.data.dataset_rendering import DatasetRequest, render_dataset
from unrender.geometry.cameras import Cameras
from unrender.geometry.conventions import srgb_to_linear
from unrender.geometry.lighting import Lighting
from unrender.geometry.meshes import Mesh
from unrender.geometry.textured_mesh import TexturedMesh
from unrender.meshing.textured_export import export_textured_mesh
from unrender.renderers.differentiable.mesh_renderer import MeshRenderer
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation

SIZE, VIEWS = 64, 4
COLOURS = torch.tensor([[230, 40, 40], [40, 230, 40], [40, 40, 230], [230, 230, 40]], dtype=torch.uint8)
HEADLIGHT = Lighting(((0.0, 0.0, 1.0),), (0.85,), 0.1)


def surface() -> tuple[Mesh, np.ndarray]:
    """A tilted egg that just fits the unit-diameter ball, and its texture coordinates: x and z, seen from the front."""
    ball = trimesh.creation.icosphere(subdivisions=4, radius=1.0)
    points = ball.vertices * [0.9, 0.6, 1.3]
    points[:, 2] *= np.where(points[:, 2] > 0.0, 0.7, 1.0)
    points = points @ trimesh.transformations.euler_matrix(0.4, -0.3, 0.5)[:3, :3].T
    points -= 0.5 * (points.min(axis=0) + points.max(axis=0))
    points *= 0.5 / np.linalg.norm(points, axis=1).max()
    return Mesh(points.astype(np.float32), np.asarray(ball.faces, np.int32)), points[:, [0, 2]].astype(np.float32) + 0.5


def quarters() -> torch.Tensor:
    """uint8 [h, w, 3]: red and green above, blue and yellow below; more columns than rows, so that none is mistaken."""
    image = COLOURS[torch.tensor([[0, 1], [2, 3]])].repeat_interleave(16, 0).repeat_interleave(32, 1)
    image[:12, :24] = 235  # a white corner
    return image


def kinds(rgb: torch.Tensor) -> np.ndarray:
    """Which colour each pixel of linear [V, 3, H, W] has, whatever its brightness: an index of COLOURS, or 4 for
    white."""
    wanted = srgb_to_linear(torch.cat([COLOURS, torch.full((1, 3), 235, dtype=torch.uint8)]) / 255.0)
    wanted = torch.nn.functional.normalize(wanted, dim=1)
    shown = torch.nn.functional.normalize(rgb, dim=1)
    return torch.einsum("kc,vchw->vkhw", wanted, shown).argmax(dim=1).numpy()


def test_a_texture_lies_on_the_surface_as_cycles_has_it(blender_python: Path, tmp_path: Path) -> None:
    mesh, uv = surface()
    export_textured_mesh(mesh, uv, mesh.faces, quarters().numpy(), tmp_path / "egg.glb")
    request = DatasetRequest(
        str(tmp_path / "egg.glb"), count=1, views=VIEWS, size=SIZE, samples=4, cameras="sphere", lights="headlight"
    )
    blender = BlenderInstallation("module", (str(blender_python),), "5.0")
    assert render_dataset(request, tmp_path / "views", workers=1, threads=1, blender=blender) == 0
    records = [json.loads(line) for line in (tmp_path / "views" / "manifest.jsonl").read_text().splitlines()]
    pictures = np.stack([np.asarray(Image.open(tmp_path / "views" / record["file"])) for record in records])
    cycles = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255.0
    cameras = Cameras(*torch.tensor([[record["azimuth"], record["elevation"]] for record in records]).T, width=1.1)

    image = srgb_to_linear(quarters() / 255.0).permute(2, 0, 1)
    textured = TexturedMesh(
        torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces), uv=torch.from_numpy(uv), texture=image
    )
    ours = MeshRenderer(SIZE, filter="mipmap").render([textured] * VIEWS, cameras, HEADLIGHT)
    assert (ours.alpha[:, 0] - cycles[:, 3]).abs().mean() < 0.005
    got, wanted = kinds(ours.rgb), kinds(srgb_to_linear(cycles[:, :3]))
    inside = ndimage.binary_erosion(cycles[:, 3].numpy() > 0.99, np.ones((1, 3, 3)))
    alike = ndimage.maximum_filter(got, (1, 3, 3)) == ndimage.minimum_filter(got, (1, 3, 3))
    compared = inside & alike
    assert compared.sum() > 0.5 * inside.sum()
    assert set(np.unique(wanted[compared])) == {0, 1, 2, 3, 4}
    assert (got == wanted)[compared].all()


@pytest.mark.parametrize("flip", [(1.0, -1.0), (-1.0, 1.0)], ids=["v", "u"])
def test_a_mirrored_texture_would_be_noticed(flip: tuple[float, float]) -> None:
    mesh, uv = surface()
    image = srgb_to_linear(quarters() / 255.0).permute(2, 0, 1)
    vertices, faces = torch.from_numpy(mesh.vertices), torch.from_numpy(mesh.faces)
    seen = []
    for coordinates in (uv, ((uv - 0.5) * flip + 0.5).astype(np.float32)):
        textured = TexturedMesh(vertices, faces, uv=torch.from_numpy(coordinates), texture=image)
        front = Cameras(torch.zeros(1), torch.zeros(1), 1.1)
        seen.append(kinds(MeshRenderer(SIZE).render([textured], front, HEADLIGHT).rgb))
    upright, mirrored = seen
    assert (upright != mirrored).mean() > 0.3
    # Seen from the front, the white corner of the texture's first rows is at the upper left.
    rows, columns = np.nonzero(upright[0] == 4)
    assert rows.mean() < SIZE / 2
    assert columns.mean() < SIZE / 2
