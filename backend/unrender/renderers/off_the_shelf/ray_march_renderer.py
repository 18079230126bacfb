# SPDX-License-Identifier: Apache-2.0
"""A black box that needs nothing but torch: rays marched through the binary grid. Slower than Blender on large batches;
for machines without Blender, and for tests."""

import time

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional

from unrender.errors import RenderError
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting
from unrender.geometry.rotation import resample_to_camera
from unrender.geometry.surface import blur_separable, smooth_binary
from unrender.renderers.base import FinishedRender, RenderedImages, Shapes


class RayMarchRenderer:
    """First hit of the level set at 0.5, Lambertian, white; `supersampling`^2 rays a pixel. Cuts every gradient."""

    differentiable = False

    def __init__(self, size: int = 64, supersampling: int = 2, surface_blur: int = 0) -> None:
        self.size, self.supersampling, self.surface_blur = size, supersampling, surface_blur

    @torch.no_grad()
    def render(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> RenderedImages:
        """Render binary voxel grids [B, 1, X, Y, Z]; raises RenderError for meshes and for lights with shadows."""
        if not isinstance(shapes, Tensor):
            raise RenderError("The ray marcher takes voxel grids, not meshes.", 'Use renderer.kind = "blender".')
        if lighting.shadows:
            raise RenderError("The ray marcher casts no shadows.", 'Use renderer.kind = "blender".')
        field = smooth_binary(shapes if shapes.dtype == torch.bool else shapes > 0.5, self.surface_blur)
        return self._march(field, cameras, lighting)

    def _march(self, field: Tensor, cameras: Cameras, lighting: Lighting) -> RenderedImages:
        fine, depth = self.size * self.supersampling, 3 * field.shape[-1] // 2
        volume = resample_to_camera(torch.cat([field, blur_separable(field)], dim=1), cameras, fine, depth)
        solid: Bool[Tensor, "B D H W"] = volume[:, 0] > 0.5
        hit = solid.any(dim=1, keepdim=True)
        first = solid.to(torch.uint8).argmax(dim=1, keepdim=True)
        gradient = [self._difference(volume[:, 1], first, axis) for axis in (3, 2, 1)]
        along = 0.5 - (first.float() + 0.5) / depth
        outward = self._outward(gradient, along, cameras, depth)
        normal = functional.normalize(outward, dim=1, eps=1e-6) * hit
        grey = lighting.shade(normal) * hit
        pooled = [
            functional.avg_pool2d(image, self.supersampling)
            for image in (grey, hit.float(), (cameras.distance - along) * hit, normal)
        ]
        return RenderedImages(pooled[0].expand(-1, 3, -1, -1), pooled[1], pooled[2], pooled[3])

    @staticmethod
    def _outward(gradient: list[Tensor], along: Tensor, cameras: Cameras, depth: int) -> Tensor:
        """Direction out of the solid, camera frame, from differences along the columns, rows and slices of the lattice.

        along: z of the hits. A perspective lattice spreads with the distance, so its slices also lean outwards.
        """
        fine = along.shape[-1]
        pixel = cameras.width / fine
        across = ((torch.arange(fine, device=along.device) + 0.5) / fine - 0.5) * cameras.width
        perspective = 0.0 if cameras.field_of_view is None else 1.0 / cameras.distance
        spread = 1.0 - perspective * along
        x = gradient[0] / (2.0 * pixel * spread)
        y = -gradient[1] / (2.0 * pixel * spread)
        lean = perspective * (x * across.view(1, 1, 1, -1) - y * across.view(1, 1, -1, 1))
        return -torch.cat([x, y, lean - 0.5 * depth * gradient[2]], dim=1)

    @staticmethod
    def _difference(
        volume: Float[Tensor, "B D H W"], first: Int64[Tensor, "B 1 H W"], axis: int
    ) -> Float[Tensor, "B 1 H W"]:
        """Central difference along `axis` (index grows right, down, away from the camera) at the first hit."""
        rows, columns = volume.shape[2:]
        row = torch.arange(rows, device=volume.device).view(1, 1, -1, 1)
        column = torch.arange(columns, device=volume.device).view(1, 1, 1, -1)
        place, index = (first * rows + row) * columns + column, (first, row, column)[axis - 1]
        step, length = (rows * columns, columns, 1)[axis - 1], volume.shape[axis]
        ahead, behind = place + step * (index < length - 1), place - step * (index > 0)
        values = volume.flatten(1)
        return (values.gather(1, ahead.flatten(1)) - values.gather(1, behind.flatten(1))).view(first.shape)

    def submit(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> FinishedRender:
        """Render at once; the pending result is ready."""
        started = time.perf_counter()
        images = self.render(shapes, cameras, lighting)
        return FinishedRender(images, time.perf_counter() - started)

    def close(self) -> None:
        """Nothing to release."""
