# SPDX-License-Identifier: Apache-2.0
"""Meshes as a Renderer with gradients: the rasteriser's primitives, put together."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.errors import RenderError
from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting
from unrender.geometry.meshes import Mesh
from unrender.geometry.surface import extract_surface, smooth_binary
from unrender.geometry.textured_mesh import TexturedMesh
from unrender.renderers.base import FinishedRender, RenderedImages, Shapes, check_views
from unrender.renderers.differentiable.mesh_batch import gather_meshes
from unrender.renderers.differentiable.mesh_surface import (
    Look,
    Projection,
    project_meshes,
    shade_corners,
    shade_fragments,
)
from unrender.renderers.differentiable.pytorch3d_rasterizer import rasterize_with_pytorch3d
from unrender.renderers.differentiable.rasterizer.antialias import antialias
from unrender.renderers.differentiable.rasterizer.backends import Backend
from unrender.renderers.differentiable.rasterizer.dibr_mask import dibr_mask
from unrender.renderers.differentiable.rasterizer.edge_gradients import edge_gradients
from unrender.renderers.differentiable.rasterizer.fragments import Fragments
from unrender.renderers.differentiable.rasterizer.rasterize import rasterize
from unrender.renderers.differentiable.rasterizer.soft_rasterize import soft_rasterize
from unrender.renderers.differentiable.rasterizer.soft_skirt import composite_skirt, soft_skirt
from unrender.renderers.differentiable.rasterizer.texture import Filter, Wrap

Silhouette = Literal["antialias", "edge_gradients", "dibr", "soft_skirt", "soft_rasterize", "none"]
Rasterizer = Literal["own", "pytorch3d"]

PASSES = ("depth", "normal")


class MeshRenderer:
    """Rasterises meshes of any sizes, lights them, and passes gradients on to all that they are made of.

    Meshes are white, or coloured by vertex, by texture or by both (`TexturedMesh`); occupancy grids are thresholded at
    0.5 and meshed by marching cubes, and get no gradient. Lambert's law and, where coefficients are given to `render`,
    spherical harmonics.

    size: of the images, a side in pixels or (height, width).
    silhouette: where the gradients of outlines come from (the primitive of each name in `rasterizer` says when to use
        it). "antialias": outlines are blended. "edge_gradients": hard pixels. "dibr": hard pixels, and a soft mask for
        alpha alone. "soft_skirt": a skirt of a pixel lies over a hard image. "soft_rasterize": everything is soft, and
        shaded at the corners of the faces alone. "none": hard pixels without any such gradient.
    options: further arguments of that primitive, such as {"margin": 2.0}.
    rasterizer: "pytorch3d" finds the visible faces by PyTorch3D, where it is installed; the rest is the same.
    cull: leave out faces seen from behind; else both sides are drawn, each with its normal to the viewer.
    smooth: interpolate normals over the faces. filter, wrap: of textures.
    background: linear colour that is put behind the images; rgb is then that of the whole picture, no longer
        premultiplied, while alpha still tells the shape from the background.
    near: what is nearer to the camera is cut off. passes: further images in the result, some of PASSES, always of what
    pixel centres see. surface_blur: of grids, see `smooth_binary`.
    """

    differentiable = True

    def __init__(
        self,
        size: int | tuple[int, int] = 64,
        silhouette: Silhouette = "antialias",
        options: Mapping[str, Any] | None = None,
        rasterizer: Rasterizer = "own",
        cull: bool = False,
        smooth: bool = True,
        filter: Filter = "bilinear",
        wrap: Wrap = "clamp",
        background: tuple[float, float, float] | None = None,
        near: float = 1e-3,
        passes: tuple[str, ...] = PASSES,
        surface_blur: int = 0,
        backend: Backend = "auto",
    ) -> None:
        for name, value, choices in (
            ("silhouette", silhouette, get_args(Silhouette)),
            ("rasterizer", rasterizer, get_args(Rasterizer)),
            ("filter", filter, get_args(Filter)),
            ("wrap", wrap, get_args(Wrap)),
            *(("passes", name, PASSES) for name in passes),
        ):
            if value not in choices:
                raise ValueError(f'{name} came as "{value}"; expected one of {", ".join(choices)}')
        self.size = (size, size) if isinstance(size, int) else size
        self.silhouette, self.options, self.rasterizer = silhouette, dict(options or {}), rasterizer
        self.background, self.near, self.passes, self.surface_blur = background, near, passes, surface_blur
        self._look = Look(smooth, cull, filter, wrap, backend, "normal" in passes, Lighting((), (), 1.0), None)

    def render(
        self,
        shapes: Shapes | Sequence[Mesh | TexturedMesh],
        cameras: Cameras,
        lighting: Lighting,
        harmonics: Float[Tensor, "B C 9"] | None = None,
    ) -> RenderedImages:
        """One image per shape and camera, on the device of the meshes.

        harmonics: coefficients of `geometry.lighting.shade_by_harmonics` for the batch or for each item, of one or
        three colour channels; their light is added to `lighting`. Raises RenderError for lights with shadows,
        ValueError for what does not fit together.
        """
        if isinstance(shapes, Tensor):
            fields = smooth_binary(shapes.detach().cpu() > 0.5, self.surface_blur).numpy()
            shapes = [extract_surface(field[0]) for field in fields]
        check_views(shapes, cameras)
        if lighting.shadows:
            raise RenderError("The mesh rasteriser casts no shadows.", 'Use renderer.kind = "blender".')
        meshes = gather_meshes(shapes)
        look = replace(self._look, light=lighting, harmonics=harmonics)
        projection = project_meshes(meshes, cameras.to(meshes.vertices.device), self.size, self.near)
        is_soft = self.silhouette == "soft_rasterize"
        fragments = self._rasterize(projection) if self.passes or not is_soft else None
        image, normal = None, None
        if fragments is not None and (not is_soft or "normal" in self.passes):
            image, normal = self._draw(projection, fragments, look)
        if image is None or is_soft:
            image = self._blend_softly(projection, look)
        rgb, alpha = image.split((3, 1), dim=1)
        if self.background is not None:
            rgb = rgb + (1.0 - alpha) * rgb.new_tensor(self.background).view(1, 3, 1, 1)
        return RenderedImages(
            rgb,
            alpha,
            fragments.depth if fragments is not None and "depth" in self.passes else None,
            normal if "normal" in self.passes else None,
        )

    def submit(
        self, shapes: Shapes | Sequence[Mesh | TexturedMesh], cameras: Cameras, lighting: Lighting
    ) -> FinishedRender:
        """Render at once; the pending result is ready."""
        started = time.perf_counter()
        images = self.render(shapes, cameras, lighting)
        return FinishedRender(images, time.perf_counter() - started)

    def close(self) -> None:
        """Nothing to release."""

    def _rasterize(self, projection: Projection) -> Fragments:
        options: dict[str, Any] = {
            "perspective": projection.is_perspective,
            "cull": self._look.cull,
            "near": self.near,
        }
        if self.rasterizer == "pytorch3d":
            return rasterize_with_pytorch3d(projection.screen, projection.faces, self.size, **options)
        return rasterize(projection.screen, projection.faces, self.size, **options, backend=self._look.backend)

    def _draw(self, projection: Projection, fragments: Fragments, look: Look) -> tuple[Tensor, Tensor | None]:
        """Premultiplied rgb and alpha [B, 4, H, W], and normals where they were found."""
        screen, faces, backend = projection.screen, projection.faces, look.backend
        radiance, normal = shade_fragments(projection, fragments, look)
        covered = fragments.covered.to(radiance.dtype)
        image = torch.cat([radiance * covered, covered], dim=1)
        if self.silhouette == "antialias":
            image = antialias(image, screen, faces, fragments, **self.options, backend=backend)
        elif self.silhouette == "edge_gradients":
            perspective = projection.is_perspective
            image = edge_gradients(
                image, screen, faces, fragments, perspective=perspective, **self.options, backend=backend
            )
        elif self.silhouette == "dibr":
            mask = dibr_mask(screen, faces, self.size, near=self.near, **self.options, backend=backend)
            image = torch.cat([image[:, :3], mask], dim=1)
        elif self.silhouette == "soft_skirt":
            skirt = soft_skirt(
                screen,
                faces,
                fragments,
                perspective=projection.is_perspective,
                cull=look.cull,
                near=self.near,
                **self.options,
                backend=backend,
            )
            over, _ = shade_fragments(projection, skirt.fragments, replace(look, normals=False))
            image = composite_skirt(skirt, torch.cat([over, torch.ones_like(covered)], dim=1), image)
        return image, normal

    def _blend_softly(self, projection: Projection, look: Look) -> Tensor:
        """Premultiplied rgb and alpha, [B, 4, H, W]."""
        faces = projection.faces
        own = torch.arange(3 * faces.shape[-2], device=faces.device).view(-1, 3)
        soft = soft_rasterize(
            projection.screen,
            faces,
            shade_corners(projection, look),
            self.size,
            attribute_faces=own,
            perspective=projection.is_perspective,
            cull=look.cull,
            near=self.near,
            **self.options,
            backend=look.backend,
        )
        return torch.cat([soft.colour * soft.alpha, soft.alpha], dim=1)
