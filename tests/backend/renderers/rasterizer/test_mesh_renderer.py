# SPDX-License-Identifier: Apache-2.0
"""The whole mesh renderer: closed forms, gradients by central differences, batches of unlike meshes, bad input."""

from __future__ import annotations

import inspect
import math
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import Tensor

from unrender.errors import RenderError, UserError
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import IGGAN_LIGHTING, Lighting, shade_by_harmonics
from unrender.geometry.meshes import Mesh
from unrender.geometry.surface import torch_ball
from unrender.geometry.textured_mesh import TexturedMesh
from unrender.renderers.base import RenderedImages, Renderer
from unrender.renderers.differentiable.mesh_renderer import MeshRenderer, Silhouette

PERSPECTIVE = 0.7
SOFT: tuple[Silhouette, ...] = ("antialias", "dibr", "soft_skirt", "soft_rasterize")
SILHOUETTES: tuple[Silhouette, ...] = (*SOFT, "edge_gradients", "none")
AMBIENT = Lighting((), (), 1.0)


def cameras(*angles: tuple[float, float], field_of_view: float | None = PERSPECTIVE) -> Cameras:
    azimuth, elevation = torch.tensor(angles or [(0.3, 0.2)]).T
    return Cameras(azimuth, elevation, 1.2, field_of_view)


def octahedron(dtype: torch.dtype = torch.float64) -> TexturedMesh:
    """Uneven, with colours of its corners, and a small texture with a seam."""
    draw = torch.Generator().manual_seed(4)
    corners = [[0.42, 0, 0.03], [-0.38, 0.02, 0], [0, 0.44, 0], [0.05, -0.4, 0], [0.021, 0.013, 0.45], [0, 0.04, -0.36]]
    faces = [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]
    uv = torch.rand(8, 2, generator=draw, dtype=dtype)
    uv_faces = torch.tensor(faces)
    uv_faces[1], uv_faces[2] = torch.tensor([6, 1, 7]), torch.tensor([1, 6, 4])
    return TexturedMesh(
        torch.tensor(corners, dtype=dtype),
        torch.tensor(faces),
        0.3 + 0.7 * torch.rand(6, 3, generator=draw, dtype=dtype),
        uv,
        uv_faces,
        torch.rand(3, 3, 2, generator=draw, dtype=dtype),
    )


def ground(dtype: torch.dtype = torch.float32) -> TexturedMesh:
    """A square on the plane z = -0.2 that a camera at a distance stands upon; uv are x / 8 + 0.5, y / 8 + 0.5."""
    corners = torch.tensor([[-4.0, -4, -0.2], [4, -4, -0.2], [4, 4, -0.2], [-4, 4, -0.2]], dtype=dtype)
    ramp = torch.linspace(0.0, 1.0, 9, dtype=dtype)
    image = torch.stack(
        [ramp.expand(9, 9), ramp.flip(0).view(-1, 1).expand(9, 9), torch.full((9, 9), 0.5, dtype=dtype)]
    )
    return TexturedMesh(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]), None, corners[:, :2] / 8 + 0.5, None, image)


def stacked(images: RenderedImages) -> Tensor:
    assert images.depth is not None
    assert images.normal is not None
    return torch.cat([images.rgb, images.alpha, images.depth, images.normal], dim=1)


def test_it_is_a_renderer() -> None:
    renderer = MeshRenderer(12)
    assert isinstance(renderer, Renderer)
    assert renderer.differentiable
    mesh = Mesh(octahedron().vertices.numpy().astype(np.float32), octahedron().faces.numpy().astype(np.int32))
    images = renderer.submit([mesh, mesh], cameras((0.0, 0.0), (1.0, 0.5)), IGGAN_LIGHTING).result()
    assert images.rgb.shape == (2, 3, 12, 12)
    assert images.rgb.dtype == torch.float32
    bare = MeshRenderer((6, 10), passes=()).render([mesh], cameras(), IGGAN_LIGHTING)
    assert bare.alpha.shape == (1, 1, 6, 10)
    assert bare.depth is None
    assert bare.normal is None
    renderer.close()


def test_grids_are_meshed() -> None:
    grid = torch_ball(16, 0.4)
    for shapes in (grid, grid > 0.5):
        images = MeshRenderer(32).render(shapes, cameras(field_of_view=None), IGGAN_LIGHTING)
        area = float(images.alpha.sum()) * (1.2 / 32) ** 2
        assert area == pytest.approx(math.pi * 0.4**2, rel=0.06)


@pytest.mark.parametrize("field_of_view", [None, PERSPECTIVE], ids=["orthographic", "perspective"])
@pytest.mark.parametrize("silhouette", SOFT)
def test_gradients_of_the_whole_are_those_of_central_differences(
    silhouette: Silhouette, field_of_view: float | None
) -> None:
    """With respect to all that a picture is made of: vertices, colours, texture coordinates, texture, light."""
    mesh = octahedron()
    assert mesh.colours is not None
    assert mesh.uv is not None
    assert mesh.texture is not None
    light = Lighting(((0.36, 0.48, 0.8),), (0.7,), 0.2)
    harmonics = 0.1 * torch.randn(1, 1, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    renderer = MeshRenderer((7, 9), silhouette, passes=("depth",), background=(0.3, 0.2, 0.1))

    def rendered(vertices: Tensor, colours: Tensor, uv: Tensor, texture: Tensor, coefficients: Tensor) -> Tensor:
        made = TexturedMesh(vertices, mesh.faces, colours, uv, mesh.uv_faces, texture)
        images = renderer.render([made], cameras(field_of_view=field_of_view), light, coefficients)
        assert images.depth is not None
        return torch.cat([images.rgb, images.alpha, images.depth], dim=1)

    leaves = (mesh.vertices, mesh.colours, mesh.uv, mesh.texture, harmonics)
    leaves = tuple(leaf.clone().requires_grad_(True) for leaf in leaves)
    assert torch.autograd.gradcheck(rendered, leaves, atol=1e-5, fast_mode=True)


@pytest.mark.parametrize("silhouette", SILHOUETTES)
def test_gradients_are_bitwise_the_same_twice(silhouette: Silhouette) -> None:
    mesh = octahedron(torch.float32)
    views = cameras((0.3, 0.2), (2.0, -0.4), (-1.0, 0.9))

    def once() -> tuple[Tensor, ...]:
        leaves = [
            tensor.clone().requires_grad_(True) for tensor in (mesh.vertices, mesh.colours, mesh.uv, mesh.texture)
        ]  # type: ignore[union-attr]
        made = TexturedMesh(leaves[0], mesh.faces, leaves[1], leaves[2], mesh.uv_faces, leaves[3])
        images = MeshRenderer(24, silhouette, filter="mipmap").render([made] * 3, views, IGGAN_LIGHTING)
        return torch.autograd.grad((stacked(images) ** 2).sum(), leaves)

    first = once()
    assert all(gradient.abs().max() > 0.0 for gradient in first)
    assert all(torch.equal(a, b) for a, b in zip(first, once(), strict=True))


@pytest.mark.parametrize("silhouette", SILHOUETTES)
def test_unlike_meshes_are_rendered_as_each_by_itself(silhouette: Silhouette) -> None:
    """Plain, coloured, textured, empty; and all of them again behind the faces of the longest."""
    full = octahedron(torch.float32)
    plain = TexturedMesh(full.vertices * 0.8, full.faces[:5])
    coloured = TexturedMesh(full.vertices, full.faces, full.colours)
    wide = TexturedMesh(full.vertices, full.faces, None, full.uv, full.uv_faces, torch.rand(3, 4, 7))
    nothing = TexturedMesh(full.vertices[:0], full.faces[:0])
    meshes = [plain, coloured, full, wide, nothing]
    views = cameras(*[(0.4 * i, 0.1 * i) for i in range(5)])
    renderer = MeshRenderer(16, silhouette, filter="mipmap")
    together = stacked(renderer.render(meshes, views, IGGAN_LIGHTING))
    alone = [stacked(renderer.render([m], views[i : i + 1], IGGAN_LIGHTING)) for i, m in enumerate(meshes)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-5, rtol=1e-4)
    assert (together[4] == 0.0).all()


def test_one_mesh_in_many_views_is_many_meshes() -> None:
    mesh = octahedron(torch.float32)
    copies = [TexturedMesh(*(getattr(mesh, n).clone() for n in TexturedMesh.__slots__)) for _ in range(2)]
    views = cameras((0.3, 0.2), (2.0, -0.4))
    renderer = MeshRenderer(16)
    shared, own = (renderer.render(meshes, views, IGGAN_LIGHTING) for meshes in ([mesh, mesh], copies))
    torch.testing.assert_close(stacked(shared), stacked(own))


@pytest.mark.parametrize("smooth", [True, False])
def test_light_is_that_of_the_normals_in_the_picture(smooth: bool) -> None:
    mesh = octahedron()
    harmonics = torch.randn(1, 3, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    bare = TexturedMesh(mesh.vertices, mesh.faces)
    images = MeshRenderer(20, "none", smooth=smooth).render([bare], cameras(), IGGAN_LIGHTING, harmonics)
    assert images.normal is not None
    wanted = IGGAN_LIGHTING.shade(images.normal) + shade_by_harmonics(harmonics, images.normal)
    torch.testing.assert_close(images.rgb, wanted * images.alpha)
    length = images.normal.norm(dim=1, keepdim=True)
    torch.testing.assert_close(length, images.alpha)


@pytest.mark.parametrize("silhouette", SILHOUETTES)
def test_pictures_are_the_same_whether_or_not_normals_are_found_for_them(silhouette: Silhouette) -> None:
    shape = octahedron(torch.float32)
    for light in (AMBIENT, IGGAN_LIGHTING):
        with_normals, alone = (
            MeshRenderer(24, silhouette=silhouette, passes=passes).render([shape], cameras(), light)
            for passes in (("normal",), ())
        )
        assert torch.equal(alone.rgb, with_normals.rgb)
        assert alone.normal is None
        assert with_normals.normal is not None


def test_the_other_side_is_drawn_with_its_own_normal_or_left_out() -> None:
    facing = torch.tensor([[-0.4, 0.0, -0.4], [0.4, 0.0, -0.4], [0.4, 0.0, 0.4]])  # from the front, -Y
    light = Lighting(((0.0, 0.0, 1.0),), (0.8,), 0.1)
    for faces, behind in (([[0, 1, 2]], False), ([[0, 2, 1]], True)):
        mesh = TexturedMesh(facing, torch.tensor(faces))
        both = MeshRenderer(16).render([mesh], cameras((0.0, 0.0)), light)
        assert both.normal is not None
        inside = both.alpha == 1.0
        assert inside.sum() > 30
        torch.testing.assert_close(both.rgb[:, :1][inside], torch.full_like(both.rgb[:, :1][inside], 0.9))
        assert (both.normal[:, 2:][inside] > 0.99).all()
        culled = MeshRenderer(16, cull=True).render([mesh], cameras((0.0, 0.0)), light)
        assert (culled.alpha.sum() == 0.0) == behind
        if not behind:
            torch.testing.assert_close(stacked(culled), stacked(both))


@pytest.mark.parametrize("silhouette", SILHOUETTES)
def test_a_background_is_behind_everything(silhouette: Silhouette) -> None:
    mesh = octahedron(torch.float32)
    images, bare = (
        MeshRenderer(16, silhouette, background=colour).render([mesh], cameras(), AMBIENT)
        for colour in ((0.2, 0.4, 0.6), None)
    )
    behind = torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1)
    torch.testing.assert_close(images.rgb, bare.rgb + (1.0 - bare.alpha) * behind)
    torch.testing.assert_close(images.rgb[0, :, 0, 0], behind.flatten(), atol=1e-3, rtol=0.0)


@pytest.mark.parametrize("filter", ["bilinear", "mipmap"])
def test_a_ground_that_runs_under_the_camera_is_cut_and_still_right(filter: str) -> None:
    """Depth and texture of a plane, in closed form, though its corners lie behind the camera."""
    size, view = 24, cameras((0.4, 0.3))
    images = MeshRenderer(size, "none", filter=filter).render([ground()], view, AMBIENT)  # type: ignore[arg-type]
    right, up, backward = view.axes()[0]
    across = ((torch.arange(size) + 0.5) / size - 0.5) * view.width / view.distance
    rays = across.view(1, -1, 1) * right - across.view(-1, 1, 1) * up - backward
    origin = view.distance * backward
    depth = (-0.2 - origin[2]) / rays[..., 2]
    point = origin + depth.unsqueeze(-1) * rays
    hit = (depth > 0.0) & (point[..., :2].abs() < 3.9).all(-1)
    assert hit.sum() > 200
    assert images.depth is not None
    torch.testing.assert_close(images.depth[0, 0][hit], depth[hit], atol=2e-4, rtol=2e-4)
    uv = point[..., :2] / 8 + 0.5
    inner = hit & ((uv - 0.5).abs() < 0.4).all(-1)  # within the centres of the outer texels
    red, green = images.rgb[0, 0], images.rgb[0, 1]
    tolerance = 1e-4 if filter == "bilinear" else 0.03
    torch.testing.assert_close(red[inner], (uv[..., 0] * 9 - 0.5)[inner] / 8, atol=tolerance, rtol=0.0)
    torch.testing.assert_close(green[inner], (uv[..., 1] * 9 - 0.5)[inner] / 8, atol=tolerance, rtol=0.0)


@pytest.mark.parametrize("silhouette", SILHOUETTES)
def test_a_mesh_around_the_camera_gives_finite_gradients(silhouette: Silhouette) -> None:
    corners = ground().vertices.requires_grad_(True)
    mesh = TexturedMesh(corners, ground().faces)
    images = MeshRenderer(12, silhouette).render([mesh], cameras((0.4, 0.3)), IGGAN_LIGHTING)
    (gradient,) = torch.autograd.grad(stacked(images).sum(), corners)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("silhouette", SILHOUETTES)
@pytest.mark.parametrize("size", [1, (1, 7), (5, 3)])
def test_images_of_odd_sizes(silhouette: Silhouette, size: int | tuple[int, int]) -> None:
    images = MeshRenderer(size, silhouette).render([octahedron(torch.float32)], cameras(), IGGAN_LIGHTING)
    assert stacked(images).isfinite().all()
    assert images.alpha[..., images.alpha.shape[2] // 2, images.alpha.shape[3] // 2] > 0.9


def test_without_pytorch3d_its_rasteriser_is_one_clear_error() -> None:
    if find_spec("pytorch3d"):
        pytest.skip("PyTorch3D is installed")
    with pytest.raises(UserError, match="PyTorch3D cannot be imported"):
        MeshRenderer(8, rasterizer="pytorch3d").render([octahedron()], cameras(), IGGAN_LIGHTING)


@pytest.mark.peer
@pytest.mark.parametrize("field_of_view", [None, PERSPECTIVE], ids=["orthographic", "perspective"])
def test_pytorch3d_finds_the_same(field_of_view: float | None) -> None:
    pytest.importorskip("pytorch3d")
    views = cameras((0.3, 0.2), (2.0, -0.4), field_of_view=field_of_view)
    results = []
    for rasterizer in ("own", "pytorch3d"):
        mesh = octahedron(torch.float32)
        corners = mesh.vertices.requires_grad_(True)
        made = TexturedMesh(corners, mesh.faces, mesh.colours, mesh.uv, mesh.uv_faces, mesh.texture)
        images = MeshRenderer(32, rasterizer=rasterizer).render([made, made], views, IGGAN_LIGHTING)
        results.append((stacked(images).detach(), *torch.autograd.grad((stacked(images) ** 2).sum(), corners)))
    (ours, to_ours), (theirs, to_theirs) = results
    assert ((ours - theirs).abs().amax(dim=1) > 1e-3).float().mean() < 0.01  # pixel centres on edges
    torch.testing.assert_close(to_ours, to_theirs, atol=0.02 * float(to_ours.abs().max()), rtol=0.02)


def test_what_does_not_fit_is_said_in_one_sentence() -> None:
    mesh, view = octahedron(), cameras()
    with pytest.raises(ValueError, match="expected one of antialias"):
        inspect.unwrap(MeshRenderer.__init__)(object.__new__(MeshRenderer), 8, "blurry")  # past the tests' type checks
    with pytest.raises(ValueError, match="expected one of depth, normal"):
        MeshRenderer(8, passes=("albedo",))
    with pytest.raises(RenderError, match="casts no shadows"):
        MeshRenderer(8).render([mesh], view, Lighting((), (), 1.0, shadows=True))
    with pytest.raises(ValueError, match="expected one camera per shape"):
        MeshRenderer(8).render([mesh, mesh], view, IGGAN_LIGHTING)
    with pytest.raises(ValueError, match="convert them to the same dtype"):
        MeshRenderer(8).render([mesh, octahedron(torch.float32)], cameras((0.0, 0.0), (1.0, 0.0)), IGGAN_LIGHTING)
    with pytest.raises(ValueError, match="without uv"):
        TexturedMesh(mesh.vertices, mesh.faces, texture=mesh.texture)
    with pytest.raises(ValueError, match="6 vertices came with 8 uv"):
        TexturedMesh(mesh.vertices, mesh.faces, uv=mesh.uv)
    with pytest.raises(ValueError, match="names vertex 9"):
        MeshRenderer(8).render([TexturedMesh(mesh.vertices, torch.tensor([[0, 1, 9]]))], view, IGGAN_LIGHTING)
