# SPDX-License-Identifier: Apache-2.0
"""Pictures of the sphere on the octahedral square, continued beyond its border.

Each side of the square is folded in its middle, and its halves lie on one another (`geometry.octahedral_sphere`). Just
beyond a border therefore lies what is just inside it, turned by half a turn about the middle of that side; beyond a
corner, which is the back pole as the other three are, lies the corner opposite. Convolutions on pictures padded so see
a closed surface: they know no border, and leave no seam.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional


def pad_sphere(images: Float[Tensor, "B C n n"], width: int = 1) -> Float[Tensor, "B C m m"]:
    """Continue square pictures by `width` pixels, 0 to n, on each side: m = n + 2 width.

    Values are those of pixel centres, half a pixel inside the border. A function of the direction, sampled there, is
    continued by its own values.
    """
    if width == 0:
        return images
    padded: Tensor = _PadSphere.apply(images, width)
    return padded


def upsample_sphere(images: Float[Tensor, "B C n n"]) -> Float[Tensor, "B C m m"]:
    """Twice as many pixels a side, bilinearly, across the border as well."""
    return upsample_padded(pad_sphere(images))


def upsample_padded(padded: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h2 w2"]:
    """Bilinear upsampling by 2 of what a pixel on each side surrounds: h2 = 2 (h - 2), w2 = 2 (w - 2)."""
    upsampled: Tensor = _UpsamplePadded.apply(padded)
    return upsampled


def blur_sphere(images: Float[Tensor, "B C n n"], sigma: float) -> Float[Tensor, "B C n n"]:
    """Gaussian blur by `sigma` pixels on the square, cut off at three sigma or where the padding ends; 0 for none.

    Constants stay what they are. Distances are those on the square, which the octahedral map does not keep: the same
    sigma is up to 1.7 times as wide on some parts of the sphere as on others.
    """
    reach = min(int(3.0 * sigma + 0.5), images.shape[-1])
    if reach == 0:
        return images
    side = images.shape[-1]
    places = torch.arange(side + 2 * reach, device=images.device, dtype=images.dtype)
    offsets = places - places[reach : reach + side, None]
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2) * (offsets.abs() <= reach)
    weights = weights / weights.sum(dim=1, keepdim=True)
    # As products of matrices: torch's convolutions of one channel are several times slower.
    return weights @ pad_sphere(images, reach) @ weights.T


class _PadSphere(Function):
    """Its gradient adds four strips to the middle, where that of slices would fill and add four whole pictures."""

    @staticmethod
    def forward(images: Tensor, width: int) -> Tensor:
        rows = torch.cat([images[:, :, :width].flip(2, 3), images, images[:, :, -width:].flip(2, 3)], dim=2)
        return torch.cat([rows[..., :width].flip(2, 3), rows, rows[..., -width:].flip(2, 3)], dim=3)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:
        ctx.width = inputs[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,), width = gradients, ctx.width
        rows = gradient[..., width:-width].clone()
        rows[..., :width] += gradient[..., :width].flip(2, 3)
        rows[..., -width:] += gradient[..., -width:].flip(2, 3)
        images = rows[:, :, width:-width].clone()
        images[:, :, :width] += rows[:, :, :width].flip(2, 3)
        images[:, :, -width:] += rows[:, :, -width:].flip(2, 3)
        return images, None


class _UpsamplePadded(Function):
    """Its gradient goes along one axis at a time, which torch's does not, at a fifth of the time."""

    @staticmethod
    def forward(padded: Tensor) -> Tensor:
        whole = functional.interpolate(padded, scale_factor=2.0, mode="bilinear", align_corners=False)
        return whole[..., 2:-2, 2:-2]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _gathered(_gathered(gradients[0], 2), 3)


def _gathered(gradient: Tensor, axis: int) -> Tensor:
    """Along one axis, gradients of pixels from those of twice as many, and of a pixel more at each end: a pixel gives
    three quarters to the two pixels that it became, and a quarter to the next on each side."""
    first, second = (gradient.unflatten(axis, (-1, 2)).select(axis + 1, half) for half in (0, 1))
    count = first.shape[axis]
    shape = list(first.shape)
    shape[axis] = count + 2
    layout = torch.channels_last if gradient.stride(1) == 1 else torch.contiguous_format
    result = torch.empty(shape, dtype=gradient.dtype, device=gradient.device, memory_format=layout).zero_()
    result.narrow(axis, 1, count).add_(first + second, alpha=0.75)
    result.narrow(axis, 0, count).add_(first, alpha=0.25)
    result.narrow(axis, 2, count).add_(second, alpha=0.25)
    return result
