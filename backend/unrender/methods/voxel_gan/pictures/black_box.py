# SPDX-License-Identifier: Apache-2.0
"""The off-the-shelf renderer as the GAN sees it: binary grids and cameras in, (grey, alpha) images out."""

import time
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from unrender.geometry.cameras import Cameras
from unrender.geometry.conventions import linear_to_srgb
from unrender.geometry.lighting import Lighting
from unrender.renderers.base import PendingRender, RenderedImages, Renderer


def discriminator_images(rendered: RenderedImages, encoding: str) -> Float[Tensor, "B 2 H W"]:
    """(grey, alpha), premultiplied; grey is display-encoded (before premultiplication) if `encoding` is "srgb"."""
    alpha = rendered.alpha.clamp(0.0, 1.0)
    grey = rendered.rgb[:, :1]
    if encoding == "srgb":
        grey = linear_to_srgb(grey / alpha.clamp(min=1e-4)) * alpha
    return torch.cat([grey, alpha], dim=1)


@dataclass(slots=True)
class PendingImages:
    """Images that are being rendered while the caller goes on."""

    pending: PendingRender
    encoding: str
    halved: bool
    waited_seconds: float = 0.0

    def result(self) -> Float[Tensor, "B 2 H W"]:
        """Wait for the images; `waited_seconds` and `render_seconds` are known afterwards."""
        started = time.perf_counter()
        images = discriminator_images(self.pending.result(), self.encoding)
        images = functional.avg_pool2d(images, 2) if self.halved else images
        self.waited_seconds = time.perf_counter() - started
        return images

    @property
    def render_seconds(self) -> float:
        return self.pending.render_seconds


@dataclass(slots=True)
class BlackBox:
    """A renderer with its light and its encoding fixed. Nothing in here carries a gradient.

    halved: whether images are averaged down to half the renderer's size.
    """

    renderer: Renderer
    lighting: Lighting
    encoding: str
    halved: bool = False

    def submit(self, grid: Bool[Tensor, "B 1 X Y Z"], cameras: Cameras) -> PendingImages:
        """Start rendering and return at once."""
        return PendingImages(self.renderer.submit(grid, cameras, self.lighting), self.encoding, self.halved)

    def render(self, grid: Bool[Tensor, "B 1 X Y Z"], cameras: Cameras) -> Float[Tensor, "B 2 H W"]:
        """Render and wait."""
        return self.submit(grid, cameras).result()
