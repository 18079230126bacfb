# SPDX-License-Identifier: Apache-2.0
"""Vertex attributes at the visible point of each pixel."""

from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from unrender.renderers.differentiable.rasterizer.backends import Backend, kernels, resolve
from unrender.renderers.differentiable.rasterizer.checks import (
    batched,
    check_attributes,
    check_faces,
    check_fragments,
    check_together,
)
from unrender.renderers.differentiable.rasterizer.fragments import Fragments


def interpolate(
    attributes: Float[Tensor, "batch N C"],
    fragments: Fragments,
    faces: Int[Tensor, "*batch F 3"],
    *,
    backend: Backend = "auto",
) -> Float[Tensor, "B C H W"]:
    """Weigh the attributes of each visible face's corners by the barycentrics; 0 where nothing is.

    attributes: one row per vertex, [B, N, C], or [1, N, C] for the whole batch.
    faces: which attributes the corners of each face have: the faces that were rasterised, or others in the same order
        (texture coordinates with seams have faces of their own).

    Gradients reach the attributes and the barycentrics, and are equal to the last bit from run to run. Raises
    ValueError for inputs of other shapes, dtypes, devices or index ranges.
    """
    check_attributes(attributes, fragments)
    check_together(attributes=attributes, faces=faces, face=fragments.face, barycentrics=fragments.barycentrics)
    check_faces(faces, attributes.shape[1], fragments.face.shape[0])
    check_fragments(fragments, faces)
    chosen = resolve(backend, attributes)
    module = kernels("interpolate", chosen)
    if chosen == "reference":
        image: Tensor = module.interpolate(attributes, fragments, batched(faces))
        return image
    image = _Interpolate.apply(attributes, fragments.barycentrics, fragments.face, batched(faces), module)
    return image


class _Interpolate(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        context: Any, attributes: Tensor, barycentrics: Tensor, face: Tensor, faces: Tensor, module: ModuleType
    ) -> Tensor:
        attributes, barycentrics, face = attributes.contiguous(), barycentrics.contiguous(), face.contiguous()
        context.save_for_backward(attributes, barycentrics, face, faces)
        context.module = module
        image: Tensor = module.interpolate_forward(attributes, barycentrics, face, faces)
        return image

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        attributes, barycentrics, face, faces = context.saved_tensors
        to_attributes, to_barycentrics = context.module.interpolate_backward(
            attributes, barycentrics, face, faces, gradient.contiguous(), *context.needs_input_grad[:2]
        )
        return to_attributes, to_barycentrics, None, None, None
