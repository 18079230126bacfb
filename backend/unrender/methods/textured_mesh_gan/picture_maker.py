# SPDX-License-Identifier: Apache-2.0
"""Scenes and views -> pictures that look like photographs: the object before a background that slides with the view."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting
from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig
from unrender.methods.textured_mesh_gan.config.views import FRAMES
from unrender.methods.textured_mesh_gan.scene import Scene, SceneTopology
from unrender.renderers.differentiable.mesh_renderer import PASSES, MeshRenderer

# Textures are taken as they are, and pictures are composited as they are: all of this method is sRGB-encoded, as the
# paper's pictures were, although rgb of a MeshRenderer is linear by its contract. Light is baked in.
_AS_PAINTED = Lighting((), (), 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Row 0 at the top.

    rgb: sRGB-encoded, of the whole picture. alpha: how much of a pixel the object covers.
    depth, normal: see `RenderedImages`; None where they were not asked for.
    """

    rgb: Float[Tensor, "B 3 H W"]
    alpha: Float[Tensor, "B 1 H W"]
    depth: Float[Tensor, "B 1 H W"] | None = None
    normal: Float[Tensor, "B 3 H W"] | None = None


class PictureMaker:
    """Renders scenes of one generator, with gradients for all their parts and for the views.

    size: pixels per side; the configured one where it is not given.
    """

    def __init__(self, config: TexturedMeshGanConfig, size: int | None = None) -> None:
        settings = config.renderer
        self.size = size or config.image_size
        options = {"margin": settings.margin, "depth_test": settings.depth_test}
        self._topology = SceneTopology(config.generator.mesh_cells)
        self._renderers = {
            passes: MeshRenderer(
                self.size,
                silhouette=settings.silhouette,
                options=options if settings.silhouette == "soft_skirt" else None,
                rasterizer=settings.rasterizer,
                cull=settings.cull,
                passes=passes,
            )
            for passes in ((), PASSES)
        }
        self._views, self._moves = config.views, config.background.moves

    def render(self, scene: Scene, views: Cameras, passes: bool = False) -> Pictures:
        """One picture per scene and view. passes: with depth and normals."""
        renderer = self._renderers[PASSES if passes else ()]
        light = None if scene.light is None else functional.pad(scene.light, (1, 0)).unsqueeze(1)
        images = renderer.render(self._topology.meshes(scene), views, _AS_PAINTED, light)
        rgb = images.rgb + (1.0 - images.alpha) * self.background(scene, views)
        if light is not None:
            rgb = rgb.clamp(0.0, 1.0)  # harmonics do not know where it is dark
        return Pictures(rgb, images.alpha, images.depth, images.normal)

    def background(self, scene: Scene, views: Cameras) -> Float[Tensor, "B 3 H W"]:
        """The part of each scene's background that its view shows.

        It is far away, as on the inside of a large ball: as the camera goes to the right around the object, it turns to
        the left, and as it rises, it looks down. Over the range of the view prior the frame moves over the whole of
        the background; where that is the whole circle, the background's borders meet.
        """
        left, top = self._corner(views.to(scene.background.device))
        side = scene.background.shape[-1]
        along = (torch.arange(self.size, device=left.device) + 0.5) / (self.size * FRAMES)
        x, y = left[:, None] + along, top[:, None] + along  # in [0, 1] across the background
        background = scene.background
        if self._views.goes_around:
            x = torch.remainder(x, 1.0)
            background = functional.pad(background, (1, 1, 0, 0), mode="circular")
            x = (x * side + 1.0) / (side + 2.0)
        grid = torch.stack(torch.broadcast_tensors(2.0 * x[:, None, :] - 1.0, 2.0 * y[:, :, None] - 1.0), dim=-1)
        return functional.grid_sample(background, grid, mode="bilinear", padding_mode="border", align_corners=False)

    def _corner(self, views: Cameras) -> tuple[Tensor, Tensor]:
        """Left and top of the frame, as shares of the background's sides."""
        room = 1.0 - 1.0 / FRAMES
        if not self._moves:
            middle = torch.full_like(views.azimuth, 0.5 * room)
            return middle, middle
        if self._views.goes_around:
            left = 0.5 * room - views.azimuth / math.tau
        else:
            left = room * (1.0 - _share(views.azimuth, self._views.azimuth_degrees))
        return left, room * _share(views.elevation, self._views.elevation_degrees)


def _share(angle: Tensor, degrees: tuple[float, float]) -> Tensor:
    """Where angles in radians lie in a range, 0 to 1; beyond it they stay at its end."""
    low, high = (math.radians(value) for value in degrees)
    if high == low:
        return torch.full_like(angle, 0.5)
    return ((angle - low) / (high - low)).clamp(0.0, 1.0)
