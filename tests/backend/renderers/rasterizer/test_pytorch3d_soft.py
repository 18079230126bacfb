# SPDX-License-Identifier: Apache-2.0
"""Soft rasterisation against PyTorch3D's shaders, where the two mean the same: K is the number of all faces, the
cut-off is `blur_radius = ln(1 / negligible - 1) sigma`, and each face has one depth and one colour, for outside of a
face PyTorch3D clips the barycentrics where ours takes the nearest point."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tests.backend.renderers.rasterizer import shapes
from unrender.renderers.differentiable.pytorch3d_rasterizer import ndc_from_screen
from unrender.renderers.differentiable.rasterizer import soft_rasterize

pytestmark = pytest.mark.peer

SIDE = 24
SIGMA = 2e-3  # in PyTorch3D's units
PIXELS = SIGMA * (SIDE / 2) ** 2  # in ours
NEGLIGIBLE = 1e-4
GAMMA, NEAREST, FARTHEST = 0.05, 1.0, 5.0


def their_fragments(screen: Tensor, faces: Tensor) -> object:
    rasterizer = pytest.importorskip("pytorch3d.renderer.mesh.rasterizer")
    from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
    from pytorch3d.structures import Meshes

    points = ndc_from_screen(screen, (SIDE, SIDE))
    found = rasterize_meshes(
        Meshes(verts=list(points), faces=[faces] * len(points)),
        image_size=(SIDE, SIDE),
        blur_radius=math.log(1.0 / NEGLIGIBLE - 1.0) * SIGMA,
        faces_per_pixel=len(faces),
        perspective_correct=False,
        clip_barycentric_coords=True,
    )
    return rasterizer.Fragments(*found)


def test_silhouettes_and_their_gradients_agree() -> None:
    pytest.importorskip("pytorch3d")
    from pytorch3d.renderer.blending import BlendParams, sigmoid_alpha_blend

    mesh = shapes.icosphere((SIDE, SIDE), subdivisions=1, batch=2)
    mine, theirs = mesh.leaf(), mesh.leaf()
    nothing = mine.new_zeros(1, mine.shape[1], 0)
    ours = soft_rasterize(
        mine, mesh.faces, nothing, mesh.size, sigma=PIXELS, negligible=NEGLIGIBLE, perspective=False
    ).alpha
    fragments = their_fragments(theirs, mesh.faces)
    colours = torch.ones(*fragments.pix_to_face.shape, 3)  # type: ignore[attr-defined]
    peer = sigmoid_alpha_blend(colours, fragments, BlendParams(sigma=SIGMA, gamma=GAMMA))[..., 3].unsqueeze(1)
    assert (ours - peer).abs().max() < 2e-4
    weights = torch.randn(ours.shape, generator=torch.Generator().manual_seed(0))
    for alpha in (ours, peer):
        (alpha * weights).sum().backward()
    assert mine.grad is not None
    assert theirs.grad is not None
    columns_and_rows = (mine.grad - theirs.grad)[..., :2].norm() / mine.grad[..., :2].norm()
    assert columns_and_rows < 2e-3


def test_colours_of_faces_at_several_depths_agree() -> None:
    pytest.importorskip("pytorch3d")
    from pytorch3d.renderer.blending import BlendParams, softmax_rgb_blend

    draw = torch.Generator().manual_seed(1)
    count = 12
    corners = SIDE * (torch.rand(count, 1, 2, generator=draw) + 0.5 * torch.randn(count, 3, 2, generator=draw))
    depth = (1.5 + 2.0 * torch.rand(count, 1, 1, generator=draw)).expand(-1, 3, -1)
    screen = torch.cat([corners, depth], dim=-1).reshape(1, -1, 3)
    faces = torch.arange(3 * count).view(-1, 3)
    colour = torch.rand(count, 3, generator=draw)
    ours = soft_rasterize(
        screen,
        faces,
        colour[None],
        (SIDE, SIDE),
        sigma=PIXELS,
        gamma=GAMMA * (FARTHEST - NEAREST),
        far=FARTHEST,
        negligible=NEGLIGIBLE,
        attribute_faces=torch.arange(count).view(-1, 1).expand(-1, 3).contiguous(),
        perspective=False,
    )
    fragments = their_fragments(screen, faces)
    chosen = fragments.pix_to_face  # type: ignore[attr-defined]
    parameters = BlendParams(sigma=SIGMA, gamma=GAMMA, background_color=(0.0, 0.0, 0.0))
    peer = softmax_rgb_blend(colour[chosen.clamp(min=0)], fragments, parameters, znear=NEAREST, zfar=FARTHEST)
    assert (ours.alpha - peer[..., 3].unsqueeze(1)).abs().max() < 2e-4
    assert (ours.colour - peer[..., :3].permute(0, 3, 1, 2)).abs().max() < 2e-3
