# SPDX-License-Identifier: Apache-2.0
"""The one contract of all renderers."""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Bool, Float
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting
from unrender.geometry.meshes import Mesh

Shapes = Float[Tensor, "B 1 X Y Z"] | Bool[Tensor, "B 1 X Y Z"] | list[Mesh]


@dataclass(frozen=True, slots=True)
class RenderedImages:
    """What every renderer returns, row 0 at the top.

    rgb: linear, premultiplied by alpha. alpha: coverage in [0, 1].
    depth: along the viewing axis, from the camera (`Cameras.distance` for a point at the origin), 0 where nothing is.
    normal: unit, camera frame (x right, y up, z towards the camera), 0 where nothing is. None where not asked for.
    """

    rgb: Float[Tensor, "B 3 H W"]
    alpha: Float[Tensor, "B 1 H W"]
    depth: Float[Tensor, "B 1 H W"] | None = None
    normal: Float[Tensor, "B 3 H W"] | None = None


@runtime_checkable  # so that annotations can be checked in the tests
class PendingRender(Protocol):
    """A batch that is being rendered while the caller goes on."""

    @property
    def render_seconds(self) -> float:
        """Seconds that the renderer itself spent on the batch; known once `result` has returned."""
        ...

    def result(self, timeout: float | None = None) -> RenderedImages:
        """Wait for the images; raises RenderError on failure, TimeoutError after `timeout` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class FinishedRender:
    """The `PendingRender` of renderers that render at once."""

    images: RenderedImages
    render_seconds: float

    def result(self, timeout: float | None = None) -> RenderedImages:
        return self.images


@runtime_checkable
class Renderer(Protocol):
    """One call, a whole batch. `differentiable` says whether gradients reach the shapes."""

    differentiable: bool

    def render(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> RenderedImages: ...

    def submit(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> PendingRender:
        """Start rendering and return at once."""
        ...

    def close(self) -> None:
        """Release processes and devices; renders that are not finished fail."""
        ...


def check_views(shapes: Sized, cameras: Cameras) -> None:
    """Raises ValueError unless there is at least one shape and one camera for each."""
    if len(shapes) != len(cameras):
        raise ValueError(f"{len(shapes)} shapes came with {len(cameras)} cameras; expected one camera per shape")
    if len(shapes) == 0:
        raise ValueError("No shapes came; expected at least one")
