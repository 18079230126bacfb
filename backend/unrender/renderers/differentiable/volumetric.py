# SPDX-License-Identifier: Apache-2.0
"""Closed-form volumetric renderers: what the baselines of IG-GAN look through (IG-GAN, section 4.3)."""

import time
from typing import Literal

import torch
from torch import Tensor

from unrender.errors import RenderError
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting
from unrender.networks.ray_sums import ray_sums
from unrender.renderers.base import FinishedRender, RenderedImages, Shapes

Volumetric = Literal["visual_hull", "absorption", "emission_absorption"]

_DENSITIES: dict[Volumetric, float] = {"visual_hull": 64.0, "absorption": 20.0, "emission_absorption": 100.0}
_FAINTEST = 1e-5  # the least that one sample of the absorption law lets through, as in PlatonicGAN's code
_FEWEST = 64  # samples a ray: the absorption law was published for 64, and coarser grids would be clamped by it


class VolumetricRenderer:
    """Sums along the rays through an occupancy grid v in [0, 1], binary or not, with gradients to the grid.

    kind: the law of the opacity of a ray, over samples k of n that cross the unit-diameter ball:
        visual_hull: `1 - exp(-density sum_k v_k / n)` (PrGAN, equation (1)). PrGAN counts voxels: at the 64^3 of IG-GAN
            that is a density of 64, kept at every resolution, for coarse grids counted in voxels would be translucent,
            and their pictures would tell how thick things are.
        absorption: `1 - prod_k (1 - density v_k / n)` (PlatonicGAN's absorption-only; density 20 with n = 64).
        emission_absorption: `sum_k r_k prod_{j<k} (1 - r_j)` with `r_k = 1 - exp(-density v_k / n)` (PlatonicGAN;
            density 100). PlatonicGAN has `r_k = density v_k / n` with 1024 samples, whose limit for many samples this
            is for any number of them.
    size: image side in pixels. density: None for the published one. samples: along a ray; None for as many as the grid
    has voxels along an axis, but at least 64.

    No law knows a surface, hence none can shade: the lighting is ignored. All voxels emit the same white, as befits
    objects of one albedo (PlatonicGAN gives each voxel a colour of its own), so rgb equals alpha. Depth and normals are
    not made.
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

    def close(self) -> None:
        """Nothing to release."""

    def _alpha(self, occupancy: Tensor, cameras: Cameras) -> Tensor:
        count = self.samples or max(occupancy.shape[-1], _FEWEST)
        if self.kind == "absorption":
            share = min(self.density / count, 1.0 - _FAINTEST)
            return -torch.expm1(ray_sums(occupancy, cameras, self.size, count, share))
        return -torch.expm1(-self.density / count * ray_sums(occupancy, cameras, self.size, count))
