# SPDX-License-Identifier: Apache-2.0
"""CUDA kernels of `interpolate.interpolate`: a thread per pixel, and sums by vertex in a fixed order."""

import torch
import triton.language as tl
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.cuda.corners import load_indices
from unrender.renderers.differentiable.rasterizer.cuda.device import BLOCK, blocks, kernel, launch
from unrender.renderers.differentiable.rasterizer.cuda.scatter import scatter_weighted

# mypy: disable-error-code="no-untyped-def"


def interpolate_forward(attributes: Tensor, barycentrics: Tensor, face: Tensor, faces: Tensor) -> Tensor:
    """Images [B, C, H, W] of contiguous attributes [1 or B, N, C], barycentrics [B, 3, H, W], face [B, H, W] and faces
    [1 or B, F, 3]."""
    image = attributes.new_empty(len(face), attributes.shape[2], *face.shape[1:])
    given = (attributes.detach(), barycentrics.detach(), face, faces, image)
    launch(_weigh, (blocks(face.numel()),), *given, *_shape(attributes, face, faces), BLOCK=BLOCK)
    return image


def interpolate_backward(
    attributes: Tensor,
    barycentrics: Tensor,
    face: Tensor,
    faces: Tensor,
    gradient: Tensor,
    wants_attributes: bool,
    wants_barycentrics: bool,
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of the attributes and of the barycentrics, None where not wanted, given that of the images."""
    to_attributes, to_barycentrics = None, None
    if wants_barycentrics:
        to_barycentrics = torch.empty_like(barycentrics)
        given = (attributes.detach(), gradient, face, faces, to_barycentrics)
        launch(_pull_back, (blocks(face.numel()),), *given, *_shape(attributes, face, faces), BLOCK=BLOCK)
    if wants_attributes:
        to_attributes = scatter_weighted(barycentrics.detach(), gradient, face, faces, attributes.shape[1])
        if len(attributes) < len(face):
            to_attributes = to_attributes.sum(dim=0, keepdim=True)
    return to_attributes, to_barycentrics


def _shape(attributes: Tensor, face: Tensor, faces: Tensor) -> tuple[int, ...]:
    """Pixels in all and in an image, channels, vertices; from one image's attributes, and faces, to the next one's."""
    vertices, count = attributes.shape[1], faces.shape[1]
    strides = (vertices if len(attributes) > 1 else 0, count if len(faces) > 1 else 0)
    return face.numel(), face.shape[1] * face.shape[2], attributes.shape[2], vertices, *strides


@kernel
def _corners(attributes, seen, faces, pixel, total, area, channels, vertices, attribute_stride, face_stride):
    """Of pixels: whether they see a face, where its corners' attributes begin, the image and the place in it."""
    face = tl.load(seen + pixel, mask=pixel < total, other=-1).to(tl.int64)
    image = pixel // area
    i, j, k, is_real = load_indices(faces, image, face, face_stride, vertices, face >= 0)
    own = attributes + image * attribute_stride * channels
    return is_real, own + i * channels, own + j * channels, own + k * channels, image, pixel % area


@kernel
def _weigh(
    attributes, barycentrics, seen, faces, result, total, area, channels, vertices, attribute_stride, face_stride,
    BLOCK: tl.constexpr,
):  # fmt: skip
    pixel = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    is_covered, corner_0, corner_1, corner_2, image, within = _corners(
        attributes, seen, faces, pixel, total, area, channels, vertices, attribute_stride, face_stride
    )
    weight = barycentrics + image * 3 * area + within
    weight_0 = tl.load(weight, mask=is_covered, other=0.0)
    weight_1 = tl.load(weight + area, mask=is_covered, other=0.0)
    weight_2 = tl.load(weight + 2 * area, mask=is_covered, other=0.0)
    for channel in range(channels):
        value = weight_0 * tl.load(corner_0 + channel, mask=is_covered, other=0.0)
        value += weight_1 * tl.load(corner_1 + channel, mask=is_covered, other=0.0)
        value += weight_2 * tl.load(corner_2 + channel, mask=is_covered, other=0.0)
        tl.store(result + (image * channels + channel) * area + within, value, mask=pixel < total)


@kernel
def _pull_back(
    attributes, gradient, seen, faces, result, total, area, channels, vertices, attribute_stride, face_stride,
    BLOCK: tl.constexpr,
):  # fmt: skip
    pixel = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    is_covered, corner_0, corner_1, corner_2, image, within = _corners(
        attributes, seen, faces, pixel, total, area, channels, vertices, attribute_stride, face_stride
    )
    dtype = result.dtype.element_ty
    to_0, to_1, to_2 = tl.zeros([BLOCK], dtype), tl.zeros([BLOCK], dtype), tl.zeros([BLOCK], dtype)
    for channel in range(channels):
        upstream = tl.load(gradient + (image * channels + channel) * area + within, mask=is_covered, other=0.0)
        to_0 += upstream * tl.load(corner_0 + channel, mask=is_covered, other=0.0)
        to_1 += upstream * tl.load(corner_1 + channel, mask=is_covered, other=0.0)
        to_2 += upstream * tl.load(corner_2 + channel, mask=is_covered, other=0.0)
    out = result + image * 3 * area + within
    tl.store(out, to_0, mask=pixel < total)
    tl.store(out + area, to_1, mask=pixel < total)
    tl.store(out + 2 * area, to_2, mask=pixel < total)
