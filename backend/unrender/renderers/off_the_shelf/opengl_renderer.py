# SPDX-License-Identifier: Apache-2.0
"""OpenGL as a Renderer: not differentiable, white Lambert, for machines without Blender and for speed."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from unrender.errors import RenderError
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting
from unrender.geometry.meshes import Mesh
from unrender.geometry.surface import extract_surface, smooth_binary
from unrender.renderers.base import RenderedImages, Shapes, check_views
from unrender.renderers.off_the_shelf.opengl_context import describe, open_context
from unrender.renderers.off_the_shelf.opengl_drawing import OpenGLDrawing, gather_corners

PASSES = ("depth", "normal")


@dataclass(frozen=True, slots=True)
class _Drawn:
    images: RenderedImages
    seconds: float


class PendingRender:
    """Images that are being drawn."""

    def __init__(self, drawn: "Future[_Drawn]") -> None:
        self._drawn = drawn
        self.render_seconds = 0.0

    def done(self) -> bool:
        """Whether `result` would return (or raise) without waiting."""
        return self._drawn.done()

    def result(self, timeout: float | None = None) -> RenderedImages:
        """Wait for the images. Raises TimeoutError, or RenderError where they cannot be drawn."""
        drawn = self._drawn.result(timeout)
        self.render_seconds = drawn.seconds
        return drawn.images


class OpenGLRenderer:
    """Draws meshes or binary grids in a thread of its own, which the OpenGL context belongs to; a context manager.

    Grids are thresholded at 0.5 and meshed by marching cubes on `smooth_binary` of them. Both sides of a face are
    white. Raises OpenGLNotFoundError where no OpenGL works, RenderError where this one cannot draw what is asked for.

    samples: per pixel; 1 takes what lies at its centre. passes: further images in the result, some of PASSES, always
    at the centres of pixels. smooth: interpolate normals over the faces. closed: all meshes are closed surfaces with
    faces that look outward, so that the ones seen from behind need not be drawn; grids always are.
    """

    differentiable = False

    def __init__(
        self,
        size: int = 64,
        samples: int = 4,
        passes: tuple[str, ...] = (),
        smooth: bool = True,
        surface_blur: int = 0,
        closed: bool = False,
    ) -> None:
        unknown = set(passes) - set(PASSES)
        if unknown:
            raise RenderError(f"OpenGL has no pass {', '.join(sorted(unknown))}; expected some of {', '.join(PASSES)}.")
        self._passes, self._smooth, self._surface_blur, self._closed = passes, smooth, surface_blur, closed
        self._is_closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="opengl")
        try:
            self._drawing, self.device = self._thread.submit(_open, size, samples).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def __enter__(self) -> "OpenGLRenderer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the device. Renders that are not finished fail."""
        if not self._is_closing:
            self._is_closing = True
            self._thread.submit(self._drawing.close).result()
            self._thread.shutdown()

    def render(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> RenderedImages:
        """Render and wait: one image per shape and camera. Raises RenderError."""
        return self.submit(shapes, cameras, lighting).result()

    def submit(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> PendingRender:
        """Start rendering and return at once; raises RenderError for lights with shadows."""
        check_views(shapes, cameras)
        if lighting.shadows:
            raise RenderError("OpenGL casts no shadows.", 'Use renderer.kind = "blender".')
        if self._is_closing:
            raise RenderError("The OpenGL renderer is closed.")
        if isinstance(shapes, torch.Tensor):
            shapes = (shapes.detach() > 0.5).cpu()
        return PendingRender(self._thread.submit(self._render, shapes, cameras, lighting))

    # Everything below runs in the thread of the context.

    def _render(self, shapes: Shapes, cameras: Cameras, lighting: Lighting) -> _Drawn:
        most = self._drawing.most_views
        parts, seconds = [], 0.0
        for start in range(0, len(cameras), most):
            if self._is_closing:
                raise RenderError("The OpenGL renderer was closed before this batch was drawn.")
            chosen, part = shapes[start : start + most], slice(start, start + most)
            closed = self._closed or isinstance(chosen, torch.Tensor)
            meshes = self._mesh_grids(chosen) if isinstance(chosen, torch.Tensor) else chosen
            started = time.perf_counter()
            corners = gather_corners(meshes, self._smooth)
            parts.append(self._drawing.draw(corners, cameras[part], lighting, bool(self._passes), closed))
            seconds += time.perf_counter() - started
        shade = torch.from_numpy(np.concatenate([shade for shade, _ in parts]))
        geometry = [geometry for _, geometry in parts if geometry is not None]
        surface = torch.from_numpy(np.concatenate(geometry)) if geometry else None
        images = RenderedImages(
            rgb=shade[:, :1].repeat(1, 3, 1, 1),
            alpha=shade[:, 1:].contiguous(),
            depth=surface[:, 3:] if surface is not None and "depth" in self._passes else None,
            normal=surface[:, :3] if surface is not None and "normal" in self._passes else None,
        )
        return _Drawn(images, seconds)

    def _mesh_grids(self, grids: torch.Tensor) -> list[Mesh]:
        return [extract_surface(field[0]) for field in smooth_binary(grids, self._surface_blur).numpy()]


def _open(size: int, samples: int) -> tuple[OpenGLDrawing, str]:
    context = open_context()
    return OpenGLDrawing(context, size, samples), describe(context)
