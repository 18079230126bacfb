# SPDX-License-Identifier: Apache-2.0
"""Adaptive augmentation of what a discriminator sees (ADA, Karras et al. 2020), for (grey, alpha) images of objects,
and for whole pictures of three colours.

Every image on its way into the discriminator, real or not, passes a random transformation; its operations happen with a
probability p each that follows how much the discriminator has overfitted. As long as most images keep what an operation
changes, the generator is not taught the transformations ("non-leaking", section 2.2), so p stays below 0.8.

ADA turns images all the way round and shifts their hues. Here images stay views that a camera could have taken: turns
in the plane are small, and none is by right angles. Mirror images are views of a mirrored object only if the light is
its own mirror image, hence `flips` is the caller's decision (`Lighting.mirror_symmetric`); of pictures with their light
baked in, only if mirrored views are as likely.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

_MOST_PROBABLE = 0.8  # ADA, figure 4: leaks begin above it
_SHIFT = 0.125  # of the image side at most, in whole pixels
_SCALE = 0.2  # standard deviation of the binary logarithm
_DEGREES = 8.0  # at most, either way
_BRIGHTNESS, _CONTRAST = 0.2, 0.5  # standard deviation; of the binary logarithm
_CUTOUT = 0.5  # side of the square, of the image's


@dataclass(frozen=True, slots=True)
class Augmentation:
    """One transformation per image of a batch: drawn once, applied to each image of a pair alike.

    placement: from places in the result to places in the image, in units where the image is [-1, 1]^2, y down.
    contrast, brightness: grey becomes `contrast (grey - alpha / 2) + alpha / 2 + brightness alpha`, so that nothing
    appears where there is no object; a colour, which is opaque, the same with an alpha of 1. cutout: centre of the
    square that is blanked, in [0, 1]^2; NaN for none.
    """

    placement: Float[Tensor, "B 2 3"]
    contrast: Float[Tensor, "B"]
    brightness: Float[Tensor, "B"]
    cutout: Float[Tensor, "B 2"]

    def __len__(self) -> int:
        return len(self.contrast)

    def __getitem__(self, index: slice | Tensor) -> "Augmentation":
        return Augmentation(self.placement[index], self.contrast[index], self.brightness[index], self.cutout[index])

    def apply(self, images: Float[Tensor, "B 2 H W"]) -> Float[Tensor, "B 2 H W"]:
        """Transformed (grey, alpha) images, premultiplied; differentiable once with respect to the images, in their
        type. Places from outside of the image are empty. Images without a transformation come out as they are."""
        with torch.autocast(images.device.type, enabled=False):
            exact = images if images.dtype == torch.float64 else images.float()
            moved = self._move(exact, "zeros")
            alpha = moved[:, 1:]
            contrast, brightness = self._tone(exact)
            grey = contrast * moved[:, :1] + (0.5 - 0.5 * contrast + brightness) * alpha
            return (torch.cat([grey, alpha], dim=1) * self._kept(exact)).to(images.dtype)

    def apply_opaque(self, pictures: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
        """Transformed pictures that fill their frame; differentiable once with respect to them, in their type.

        What comes into the frame from outside of it is the picture mirrored at its border: a border that is black, or
        smeared, would be what real pictures and generated ones are told apart by. Nothing is cut out, as in ADA's usual
        pipeline: a generator that has a background could paint the squares. Pictures without a transformation come out
        as they are.
        """
        with torch.autocast(pictures.device.type, enabled=False):
            exact = pictures if pictures.dtype == torch.float64 else pictures.float()
            contrast, brightness = self._tone(exact)
            toned = contrast * self._move(exact, "reflection") + (0.5 - 0.5 * contrast + brightness)
            return toned.to(pictures.dtype)

    def _tone(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Contrast and brightness, [B, 1, 1, 1]."""
        return self.contrast.to(images).view(-1, 1, 1, 1), self.brightness.to(images).view(-1, 1, 1, 1)

    def _move(self, images: Tensor, outside: Literal["zeros", "reflection"]) -> Tensor:
        still = torch.eye(2, 3).expand_as(self.placement)
        moving = (self.placement != still).flatten(1).any(dim=1).to(images.device)
        if not moving.any():
            return images
        placement = self.placement.to(images)
        grid = functional.affine_grid(placement, list(images.shape), align_corners=False)
        moved = functional.grid_sample(images, grid, "bilinear", outside, align_corners=False)
        return torch.where(moving.view(-1, 1, 1, 1), moved, images)

    def _kept(self, images: Tensor) -> Tensor:
        """1 where no square is cut out, [B, 1, H, W]."""
        across = (torch.arange(images.shape[-1]) + 0.5) / images.shape[-1]
        down = (torch.arange(images.shape[-2]) + 0.5) / images.shape[-2]
        x, y = ((self.cutout[:, i, None] - line).abs() < 0.5 * _CUTOUT for i, line in enumerate((across, down)))
        return (~(y[:, None, :, None] & x[:, None, None, :])).to(images)


def draw_augmentation(
    count: int, size: int, probability: float, generator: torch.Generator, flips: bool = False
) -> Augmentation:
    """Draw a transformation for each of `count` images of `size`^2; each operation happens with `probability`.

    Mirroring (half of the images that it happens to), whole-pixel shifts, isotropic scaling, rotation in the plane,
    brightness, contrast, a blank square. Draws the same number of random numbers whatever the probability.
    """
    happens = torch.rand(count, 7, generator=generator) < probability
    uniform = torch.rand(count, 6, generator=generator)
    normal = torch.randn(count, 3, generator=generator)

    def when(operation: int, value: Tensor, otherwise: float) -> Tensor:
        return torch.where(happens[:, operation], value, otherwise)

    mirror = when(0, 1.0 - 2.0 * (uniform[:, 0] < 0.5).float(), 1.0) if flips else torch.ones(count)
    widest = math.floor(_SHIFT * size)
    pixels = torch.floor(uniform[:, 1:3] * (2 * widest + 1)) - widest
    shift = torch.where(happens[:, 1:2], pixels, 0.0) * (2.0 / size)
    scale = when(2, torch.exp2(_SCALE * normal[:, 0]), 1.0)
    angle = when(3, torch.deg2rad((2.0 * uniform[:, 3] - 1.0) * _DEGREES), 0.0)
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    rows = [torch.stack([mirror * cosine, -mirror * sine, shift[:, 0]], 1), torch.stack([sine, cosine, shift[:, 1]], 1)]
    return Augmentation(
        torch.stack(rows, dim=1),
        contrast=when(4, torch.exp2(_CONTRAST * normal[:, 1]), 1.0),
        brightness=when(5, _BRIGHTNESS * normal[:, 2], 0.0),
        cutout=torch.where(happens[:, 6:7], uniform[:, 4:6], math.nan),
    )


class AdaptiveProbability:
    """ADA's controller: p rises while `E[sign D(real)]` is above the target, and falls while it is below (section 3.1).

    target: of the mean sign, usually 0.6. images: how many images take p from 0 to 1; ADA has 500,000 in runs of 25
    million, that is, a fiftieth, which runs of some ten thousand images have no time for.
    """

    def __init__(self, target: float, images: int) -> None:
        self._target, self._images = target, images
        self.value = 0.0

    def update(self, mean_sign: float, shown: int) -> None:
        """mean_sign: of the discriminator's logits of `shown` real images, less the border between real and fake."""
        direction = math.copysign(1.0, mean_sign - self._target) if mean_sign != self._target else 0.0
        self.value = min(max(self.value + direction * shown / self._images, 0.0), _MOST_PROBABLE)
