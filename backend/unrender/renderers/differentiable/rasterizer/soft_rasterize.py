# SPDX-License-Identifier: Apache-2.0
"""Soft rasterisation: every face is a blurred patch, and all patches are blended (SoftRas).

What it is: face j covers a pixel with the probability `D_j = sigmoid(+-d_j^2 / sigma)`, d_j the distance in pixels to
the border of the face, + inside. Silhouettes are `1 - prod_j (1 - D_j)`; attributes are blended with weights
`D_j exp(-depth_j / gamma)`. When to use it: to fit shapes from far-off starts, where gradients have to reach vertices
that are hidden, or that should be nearer or farther. Pictures are blurred: to show them, use `rasterize`. Every face
within reach of a pixel counts: there is no limit of faces per pixel.

Liu et al., Soft Rasterizer: A Differentiable Renderer for Image-based 3D Reasoning, 2019, section 3. Outside a face
the attributes and the depth are those of its nearest point, so both are continuous.
"""

import math
from dataclasses import dataclass
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
    described,
)


@dataclass(frozen=True, slots=True)
class SoftImages:
    """What `soft_rasterize` makes.

    colour: the blended attributes, without the background's share: add `background_weight * background` to it. Not
        multiplied by alpha.
    alpha: the silhouette.
    background_weight: the weight of the background in the blend; 1 where no face is within reach.
    """

    colour: Float[Tensor, "B C H W"]
    alpha: Float[Tensor, "B 1 H W"]
    background_weight: Float[Tensor, "B 1 H W"]


def soft_rasterize(
    screen: Float[Tensor, "B N 3"],
    faces: Int[Tensor, "*batch F 3"],
    attributes: Float[Tensor, "batch2 M C"],
    size: tuple[int, int],
    *,
    sigma: float = 0.4,
    gamma: float = 0.01,
    far: float = 100.0,
    negligible: float = 1e-4,
    attribute_faces: Int[Tensor, "*batch3 F2 3"] | None = None,
    perspective: bool = True,
    cull: bool = False,
    near: float = 1e-3,
    backend: Backend = "auto",
) -> SoftImages:
    """Blend all faces of each mesh into soft silhouettes and soft images of the attributes.

    screen, faces, size, perspective, cull, near: as for `rasterize`.
    attributes: one row per vertex, [B, M, C], or [1, M, C] for the whole batch. C may be 0 for silhouettes alone.
    attribute_faces: the attributes of the corners of each face, where these are not those of `faces`. Attributes of
        several surfaces are blended, so texture coordinates cannot be among them: sample the texture at the corners
        and pass the colours, or use `antialias` or `soft_skirt` where the texture is finer than the mesh.
    sigma: squared pixels; how soft the borders are. The sigma of SoftRas is for images that span -1 to 1: multiply it
        by (S / 2)^2 for S x S pixels (1e-4 is 0.41 at 128 x 128).
    gamma: units of depth; how much nearer a surface must be to hide another one. The gamma of SoftRas times its
        far - near.
    far: the depth of the background in the blend; everything should be nearer.
    negligible: faces that would cover a pixel with a lower probability are left out there.

    Gradients reach `screen`, hidden vertices and depths included, and `attributes`; they are equal to the last bit from
    run to run. Raises ValueError for inputs of other shapes, dtypes, devices or ranges.
    """
    check_screen(screen)
    check_faces(faces, screen.shape[1], screen.shape[0])
    check_size(size)
    check_near(near)
    check_together(screen=screen, faces=faces, attributes=attributes, attribute_faces=attribute_faces)
    if attributes.ndim != 3 or attributes.shape[0] not in (1, screen.shape[0]):
        raise ValueError(
            f"attributes came as {described(attributes)}; expected [1, M, C] or [{screen.shape[0]}, M, C], "
            "one row per vertex"
        )
    corners = faces if attribute_faces is None else attribute_faces
    check_faces(corners, attributes.shape[1], screen.shape[0])
    if corners.shape[-2] != faces.shape[-2]:
        raise ValueError(
            f"{corners.shape[-2]} attribute_faces came with {faces.shape[-2]} faces; expected one for each"
        )
    if not (0.0 < sigma < math.inf and 0.0 < gamma < math.inf and 0.0 < negligible < 0.5):
        raise ValueError(
            f"sigma came as {sigma}, gamma as {gamma} and negligible as {negligible}; expected finite numbers above 0, "
            "the last one below 0.5"
        )
    chosen = resolve(backend, screen)
    module = kernels("soft_rasterize", chosen)
    settings = _settings(screen.dtype, sigma, gamma, far, negligible, perspective, cull, near)
    tensors = (screen, batched(faces), attributes, batched(corners))
    if chosen == "reference":
        return SoftImages(*module.soft_rasterize(*tensors, size, *settings))
    return SoftImages(*_SoftRasterize.apply(*tensors, size, settings, module))


Settings = tuple[float, float, float, float, bool, bool, float]


def _settings(
    dtype: torch.dtype,
    sigma: float,
    gamma: float,
    far: float,
    negligible: float,
    perspective: bool,
    cull: bool,
    near: float,
) -> Settings:
    """(sigma, gamma, reach, far, perspective, cull, near) as the kernels take them."""
    reach = math.sqrt(sigma * math.log(1.0 / negligible - 1.0))
    return sigma, gamma, reach, far, perspective, cull, float(torch.tensor(near, dtype=dtype))


class _SoftRasterize(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        context: Any,
        screen: Tensor,
        faces: Tensor,
        attributes: Tensor,
        attribute_faces: Tensor,
        size: tuple[int, int],
        settings: Settings,
        module: ModuleType,
    ) -> tuple[Tensor, Tensor, Tensor]:
        screen, attributes = screen.contiguous(), attributes.contiguous()
        *images, kept = module.soft_rasterize_forward(screen, faces, attributes, attribute_faces, size, *settings)
        context.save_for_backward(screen, faces, attributes, attribute_faces, *images, *kept)
        context.settings, context.module = settings, module
        return tuple(images)

    @staticmethod
    @once_differentiable
    def backward(  # type: ignore[override]
        context: Any, to_colour: Tensor, to_alpha: Tensor, to_background: Tensor
    ) -> tuple[Tensor | None, ...]:
        gradients = [gradient.contiguous() for gradient in (to_colour, to_alpha, to_background)]
        to_screen, to_attributes = context.module.soft_rasterize_backward(
            *context.saved_tensors, *gradients, *context.settings
        )
        return to_screen, None, to_attributes, None, None, None, None
