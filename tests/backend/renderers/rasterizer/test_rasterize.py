# SPDX-License-Identifier: Apache-2.0
"""`rasterize` against a brute-force point-in-polygon test, rays met with planes, and itself in other orders."""

from __future__ import annotations

import math
from functools import lru_cache

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import shapes
from tests.backend.renderers.rasterizer.shapes import ScreenMesh
from unrender.renderers.differentiable.rasterizer import Fragments, rasterize
from unrender.renderers.differentiable.rasterizer.backends import Backend
from unrender.renderers.differentiable.rasterizer.cpu.tiles import tile_lists

MESHES = {
    "triangle": shapes.triangle((9, 13)),
    "crossing": shapes.crossing_triangles((17, 12)),
    "cube": shapes.cube((12, 18), batch=2),
    "sphere": shapes.icosphere((19, 17), subdivisions=1),
    "torus": shapes.torus((20, 20), rings=9, sides=6),
    "soup": shapes.soup((18, 15), batch=2),
}


@pytest.fixture(params=list(MESHES))
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture
def mesh(name: str) -> ScreenMesh:
    return MESHES[name]


def winding_coverage(corners: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Which pixel centres are inside a triangle, by the angle that its corners sweep as seen from there, and how far
    from its border each is in pixels."""
    row, column = torch.meshgrid(torch.arange(size[0]) + 0.5, torch.arange(size[1]) + 0.5, indexing="ij")
    seen = torch.complex(corners[:, 0], corners[:, 1]) - torch.complex(column, row).to(torch.complex128).unsqueeze(-1)
    following = seen.roll(-1, -1)
    turn = torch.angle(following / seen).nan_to_num().sum(-1)
    along = following - seen
    share = (-(seen * along.conj()).real / along.abs().square()).clamp(0.0, 1.0)
    return turn.abs() > math.pi, (seen + share * along).abs().amin(-1)


@lru_cache
def brute_force(name: str, image: int, near: float) -> tuple[Tensor, Tensor, Tensor]:
    """Nearest face, its depth, and which pixels are beyond dispute, one face at a time."""
    mesh = MESHES[name]
    face = torch.full(mesh.size, -1)
    depth = torch.full(mesh.size, math.inf, dtype=torch.float64)
    sure = torch.ones(mesh.size, dtype=torch.bool)
    row, column = torch.meshgrid(torch.arange(mesh.size[0]) + 0.5, torch.arange(mesh.size[1]) + 0.5, indexing="ij")
    for index, names in enumerate(mesh.faces.tolist()):
        if min(names) < 0:
            continue
        corners = mesh.screen[image, names].double()
        edges = corners[1:, :2] - corners[0, :2]
        area = float(edges[0, 0] * edges[1, 1] - edges[0, 1] * edges[1, 0])
        if not corners.isfinite().all() or float(corners[:, 2].min()) < near or abs(area) < 1e-12:
            continue
        inside, margin = winding_coverage(corners, mesh.size)
        # 1/depth is linear on the screen: the plane through the three corners.
        plane = torch.linalg.solve(torch.cat([corners[:, :2], torch.ones(3, 1).double()], dim=1), 1.0 / corners[:, 2])
        here = torch.where(inside, 1.0 / (plane[0] * column + plane[1] * row + plane[2]), math.inf)
        sure &= (margin > 1e-4) & ~(inside & ((here - depth).abs() < 1e-5))
        face, depth = torch.where(here < depth, index, face), torch.minimum(here, depth)
    return face, depth, sure


def test_the_nearest_face_is_seen(name: str, mesh: ScreenMesh, backend: Backend) -> None:
    seen = rasterize(mesh.screen, mesh.faces, mesh.size, near=0.01, backend=backend)
    for image in range(len(mesh.screen)):
        face, depth, sure = brute_force(name, image, 0.01)
        assert sure.float().mean() > 0.95
        assert torch.equal(seen.face[image].long()[sure], face[sure])
        hit = sure & (face >= 0)
        torch.testing.assert_close(seen.depth[image, 0][hit].double(), depth[hit], rtol=1e-5, atol=1e-5)
        assert (seen.depth[image, 0][sure & (face < 0)] == 0.0).all()


def test_corners_weighted_by_barycentrics_are_the_point_on_the_ray(mesh: ScreenMesh, backend: Backend) -> None:
    """Corners times their depths add up to the pixel centre times its depth: perspective-correct."""
    seen = rasterize(mesh.screen, mesh.faces, mesh.size, near=0.01, backend=backend)
    for image in range(len(mesh.screen)):
        covered = seen.covered[image, 0]
        row, column = covered.nonzero(as_tuple=True)
        corners = mesh.screen[image][mesh.faces[seen.face[image][covered].long()]].double()
        weights = seen.barycentrics[image][:, covered].T.double()
        point = (weights.unsqueeze(-1) * corners[..., :2] * corners[..., 2:]).sum(dim=1)
        depth = (weights * corners[..., 2]).sum(dim=1)
        torch.testing.assert_close(weights.sum(dim=1), torch.ones(len(row)).double(), rtol=0, atol=1e-6)
        torch.testing.assert_close(seen.depth[image, 0][covered].double(), depth, rtol=1e-5, atol=1e-5)
        centres = torch.stack([column, row], dim=1) + 0.5
        torch.testing.assert_close(point / depth.unsqueeze(1), centres.double(), rtol=1e-5, atol=1e-4)
        assert weights.min() >= 0.0


def test_orthographic_weights_are_linear_on_the_screen(backend: Backend) -> None:
    mesh = shapes.cube((14, 11), batch=2)
    seen = rasterize(mesh.screen, mesh.faces, mesh.size, perspective=False, backend=backend)
    image, row, column = seen.covered.squeeze(1).nonzero(as_tuple=True)
    corners = mesh.screen[image.unsqueeze(1), mesh.faces[seen.face[image, row, column].long()]]
    point = (seen.barycentrics[image, :, row, column].unsqueeze(-1) * corners).sum(dim=1)
    torch.testing.assert_close(point[:, :2], torch.stack([column, row], dim=1) + 0.5, rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(point[:, 2], seen.depth[image, 0, row, column], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("perspective", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_kernels_agree_with_the_reference(
    mesh: ScreenMesh, kernel_backend: Backend, perspective: bool, dtype: torch.dtype
) -> None:
    ours, reference = (
        rasterize(mesh.screen.to(dtype), mesh.faces, mesh.size, perspective=perspective, backend=chosen)
        for chosen in (kernel_backend, "reference")
    )
    assert ours.face.dtype == torch.int32
    assert ours.depth.dtype == ours.barycentrics.dtype == dtype
    same = ours.face == reference.face
    assert same.float().mean() > 0.99
    for got, expected in ((ours.barycentrics, reference.barycentrics), (ours.depth, reference.depth)):
        keep = same.unsqueeze(1).expand_as(got)
        torch.testing.assert_close(got[keep], expected[keep], rtol=1e-5, atol=1e-5)


def test_front_faces_run_counter_clockwise_as_one_looks_at_the_image(backend: Backend) -> None:
    """Row 0 is at the top: left, right, top is counter-clockwise."""
    screen = torch.tensor([[[1.0, 7.0, 1.0], [7.0, 7.0, 1.0], [4.0, 1.0, 1.0]]])
    front, back = torch.tensor([[0, 1, 2]]), torch.tensor([[0, 2, 1]])
    both = [rasterize(screen, faces, (8, 8), backend=backend).covered.sum() for faces in (front, back)]
    culled = [rasterize(screen, faces, (8, 8), cull=True, backend=backend).covered.sum() for faces in (front, back)]
    assert both[0] == both[1] == culled[0] > 10
    assert culled[1] == 0


def test_a_closed_mesh_looks_the_same_without_its_back_faces(backend: Backend) -> None:
    mesh = shapes.icosphere((21, 21), subdivisions=1)
    all_faces = rasterize(mesh.screen, mesh.faces, mesh.size, backend=backend)
    front_faces = rasterize(mesh.screen, mesh.faces, mesh.size, cull=True, backend=backend)
    assert torch.equal(all_faces.face, front_faces.face)


def test_the_order_of_faces_does_not_matter(mesh: ScreenMesh, backend: Backend) -> None:
    order = torch.randperm(len(mesh.faces), generator=torch.Generator().manual_seed(3))
    seen = rasterize(mesh.screen, mesh.faces, mesh.size, backend=backend)
    shuffled = rasterize(mesh.screen, mesh.faces[order], mesh.size, backend=backend)
    names = torch.where(shuffled.face >= 0, order[shuffled.face.long().clamp(min=0)], -1)
    assert torch.equal(names, seen.face.long())
    assert torch.equal(shuffled.depth, seen.depth)
    assert torch.equal(shuffled.barycentrics, seen.barycentrics)


def test_of_faces_at_the_same_place_the_first_one_is_seen(backend: Backend) -> None:
    mesh = shapes.triangle((10, 10))
    faces = torch.tensor([[-1, -1, -1], [0, 1, 2], [1, 2, 0], [2, 1, 0], [0, 1, 2]])
    seen = rasterize(mesh.screen, faces, mesh.size, backend=backend)
    assert set(seen.face.unique().tolist()) == {-1, 1}


def test_results_repeat_to_the_last_bit_with_any_number_of_threads(kernel_backend: Backend) -> None:
    mesh = shapes.soup((33, 20), count=60, batch=2)
    before = torch.get_num_threads()
    results: list[tuple[Fragments, Tensor]] = []
    try:
        for threads in (1, 2, 2):
            torch.set_num_threads(threads)
            leaf = mesh.leaf()
            seen = rasterize(leaf, mesh.faces, mesh.size, backend=kernel_backend)
            (seen.barycentrics.square().sum() + seen.depth.sin().sum()).backward()
            results.append((seen, leaf.grad))
    finally:
        torch.set_num_threads(before)
    for seen, gradient in results[1:]:
        assert torch.equal(seen.face, results[0][0].face)
        assert torch.equal(seen.barycentrics, results[0][0].barycentrics)
        assert torch.equal(seen.depth, results[0][0].depth)
        assert torch.equal(gradient, results[0][1])


def test_a_mesh_of_its_own_for_each_image(backend: Backend) -> None:
    mesh = shapes.cube((13, 13), batch=2)
    faces = torch.stack([mesh.faces, torch.cat([mesh.faces[:5], torch.full((7, 3), -1)])])
    together = rasterize(mesh.screen, faces, mesh.size, backend=backend)
    for image in range(2):
        alone = rasterize(mesh.screen[image : image + 1], faces[image], mesh.size, backend=backend)
        assert torch.equal(together.face[image], alone.face[0])
        assert torch.equal(together.barycentrics[image], alone.barycentrics[0])


def test_lists_that_would_outgrow_the_image_are_made_in_turns() -> None:
    """A thousand faces that each touch every tile."""
    draw = torch.Generator().manual_seed(0)
    corners = torch.tensor([[-10.0, 80.0], [80.0, 80.0], [30.0, -90.0]])
    screen = torch.cat([corners + 5.0 * torch.rand(999, 3, 2, generator=draw), torch.rand(999, 3, 1) + 1.0], dim=-1)
    screen, faces = screen.reshape(1, -1, 3), torch.arange(2997).reshape(-1, 3)
    lists = list(tile_lists(screen.numpy(), faces.unsqueeze(0).numpy(), (64, 64), 0.1, 0.0, False, 2))
    assert len(lists) > 1
    assert max(len(part.ids) for part in lists) <= 999 + 64 * 64
    assert sum(len(part.ids) for part in lists) > 10_000
    ours, reference = (rasterize(screen, faces, (64, 64), backend=chosen) for chosen in ("cpu", "reference"))
    assert torch.equal(ours.face, reference.face)
