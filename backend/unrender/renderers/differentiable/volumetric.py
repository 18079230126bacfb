# SPDX-License-Identifier: Apache-2.0
"""Closed-form volumetric renderers: what the baselines of IG-GAN look through (IG-GAN, section 4.3)."""

import time
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.errors import RenderError
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting
from unrender.geometry.rotation import resample_to_camera
from unrender.renderers.base import FinishedRender, RenderedImages, Shapes

Volumetric = Literal["visual_hull", "absorption", "emission_absorption"]

_DENSITIES: dict[Volumetric, float] = {"visual_hull": 1.0, "absorption": 20.0, "emission_absorption": 100.0}
_FAINTEST = 1e-5  # the least that one sample of the absorption law lets through, as in PlatonicGAN's code
_FEWEST = 64  # samples a ray: the absorption law was published for 64, and coarser grids would be clamped by it


class VolumetricRenderer:
    """Sums along the rays through an occupancy grid v in [0, 1], binary or not, with gradients to the grid.

    kind: the law of the opacity of a ray, over samples k of n that cross the unit-diameter ball:
        visual_hull: `1 - exp(-density sum_k v_k)`, the sum counted in voxels (PrGAN, equation (1); density 1).
        absorption: `1 - prod_k (1 - density v_k / n)` (PlatonicGAN's absorption-only; density 20 with n = 64).
        emission_absorption: `sum_k w_k e_k` with `w_k = r_k prod_{j<k} (1 - r_j)` and `r_k = 1 - exp(-density v_k / n)`
            (PlatonicGAN; density 100). Its opacity is `sum_k w_k`. PlatonicGAN has `r_k = density v_k / n` with 1024
            samples, whose limit for many samples this is for any number of them.
    size: image side in pixels. density: None for the published one. samples: along a ray; None for as many as the grid
    has voxels along an axis, but at least 64.

    No law knows a surface, hence none can shade: the lighting is ignored, and shapes without a colour are white, that
    is, rgb equals alpha. Emission-absorption of coloured voxels is `composite`. Depth and normals are not made.
    """

    differentiable = True

    def __init__(
        self, kind: Volumetric, size: int = 64, density: float | None = None, samples: int | None = None
    ) -> None:
        self.kind, self.size, self.samples = kind, size, samples
        self.density = _DENSITIES[kind] if density is None else density

    def render(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> RenderedImages:
        """White images of occupancy grids [B, 1, X, Y, Z], floating or boolean; raises RenderError for meshes."""
        if not isinstance(shapes, Tensor):
            raise RenderError("Volumetric renderers take voxel grids, not meshes.", 'Use renderer.kind = "blender".')
        alpha = self._alpha(shapes if shapes.is_floating_point() else shapes.float(), cameras)
        return RenderedImages(alpha.expand(-1, 3, -1, -1), alpha)

    def submit(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> FinishedRender:
        """Render at once; the pending result is ready."""
        started = time.perf_counter()
        images = self.render(shapes, cameras, lighting)
        return FinishedRender(images, time.perf_counter() - started)

    def composite(
        self, occupancy: Float[Tensor, "B 1 X Y Z"], emission: Float[Tensor, "B C X Y Z"], cameras: Cameras
    ) -> tuple[Float[Tensor, "B C H W"], Float[Tensor, "B 1 H W"]]:
        """Premultiplied colours and alpha of voxels that emit, `emission` in [0, 1]; only for emission_absorption."""
        if self.kind != "emission_absorption":
            raise ValueError(f"{self.kind} has no emission")
        volume = self._volume(torch.cat([occupancy, emission], dim=1), cameras)
        depths = self.density / volume.shape[2] * volume[:, :1]
        # The light that reaches sample k, less the light that leaves it, is the weight of its colour.
        behind = torch.exp(-depths.cumsum(dim=2))
        before = torch.cat([torch.ones_like(behind[:, :, :1]), behind[:, :, :-1]], dim=2)
        return ((before - behind) * volume[:, 1:]).sum(dim=2), 1.0 - behind[:, :, -1]

    def close(self) -> None:
        """Nothing to release."""

    def _alpha(self, occupancy: Tensor, cameras: Cameras) -> Tensor:
        volume = self._volume(occupancy, cameras)
        count = volume.shape[2]
        if self.kind == "absorption":
            return 1.0 - (1.0 - self.density / count * volume).clamp(_FAINTEST, 1.0).log().sum(dim=2).exp()
        length = occupancy.shape[-1] if self.kind == "visual_hull" else 1.0
        return -torch.expm1(-self.density * length / count * volume.sum(dim=2))

    def _volume(self, fields: Tensor, cameras: Cameras) -> Tensor:
        return resample_to_camera(fields, cameras, self.size, self.samples or max(fields.shape[-1], _FEWEST))
