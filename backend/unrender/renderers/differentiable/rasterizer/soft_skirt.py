# SPDX-License-Identifier: Apache-2.0
"""The one-pixel skirt of Szabo et al.: pictures whose silhouettes have exact gradients.

What it is: a crisp image, and a second layer around every outline that fades out over `margin` pixels, coloured as the
nearest point of the surface. Both are composited, so pictures are continuous in the vertices, and plain derivatives of
that are the gradients of the silhouette. When to use it: to learn shape and texture from pictures at once, as the
textured-mesh GAN does. It dilates the silhouette by margin / 2 on average: make targets in the same way. Gradients come
from within `margin` pixels only.

Szabo, Meishvili, Favaro, Unsupervised Generative 3D Shape Learning from Natural Images, 2019, and the first author's
pTFrenderer. There a fragment of the skirt at distance d is pushed away from the eye to `depth (1 + push d / margin)`
before its depth is compared with that of the crisp surface; this hides it where the surface goes on behind the edge of
a face, but also where an outline passes closely before another surface: for a relative gap g the skirt ends at
`d = g margin / push`, where its alpha falls from `1 - g / push` to 0.

The corrected depth test needs no push: skirts start at contours only (edges where the surface ends or folds back
under itself, see `casting`), on their outer side, and show wherever the contour itself is nearer than the crisp
surface. Of several the one with the largest alpha shows. Alpha is then 1 - d / margin for the distance d from the
nearest contour that is before the crisp surface: it has no jump where an outline passes before another surface, however
close.
"""

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from unrender.renderers.differentiable.rasterizer.backends import Backend, kernels, resolve
from unrender.renderers.differentiable.rasterizer.casting import casting_features
from unrender.renderers.differentiable.rasterizer.checks import (
    batched,
    check_faces,
    check_fragments,
    check_near,
    check_screen,
    check_together,
)
from unrender.renderers.differentiable.rasterizer.fragments import Fragments

DepthTest = Literal["szabo", "corrected"]

_ROUNDING = 1e-6  # of a depth


@dataclass(frozen=True, slots=True)
class Skirt:
    """The layer that lies over the crisp one.

    fragments: nearest point of the surface for each pixel of the skirt, to shade as those of `rasterize`; the depth is
        that of the point, not pushed. Face -1 where there is no skirt.
    alpha: `1 - distance / margin`, 0 where there is no skirt.
    """

    fragments: Fragments
    alpha: Float[Tensor, "B 1 H W"]


def soft_skirt(
    screen: Float[Tensor, "B N 3"],
    faces: Int[Tensor, "*batch F 3"],
    fragments: Fragments,
    *,
    margin: float = 1.0,
    push: float = 0.5,
    depth_test: DepthTest = "szabo",
    perspective: bool = True,
    cull: bool = False,
    near: float = 1e-3,
    backend: Backend = "auto",
) -> Skirt:
    """Find the skirt of rasterised meshes: for each pixel at most one point of a surface that ends beside it.

    screen, faces, perspective, cull, near: as they were given to `rasterize`. fragments: what it returned.
    margin: width of the skirt in pixels; 0 for none. push: how much Szabo's test moves the outer end of the skirt away,
    as a share of its depth. depth_test: "szabo", or "corrected" (see above). Of faces that are equally good (the two
    that share the edge), one seen from the front is taken, then the lowest index.

    Gradients reach `screen` through alpha, barycentrics and depth of the skirt, with its face held fixed; they are
    equal to the last bit from run to run. Raises ValueError for inputs of other shapes, dtypes, devices or ranges.
    """
    check_screen(screen)
    check_faces(faces, screen.shape[1], screen.shape[0])
    check_fragments(fragments, faces)
    check_near(near)
    check_together(screen=screen, faces=faces, face=fragments.face, depth=fragments.depth)
    if fragments.face.shape[0] != screen.shape[0]:
        raise ValueError(
            f"fragments of {fragments.face.shape[0]} images came with {screen.shape[0]} meshes; expected one each"
        )
    if not (0.0 <= margin < math.inf and 0.0 <= push < math.inf):
        raise ValueError(f"margin came as {margin} and push as {push}; expected finite numbers of at least 0")
    if depth_test not in ("szabo", "corrected"):
        raise ValueError(f'depth_test came as "{depth_test}"; expected "szabo" or "corrected"')
    chosen = resolve(backend, screen)
    module = kernels("soft_skirt", chosen)
    closest = float(torch.tensor(near, dtype=screen.dtype))
    casting = casting_features(screen, faces, closest) if depth_test == "corrected" else None
    # Nearer by rounding alone is not nearer: a centre on an edge within a surface sees it at the same depth twice.
    crisp = torch.where(fragments.covered, fragments.depth.detach() * (1.0 - _ROUNDING), math.inf)
    settings = (margin, push, casting, perspective, cull, closest)
    if chosen == "reference":
        face, barycentrics, depth, alpha = module.soft_skirt(screen, batched(faces), crisp, *settings)
    else:
        face, barycentrics, depth, alpha = _SoftSkirt.apply(screen, batched(faces), crisp, settings, module)
    return Skirt(Fragments(face, barycentrics, depth), alpha)


def composite_skirt(
    skirt: Skirt, over: Float[Tensor, "B C H W"], under: Float[Tensor, "B C H W"]
) -> Float[Tensor, "B C H W"]:
    """Lay the skirt over the crisp layer: `alpha over + (1 - alpha) under`.

    over: what the skirt's fragments look like, as if they were opaque. under: the crisp image, premultiplied. The alpha
    of the picture is composited in the same way, from ones over the crisp alpha.
    """
    return torch.lerp(under, over, skirt.alpha)


Settings = tuple[float, float, Tensor | None, bool, bool, float]


class _SoftSkirt(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        context: Any, screen: Tensor, faces: Tensor, crisp: Tensor, settings: Settings, module: ModuleType
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        screen = screen.contiguous()
        face, barycentrics, depth, alpha = module.soft_skirt_forward(screen, faces, crisp, *settings)
        context.save_for_backward(screen, faces, face)
        context.margin, context.perspective, context.module = settings[0], settings[3], module
        context.mark_non_differentiable(face)
        return face, barycentrics, depth, alpha

    @staticmethod
    @once_differentiable
    def backward(  # type: ignore[override]
        context: Any, _: Tensor | None, to_barycentrics: Tensor, to_depth: Tensor, to_alpha: Tensor
    ) -> tuple[Tensor | None, ...]:
        screen, faces, face = context.saved_tensors
        gradients = [gradient.contiguous() for gradient in (to_barycentrics, to_depth, to_alpha)]
        to_screen = context.module.soft_skirt_backward(
            screen, faces, face, *gradients, context.margin, context.perspective
        )
        return to_screen, None, None, None, None
