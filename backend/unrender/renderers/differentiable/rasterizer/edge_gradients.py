# SPDX-License-Identifier: Apache-2.0
"""Gradients of the outlines, for images that keep their hard pixels.

What it is: the image passes unchanged. On the way back, each pair of neighbouring pixels that see different surfaces is
taken for a step with the visible surface's border in the middle. If the border moves by d pixels to the right, the
right pixel changes by d times the difference of the two, and the loss by
`d sum_c (I_left - I_right) (g_left + g_right) / 2` with the incoming gradient g; likewise for a pixel and the one
below. The border moves with the surface in front, so that is the gradient of the place of its fragment, and goes to the
vertices by its barycentrics, which are held fixed. It is the boundary integral of the image's derivative (Reynolds'
transport theorem) with one sample per pair of pixels, after Pidhorskyi et al., Rasterized Edge Gradients, ECCV 2024.

When to use it: when the image has to be what the rasteriser made: hard masks, labels, depth and normal maps, or a
discriminator that would notice blended pixels. It costs nothing forward, knows the curves along which surfaces run
through each other, which no other mode does, and its gradient goes to all three vertices of the faces inside the
outline. The gradient is not the derivative of the image that comes out (that is a step function), but close to that of
a finely sampled one, so a loss over it goes down on average but not in every step; `antialias` is smoother where
blended pixels do no harm. Nothing that moves or mixes pixels (blur, crop, resize) may lie between rasterisation and
this function.
"""

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
    check_fragments,
    check_screen,
    check_together,
)
from unrender.renderers.differentiable.rasterizer.contours import check_image
from unrender.renderers.differentiable.rasterizer.edges import edge_ring
from unrender.renderers.differentiable.rasterizer.fragments import Fragments


def edge_gradients(
    image: Float[Tensor, "B C H W"],
    screen: Float[Tensor, "B N 3"],
    faces: Int[Tensor, "*batch F 3"],
    fragments: Fragments,
    *,
    perspective: bool = True,
    backend: Backend = "auto",
) -> Float[Tensor, "B C H W"]:
    """Pass the image on unchanged, and add the gradient of the visible borders to `screen` on the way back.

    image: what was made of the fragments, whichever channels (coverage is `fragments.covered` as numbers).
    screen, faces, perspective: what the fragments were rasterised from. Vertices must be shared where the surface goes
        on, as for `antialias`.

    What a pair of pixels with different faces is taken for (`contours` says how that is found out):

    - one is empty: the border of the other's surface;
    - one surface goes on behind the other: the border of the one in front;
    - the surface goes on from one to the other over shared edges: nothing, the two are adjacent;
    - both go on behind each other: the curve along which they cross. A change dz of a surface's depth moves it by
      `dz D / |D|^2` with D the difference of the two depths' slopes, in depth per pixel: this is the one border that
      sends a gradient to the depths. Planes that are nearly the same (|D| under a fiftieth of the slopes) send none.

    Gradients reach `image` (passed on as they come) and `screen`; they are equal to the last bit from run to run.

    Missed: whatever no pixel centre sees. The border is taken to be in the middle between two pixels and to move like
    the surface at the pixel's centre, so that gradients are right to about one pixel over the size of what moves.

    Raises ValueError for inputs of other shapes, dtypes, devices or index ranges.
    """
    check_screen(screen)
    check_faces(faces, screen.shape[1], screen.shape[0])
    check_fragments(fragments, faces)
    check_image(image, screen, fragments)
    seen = (fragments.face, fragments.barycentrics, fragments.depth)
    check_together(image=image, screen=screen, faces=faces, face=seen[0], barycentrics=seen[1], depth=seen[2])
    module = kernels("edge_gradients", resolve(backend, image))
    if not screen.requires_grad:
        return image
    passed: Tensor = _EdgeGradients.apply(image, screen, faces, *(part.detach() for part in seen), perspective, module)
    return passed


class _EdgeGradients(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        context: Any,
        image: Tensor,
        screen: Tensor,
        faces: Tensor,
        face: Tensor,
        barycentrics: Tensor,
        depth: Tensor,
        perspective: bool,
        module: ModuleType,
    ) -> Tensor:
        context.save_for_backward(image, screen, faces, face, barycentrics, depth)
        context.perspective, context.module = perspective, module
        return image.view_as(image)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        image, screen, faces, face, barycentrics, depth = context.saved_tensors
        ring = edge_ring(faces, screen.shape[1])
        kept = (image, screen, batched(faces), ring, face, barycentrics, depth, gradient)
        to_screen = context.module.edge_gradients_backward(*(part.contiguous() for part in kept), context.perspective)
        return gradient, to_screen, None, None, None, None, None, None
