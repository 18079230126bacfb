# SPDX-License-Identifier: Apache-2.0
"""Looking up textures: bilinear or mip-mapped, with gradients to where they are looked up and to every texel."""

from types import ModuleType
from typing import Any, Literal

import torch
from jaxtyping import Float, Integer
from torch import Tensor
from torch.autograd.function import once_differentiable

from unrender.renderers.differentiable.rasterizer.backends import Backend, kernels, resolve
from unrender.renderers.differentiable.rasterizer.checks import (
    batched,
    check_faces,
    check_screen,
    check_together,
    described,
)
from unrender.renderers.differentiable.rasterizer.fragments import Fragments
from unrender.renderers.differentiable.rasterizer.reference import texture as reference

Filter = Literal["bilinear", "mipmap"]
Wrap = Literal["clamp", "repeat"]


def texture(
    uv: Float[Tensor, "B 2 H W"],
    image: Float[Tensor, "B2 C h w"],
    *,
    footprint: Float[Tensor, "B 4 H W"] | None = None,
    filter: Filter = "bilinear",
    wrap: Wrap = "clamp",
    backend: Backend = "auto",
) -> Float[Tensor, "B C H W"]:
    """Look up a texture, one for each image of the batch or one for all.

    uv: u to the right and v up, as in Blender: (0, 0) is the lower left corner of the texture, (1, 1) the upper right
        one, and row 0 of `image` is its upper edge. The centre of texel (row i, column j) is at
        ((j + 0.5) / w, 1 - (i + 0.5) / h). Where uv is not finite the result is 0.
    filter: "bilinear" mixes the four nearest texels. "mipmap" also mixes the two levels of the texture's pyramid of
        box filters whose texels come nearest to the size of a pixel (trilinear), so that a texture seen from afar does
        not flicker; it needs `footprint`, and takes the longer side of it, hence blurs along the shorter one.
    footprint: by how much uv changes from pixel to pixel, from `uv_footprint`; "bilinear" does not look at it.
    wrap: outside of the texture, "clamp" goes on with its border and "repeat" with its opposite side.

    Gradients reach uv and all texels, through every level of the pyramid; the choice of the level is taken as constant,
    and so carries none. The gradient of the texture is added up in a fixed order.
    Raises ValueError for what does not fit together.
    """
    _check(uv, image, footprint, filter, wrap)
    footprint = footprint if filter == "mipmap" else None
    implementation = resolve(backend, uv)
    if implementation == "reference":
        return reference.sample_texture(uv, image, footprint, wrap == "repeat")
    result: Tensor = _Texture.apply(uv, image, footprint, wrap == "repeat", kernels("texture", implementation))
    return result


def uv_footprint(
    uv: Float[Tensor, "B2 M 2"],
    screen: Float[Tensor, "B N 3"],
    fragments: Fragments,
    faces: Integer[Tensor, "*batch F 3"],
    *,
    uv_faces: Integer[Tensor, "*batch2 F 3"] | None = None,
    perspective: bool = True,
    backend: Backend = "auto",
) -> Float[Tensor, "B 4 H W"]:
    """How uv changes over a pixel: (du/dcolumn, dv/dcolumn, du/drow, dv/drow), 0 where nothing is.

    uv: of the corners, [M, 2] for each mesh or for all. uv_faces: which uv the corners of each face have; None if each
    vertex has one. perspective: as given to `rasterize`. It is exact within a face, and carries no gradient.
    Raises ValueError for what does not fit together.
    """
    uv_faces = faces if uv_faces is None else uv_faces
    check_screen(screen)
    check_together(uv=uv, screen=screen, faces=faces, uv_faces=uv_faces, barycentrics=fragments.barycentrics)
    check_faces(faces, screen.shape[1], len(screen))
    check_faces(uv_faces, uv.shape[1], len(screen))
    if len(uv) not in (1, len(screen)):
        raise ValueError(f"uv of {len(uv)} meshes came with a batch of {len(screen)}; expected one or as many")
    if uv_faces.shape[-2] != faces.shape[-2]:
        raise ValueError(f"{uv_faces.shape[-2]} uv faces came with {faces.shape[-2]} faces; expected as many")
    if resolve(backend, screen) != "cpu":  # a few gathers: not worth a CUDA kernel of its own
        return reference.footprint_of(uv, uv_faces, screen, faces, fragments, perspective)
    result: Tensor = kernels("footprint", "cpu").footprint_of(
        uv.detach().contiguous(),
        batched(uv_faces),
        screen.detach().contiguous(),
        batched(faces),
        fragments,
        perspective,
    )
    return result


def _check(uv: Tensor, image: Tensor, footprint: Tensor | None, filter: str, wrap: str) -> None:
    if filter not in ("bilinear", "mipmap"):
        raise ValueError(f'filter came as "{filter}"; expected "bilinear" or "mipmap"')
    if wrap not in ("clamp", "repeat"):
        raise ValueError(f'wrap came as "{wrap}"; expected "clamp" or "repeat"')
    if uv.ndim != 4 or uv.shape[1] != 2 or not uv.is_floating_point():
        raise ValueError(f"uv came as {described(uv)}; expected floats [B, 2, H, W]")
    if image.ndim != 4 or len(image) not in (1, len(uv)) or min(image.shape[1:]) < 1:
        raise ValueError(
            f"The texture came as {described(image)}; expected [1 or {len(uv)}, C, h, w], and at least one texel"
        )
    if filter == "mipmap" and footprint is None:
        raise ValueError('filter "mipmap" came without a footprint; pass that of uv_footprint, or use "bilinear"')
    if footprint is not None and footprint.shape != (len(uv), 4, *uv.shape[2:]):
        raise ValueError(
            f"The footprint came as {described(footprint)}; expected [{len(uv)}, 4, {uv.shape[2]}, {uv.shape[3]}]"
        )
    check_together(uv=uv, image=image, footprint=footprint)


class _Texture(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        context: Any, uv: Tensor, image: Tensor, footprint: Tensor | None, repeat: bool, module: ModuleType
    ) -> Tensor:
        uv, image = uv.contiguous(), image.contiguous()
        footprint = None if footprint is None else footprint.contiguous()
        result, coarser = module.texture_forward(uv, image, footprint, repeat)
        context.save_for_backward(uv, image, footprint, coarser)
        context.repeat, context.module = repeat, module
        return result

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        uv, image, footprint, coarser = context.saved_tensors
        of_uv, of_image = context.module.texture_backward(
            uv, image, footprint, coarser, context.repeat, gradient.contiguous(), context.needs_input_grad[:2]
        )
        return of_uv, of_image, None, None, None
