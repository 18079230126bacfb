# SPDX-License-Identifier: Apache-2.0
"""PyTorch3D behind our contract: where it is installed it agrees with ours, where it is not it says so."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
import torch

from tests.backend.renderers.rasterizer import shapes
from unrender.errors import UserError
from unrender.renderers.differentiable.pytorch3d_rasterizer import ndc_from_screen, rasterize_with_pytorch3d
from unrender.renderers.differentiable.rasterizer import Fragments, rasterize

MESHES: dict[str, Callable[[], shapes.ScreenMesh]] = {
    "cube": lambda: shapes.cube((48, 48), batch=2),
    "sphere": lambda: shapes.icosphere((64, 64), subdivisions=3, batch=3),
    "torus, wide image": lambda: shapes.torus((40, 64), rings=24, sides=16, batch=2),
    "torus, high image": lambda: shapes.torus((65, 33), rings=24, sides=16, batch=2),
    "soup with bad faces": lambda: shapes.soup((31, 47), count=40, batch=2),
    "faces that cross": lambda: shapes.crossing_triangles((32, 32)),
}
BAND = 0.01  # share of the covered pixels whose centres may lie so near to an edge that rounding decides


def both(
    mesh: shapes.ScreenMesh, perspective: bool, cull: bool
) -> tuple[Fragments, Fragments, torch.Tensor, torch.Tensor]:
    mine, theirs = mesh.leaf(), mesh.leaf()
    return (
        rasterize(mine, mesh.faces, mesh.size, perspective=perspective, cull=cull),
        rasterize_with_pytorch3d(theirs, mesh.faces, mesh.size, perspective=perspective, cull=cull),
        mine,
        theirs,
    )


@pytest.mark.peer
@pytest.mark.parametrize("cull", [False, True])
@pytest.mark.parametrize("perspective", [True, False])
@pytest.mark.parametrize("name", MESHES)
def test_ids_barycentrics_depths_and_their_gradients_agree(name: str, perspective: bool, cull: bool) -> None:
    pytest.importorskip("pytorch3d")
    ours, peer, our_screen, peer_screen = both(MESHES[name](), perspective, cull)
    same = ours.face == peer.face
    covered = ours.covered.squeeze(1)
    assert int(covered.sum()) > 50
    assert int((~same).sum()) <= BAND * int(covered.sum())
    # PyTorch3D computes in float32: on faces that are seen from the side it loses digits, and ours does not.
    difference = (ours.barycentrics - peer.barycentrics).abs().amax(dim=1)
    assert difference[same & covered].quantile(0.98) < 1e-5
    assert (ours.depth - peer.depth).abs().squeeze(1)[same & covered].quantile(0.98) < 2e-5

    mask = (same & covered & (difference < 1e-5)).unsqueeze(1)
    draw = torch.Generator().manual_seed(0)
    weights = [torch.randn(ours.barycentrics.shape, generator=draw), torch.randn(ours.depth.shape, generator=draw)]
    for fragments in (ours, peer):
        ((fragments.barycentrics * weights[0] + fragments.depth * weights[1]) * mask).sum().backward()
    assert our_screen.grad is not None
    assert peer_screen.grad is not None
    assert (our_screen.grad - peer_screen.grad).norm() < 2e-3 * our_screen.grad.norm()


@pytest.mark.peer
def test_meshes_of_a_batch_may_be_empty_or_padded() -> None:
    pytest.importorskip("pytorch3d")
    mesh = shapes.cube((24, 24), batch=3)
    faces = mesh.faces.expand(3, -1, -1).clone()
    faces[1] = -1
    faces[2, 6:] = -1
    ours = rasterize(mesh.screen, faces, mesh.size)
    peer = rasterize_with_pytorch3d(mesh.screen, faces, mesh.size)
    assert torch.equal(ours.face, peer.face)
    assert not bool(peer.covered[1].any())
    nothing = rasterize_with_pytorch3d(mesh.screen, torch.full((1, 3), -1), mesh.size)
    assert not bool(nothing.covered.any())


@pytest.mark.peer
def test_double_precision_goes_in_and_comes_out() -> None:
    pytest.importorskip("pytorch3d")
    mesh = shapes.cube((16, 16), dtype=torch.float64)
    peer = rasterize_with_pytorch3d(mesh.screen, mesh.faces, mesh.size)
    assert peer.depth.dtype == peer.barycentrics.dtype == torch.float64


def test_its_coordinates_have_x_to_the_left_y_up_and_one_unit_to_the_nearer_border() -> None:
    corners = torch.tensor([[[0.0, 0.0, 2.0], [40.0, 20.0, 3.0], [20.0, 10.0, 4.0], [30.0, 10.0, 5.0]]])
    expected = torch.tensor([[[2.0, 1.0, 2.0], [-2.0, -1.0, 3.0], [0.0, 0.0, 4.0], [-1.0, 0.0, 5.0]]])
    assert torch.equal(ndc_from_screen(corners, (20, 40)), expected)


def test_without_pytorch3d_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pytorch3d", "pytorch3d.renderer.mesh.rasterize_meshes", "pytorch3d.structures"):
        monkeypatch.setitem(sys.modules, name, None)
    mesh = shapes.triangle()
    with pytest.raises(UserError, match=r"unrender\[pytorch3d\].*\"own\""):
        rasterize_with_pytorch3d(mesh.screen, mesh.faces, mesh.size)


def test_bad_input_is_refused_before_pytorch3d_is_needed() -> None:
    mesh = shapes.triangle()
    with pytest.raises(ValueError, match="names vertex 7"):
        rasterize_with_pytorch3d(mesh.screen, torch.tensor([[0, 1, 7]]), mesh.size)
