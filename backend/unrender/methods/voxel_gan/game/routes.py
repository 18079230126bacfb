# SPDX-License-Identifier: Apache-2.0
"""The routes from the generator to the discriminator: IG-GAN's, and those of its baselines.

route                            the discriminator sees               the generator's gradient comes through
proxy                            the black box's renders of x_d       a proxy of the black box
visual_hull, absorption,         that closed form's image of x_c      the same closed form
emission_absorption
image                            the generator's images               nothing in between
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from unrender.geometry.cameras import Cameras
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.gradients.paths import shown_to_proxy
from unrender.methods.voxel_gan.pictures.black_box import discriminator_images
from unrender.renderers.differentiable.volumetric import Volumetric, VolumetricRenderer
from unrender.training.devices import Devices

Look = Callable[[Tensor, Cameras, Float[Tensor, "B"]], Float[Tensor, "B 2 H W"]]
"""(generator's output, cameras, thresholds) -> images [B, 2, H, W], differentiable with respect to the output."""


@dataclass(frozen=True, slots=True)
class Route:
    """How images come from what the generator makes.

    look: the images through which the generator learns.
    has_shapes: whether the output is a grid of occupancies, not an image.
    renders: whether training needs the black box for every batch.
    shows_renders: whether the discriminator sees the black box's renders, and not what `look` returns.
    only_silhouettes: whether no image of this route can be shaded, so that real ones are reduced to their alpha.
    """

    look: Look
    has_shapes: bool = True
    renders: bool = False
    shows_renders: bool = False
    only_silhouettes: bool = False


def build_route(config: VoxelGanConfig, proxy: nn.Module | None, devices: Devices) -> Route:
    """The configured route; `proxy` only for the one of that name."""
    if config.route == "image":
        return Route(lambda output, cameras, threshold: output, has_shapes=False)
    if config.route == "proxy":
        assert proxy is not None
        shows_renders = config.discriminator.fakes == "renders"
        return Route(
            _through_proxy(config, proxy, devices),
            renders=shows_renders or config.proxy.joint,
            shows_renders=shows_renders,
        )
    return Route(_through_closed_form(config, config.route), only_silhouettes=True)


def _through_proxy(config: VoxelGanConfig, proxy: nn.Module, devices: Devices) -> Look:
    path, softness = config.proxy.path, config.proxy.threshold_softness

    def look(output: Tensor, cameras: Cameras, threshold: Tensor) -> Tensor:
        shown = shown_to_proxy(output, threshold, path, softness)
        with devices.autocast():
            images: Tensor = proxy(shown, cameras)
        return images

    return look


def _through_closed_form(config: VoxelGanConfig, kind: Volumetric) -> Look:
    def look(output: Tensor, cameras: Cameras, threshold: Tensor) -> Tensor:
        # Shapes of half the resolution have images of half the size.
        renderer = VolumetricRenderer(kind, config.image_size * output.shape[-1] // config.resolution)
        with torch.autocast(output.device.type, enabled=False):
            rendered = renderer.render(output.float(), cameras, config.lighting)
        return discriminator_images(rendered, config.photos.encoding)

    return look


def silhouettes(images: Float[Tensor, "B 2 H W"]) -> Float[Tensor, "B 2 H W"]:
    """White objects: the alpha of images in both channels."""
    return images[:, 1:].expand(-1, 2, -1, -1)
