# SPDX-License-Identifier: Apache-2.0
"""A differentiable mesh rasteriser for CPU and CUDA, usable by itself: every primitive is a function of tensors."""

from unrender.renderers.differentiable.rasterizer.antialias import antialias
from unrender.renderers.differentiable.rasterizer.edge_gradients import edge_gradients
from unrender.renderers.differentiable.rasterizer.fragments import Fragments
from unrender.renderers.differentiable.rasterizer.interpolate import interpolate
from unrender.renderers.differentiable.rasterizer.near_plane import ClippedMesh, clip_near, crosses_near
from unrender.renderers.differentiable.rasterizer.project import project, to_camera, to_screen
from unrender.renderers.differentiable.rasterizer.rasterize import rasterize

__all__ = [
    "ClippedMesh",
    "Fragments",
    "antialias",
    "clip_near",
    "crosses_near",
    "edge_gradients",
    "interpolate",
    "project",
    "rasterize",
    "to_camera",
    "to_screen",
]
