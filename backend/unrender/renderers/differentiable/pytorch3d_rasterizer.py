# SPDX-License-Identifier: Apache-2.0
"""PyTorch3D's mesh rasteriser behind our contract: an option, and the peer that ours is measured against.

PyTorch3D looks along +z with x to the left and y up, in coordinates that run from -1 to 1 over the shorter side of the
image. It computes in float32, on CPU and CUDA.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unrender.errors import UserError
from unrender.renderers.differentiable.rasterizer.checks import (
    batched,
    check_faces,
    check_screen,
    check_size,
    check_together,
)
from unrender.renderers.differentiable.rasterizer.fragments import Fragments


def rasterize_with_pytorch3d(
    screen: Float[Tensor, "B N 3"],
    faces: Int[Tensor, "*batch F 3"],
    size: tuple[int, int],
    *,
    perspective: bool = True,
    cull: bool = False,
    near: float = 1e-3,
) -> Fragments:
    """What `rasterizer.rasterize` returns, by PyTorch3D (`faces_per_pixel=1`, `blur_radius=0`).

    It differs from ours where pixel centres lie on edges, for PyTorch3D has no fill rule, and passes over faces of less
    than 1e-8 of its units squared. Gradients reach `screen` through barycentrics and depth. Raises UserError where
    PyTorch3D is not installed, ValueError as `rasterize` does.
    """
    check_screen(screen)
    check_faces(faces, screen.shape[1], screen.shape[0])
    check_size(size)
    check_together(screen=screen, faces=faces)
    rasterize_meshes, meshes_type = _import()
    each = batched(faces).expand(len(screen), -1, -1).long()
    drawn = _drawn(screen, each, near) if screen.shape[1] else torch.zeros_like(each[..., 0], dtype=torch.bool)
    if not bool(drawn.any()):
        return _empty(screen, size)
    points = list(ndc_from_screen(screen, size).float())
    triangles = [own[keep] for own, keep in zip(each, drawn, strict=True)]
    packed, depth, barycentrics, _ = rasterize_meshes(
        meshes_type(verts=points, faces=triangles),
        image_size=size,
        blur_radius=0.0,
        faces_per_pixel=1,
        perspective_correct=perspective,
        clip_barycentric_coords=False,
        cull_backfaces=cull,
    )
    own_index = drawn.nonzero()[:, 1]  # of PyTorch3D's packed faces, within their own mesh
    covered = packed[..., 0] >= 0
    face = torch.where(covered, own_index[packed[..., 0].clamp(min=0)], -1)
    mask = covered.unsqueeze(1)
    return Fragments(
        face.int(),
        torch.where(mask, barycentrics[..., 0, :].permute(0, 3, 1, 2), 0.0).to(screen.dtype),
        torch.where(mask, depth[..., 0].unsqueeze(1), 0.0).to(screen.dtype),
    )


def ndc_from_screen(screen: Float[Tensor, "B N 3"], size: tuple[int, int]) -> Float[Tensor, "B N 3"]:
    """From pixels to PyTorch3D's x to the left and y up, -1 to 1 over the shorter side; the depth stays as it is."""
    height, width = size
    centre = screen.new_tensor([0.5 * width, 0.5 * height, 0.0])
    unit = screen.new_tensor([-2.0 / min(size), -2.0 / min(size), 1.0])
    return (screen - centre) * unit


def _drawn(screen: Tensor, faces: Tensor, near: float) -> Bool[Tensor, "B F"]:
    """Faces that are no padding and whose corners are all finite and not nearer than `near`."""
    is_good = screen.isfinite().all(dim=-1) & (screen[..., 2] >= near)
    corners = faces.clamp(min=0).flatten(1)
    return is_good.gather(1, corners).view_as(faces).all(dim=-1) & (faces >= 0).all(dim=-1)


def _empty(screen: Tensor, size: tuple[int, int]) -> Fragments:
    face = torch.full((len(screen), *size), -1, dtype=torch.int32, device=screen.device)
    return Fragments(face, screen.new_zeros(len(screen), 3, *size), screen.new_zeros(len(screen), 1, *size))


def _import() -> tuple[Any, Any]:
    try:
        from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
        from pytorch3d.structures import Meshes
    except ImportError as error:
        raise UserError(
            f'rasterizer is "pytorch3d", but PyTorch3D cannot be imported ({error}).',
            'Install it (pip install "unrender[pytorch3d]", or from its source as its INSTALL.md says), or use '
            'rasterizer = "own".',
        ) from error
    return rasterize_meshes, Meshes
