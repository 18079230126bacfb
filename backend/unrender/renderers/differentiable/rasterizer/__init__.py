# SPDX-License-Identifier: Apache-2.0
"""A differentiable mesh rasteriser for CPU and CUDA, usable by itself: every primitive is a function of tensors."""

from unrender.renderers.differentiable.rasterizer.antialias import antialias
from unrender.renderers.differentiable.rasterizer.dibr_mask import dibr_mask
from unrender.renderers.differentiable.rasterizer.edge_gradients import edge_gradients
from unrender.renderers.differentiable.rasterizer.fragments import Fragments
from unrender.renderers.differentiable.rasterizer.interpolate import interpolate
from unrender.renderers.differentiable.rasterizer.near_plane import ClippedMesh, clip_near, crosses_near
from unrender.renderers.differentiable.rasterizer.normals import flat_normals, smooth_normals
from unrender.renderers.differentiable.rasterizer.project import project, to_camera, to_screen
from unrender.renderers.differentiable.rasterizer.rasterize import rasterize
from unrender.renderers.differentiable.rasterizer.soft_rasterize import SoftImages, soft_rasterize
from unrender.renderers.differentiable.rasterizer.soft_skirt import Skirt, composite_skirt, soft_skirt
from unrender.renderers.differentiable.rasterizer.texture import texture, uv_footprint

__all__ = [
    "ClippedMesh",
    "Fragments",
    "Skirt",
    "SoftImages",
    "antialias",
    "clip_near",
    "composite_skirt",
    "crosses_near",
    "dibr_mask",
    "edge_gradients",
    "flat_normals",
    "interpolate",
    "project",
    "rasterize",
    "smooth_normals",
    "soft_rasterize",
    "soft_skirt",
    "texture",
    "to_camera",
    "to_screen",
    "uv_footprint",
]
