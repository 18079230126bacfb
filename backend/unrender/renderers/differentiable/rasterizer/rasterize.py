# SPDX-License-Identifier: Apache-2.0
"""Which face is seen in which pixel, where on the face, and how far away."""

from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from unrender.renderers.differentiable.rasterizer.backends import Backend, kernels, resolve
from unrender.renderers.differentiable.rasterizer.checks import (
    batched,
    check_faces,
    check_near,
    check_screen,
    check_size,
    check_together,
)
from unrender.renderers.differentiable.rasterizer.fragments import Fragments


def rasterize(
    screen: Float[Tensor, "B N 3"],
    faces: Int[Tensor, "*batch F 3"],
    size: tuple[int, int],
    *,
    perspective: bool = True,
    cull: bool = False,
    near: float = 1e-3,
    backend: Backend = "auto",
) -> Fragments:
    """Find the nearest face behind each pixel centre.

    screen: vertices as (column, row, depth), columns and rows in pixels (the centre of pixel (r, c) is at
        (c + 0.5, r + 0.5), row 0 at the top), depth along the viewing axis in world units; float32 or float64.
    faces: vertex indices [F, 3] of one mesh for the whole batch, or [B, F, 3]; rows with a -1 are padding.
    size: (height, width) of the images.
    perspective: True for barycentrics and depths that are linear on the surface in space (weights by 1/depth), False
        for such as are linear on the screen (orthographic cameras).
    cull: leave out faces seen from behind. Front faces run counter-clockwise as one looks at the image.
    near: faces with a vertex nearer than this are left out; `near_plane.clip_near` cuts them instead.

    A pixel is covered by a face if its centre is inside; centres on an edge belong to the face right of it or, on
    horizontal edges, below it. So faces that share an edge neither leave a gap nor overlap. The smallest depth wins,
    and the lowest face index among equal depths. Faces without area, or with a vertex that is not finite, are left out.

    Gradients reach `screen` through the barycentrics and the depth, with the visible face of each pixel held fixed: the
    silhouette's own gradients are the business of `antialias`, `edge_gradients` and the soft primitives. They are equal
    to the last bit from run to run. Raises ValueError for inputs of other shapes, dtypes, devices or index ranges.
    """
    check_screen(screen)
    check_together(screen=screen, faces=faces)
    check_faces(faces, screen.shape[1], screen.shape[0])
    check_size(size)
    check_near(near)
    chosen = resolve(backend, screen)
    module = kernels("rasterize", chosen)
    # Vertices that were put exactly on the near plane are in front of it, whatever the dtype makes of the number.
    nearest = float(torch.tensor(near, dtype=screen.dtype))
    if chosen == "reference":
        fragments: Fragments = module.rasterize(screen, batched(faces), size, perspective, cull, nearest)
        return fragments
    return Fragments(*_Rasterize.apply(screen, batched(faces), size, perspective, cull, nearest, module))


class _Rasterize(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        context: Any,
        screen: Tensor,
        faces: Tensor,
        size: tuple[int, int],
        perspective: bool,
        cull: bool,
        near: float,
        module: ModuleType,
    ) -> tuple[Tensor, Tensor, Tensor]:
        screen = screen.contiguous()
        face, barycentrics, depth = module.rasterize_forward(screen, faces, size, perspective, cull, near)
        context.save_for_backward(screen, faces, face)
        context.perspective, context.module = perspective, module
        context.mark_non_differentiable(face)
        context.set_materialize_grads(False)
        return face, barycentrics, depth

    @staticmethod
    @once_differentiable
    def backward(  # type: ignore[override]
        context: Any, _: None, to_barycentrics: Tensor | None, to_depth: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        screen, faces, face = context.saved_tensors
        if to_barycentrics is None and to_depth is None:
            return (None,) * 7
        gradient = context.module.rasterize_backward(
            screen,
            faces,
            face,
            None if to_barycentrics is None else to_barycentrics.contiguous(),
            None if to_depth is None else to_depth.contiguous(),
            context.perspective,
        )
        return gradient, None, None, None, None, None, None
