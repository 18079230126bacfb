# SPDX-License-Identifier: Apache-2.0
"""Settings of where pictures are taken from, and of the renderer that takes them."""

import math
from dataclasses import dataclass

from unrender.renderers.differentiable.mesh_renderer import Rasterizer, Silhouette
from unrender.renderers.differentiable.rasterizer.soft_skirt import DepthTest

FRAMES = 3  # that the background is wide and high


@dataclass(frozen=True, slots=True)
class ViewConfig:
    """The prior of views.

    The camera goes around the object, which is the same as turning the object before it: light is part of the texture.
    """

    azimuth_degrees: tuple[float, float] = (-180.0, 180.0)  # uniform between these, where it is not learned
    elevation_degrees: tuple[float, float] = (-15.0, 30.0)
    field_of_view_degrees: float = 10.0
    learned: bool = False  # the law within these ranges is learned with the generator
    bins: int = 16  # of equal width, per angle, whose probabilities are learned
    learning_rate: float = 1e-3  # of those

    def __post_init__(self) -> None:
        for name in ("azimuth_degrees", "elevation_degrees"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} is [{low}, {high}], but the lower bound comes first")
        low, high = self.azimuth_degrees
        if high - low > 360.0:
            raise ValueError(f"azimuth_degrees is [{low}, {high}], but 360 degrees are all around")
        if min(self.elevation_degrees) < -90.0 or max(self.elevation_degrees) > 90.0:
            raise ValueError(f"elevation_degrees is {list(self.elevation_degrees)}, but -90 to 90 was expected")
        if not 0.0 < self.field_of_view_degrees < 120.0:
            raise ValueError(f"field_of_view_degrees is {self.field_of_view_degrees}, but 0 to 120 was expected")
        if self.bins < 2:
            raise ValueError(f"bins is {self.bins}, but a law to learn needs at least 2")

    @property
    def goes_around(self) -> bool:
        """Whether azimuths are all those of the circle."""
        low, high = self.azimuth_degrees
        return high - low >= 360.0

    @property
    def width(self) -> float:
        """World units across the frame, at the origin, that the unit-diameter ball just fills: seen from a point it
        looks larger than its equator."""
        return 1.0 / math.cos(0.5 * math.radians(self.field_of_view_degrees))


@dataclass(frozen=True, slots=True)
class RendererConfig:
    """See `MeshRenderer`. Of its silhouettes "dibr" has colours for hard pixels alone: the background is dark where its
    soft mask reaches over the outline."""

    silhouette: Silhouette = "soft_skirt"  # where gradients of outlines come from; "none": an ablation
    rasterizer: Rasterizer = "own"
    margin: float = 1.0  # pixels, of "soft_skirt"
    depth_test: DepthTest = "szabo"  # of "soft_skirt"
    cull: bool = False  # faces seen from behind are left out

    def __post_init__(self) -> None:
        if self.margin < 0.0:
            raise ValueError(f"margin is {self.margin}, but 0 (none) or more was expected")
