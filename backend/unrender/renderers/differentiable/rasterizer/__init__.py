# SPDX-License-Identifier: Apache-2.0
"""A differentiable mesh rasteriser for CPU and CUDA, usable by itself: every primitive is a function of tensors."""

from unrender.renderers.differentiable.rasterizer.fragments import Fragments
from unrender.renderers.differentiable.rasterizer.interpolate import interpolate
from unrender.renderers.differentiable.rasterizer.rasterize import rasterize

__all__ = ["Fragments", "interpolate", "rasterize"]
