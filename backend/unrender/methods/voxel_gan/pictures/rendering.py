# SPDX-License-Identifier: Apache-2.0
"""The configured black box, started when it is needed."""

from collections.abc import Callable

from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.renderers.base import PendingRender, RenderedImages, Renderer, Shapes
from unrender.renderers.differentiable.mesh_renderer import MeshRenderer
from unrender.renderers.off_the_shelf.blender_renderer import BlenderRenderer
from unrender.renderers.off_the_shelf.opengl_renderer import OpenGLRenderer
from unrender.renderers.off_the_shelf.ray_march_renderer import RayMarchRenderer


def build_renderer(config: VoxelGanConfig) -> Renderer:
    """The black box by name; the Blender renderer starts its workers at once."""
    settings = config.renderer
    if settings.kind == "ray_march":
        return RayMarchRenderer(config.image_size, surface_blur=settings.surface_blur)
    if settings.kind == "mesh":
        return MeshRenderer(config.image_size, passes=(), surface_blur=settings.surface_blur)
    if settings.kind == "opengl":
        return OpenGLRenderer(config.image_size, settings.samples, surface_blur=settings.surface_blur)
    return BlenderRenderer(
        size=config.image_size,
        samples=settings.samples,
        engine=settings.engine,
        workers=settings.workers,
        threads=settings.threads,
        surface_blur=settings.surface_blur,
        ray=settings.ray,
    )


def training_renderer(config: VoxelGanConfig) -> Renderer:
    """The black box of a training: started at once where the route learns from it, and with the first evaluation
    where it does not, or never."""
    return build_renderer(config) if config.route == "proxy" else LazyRenderer(lambda: build_renderer(config))


class LazyRenderer:
    """A renderer that is not differentiable and is built when the first shapes come."""

    differentiable = False

    def __init__(self, build: Callable[[], Renderer]) -> None:
        self._build = build
        self._renderer: Renderer | None = None

    @property
    def started(self) -> bool:
        return self._renderer is not None

    def render(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> RenderedImages:
        return self._started().render(shapes, cameras, lighting)

    def submit(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> PendingRender:
        return self._started().submit(shapes, cameras, lighting)

    def close(self) -> None:
        """Release what was started."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _started(self) -> Renderer:
        if self._renderer is None:
            self._renderer = self._build()
        return self._renderer
