# SPDX-License-Identifier: Apache-2.0
"""The same work by other rasterisers, where they are installed: PyTorch3D and nvdiffrast."""

import importlib
import importlib.util
import math
from typing import Any

import torch

from unrender.cli.benchmarks.raster_workload import Scene
from unrender.renderers.differentiable.pytorch3d_rasterizer import ndc_from_screen, rasterize_with_pytorch3d

_SIGMA = 1e-4  # softness of PyTorch3D's tutorials
_BLUR = math.log(1.0 / 1e-4 - 1.0) * _SIGMA


def has_pytorch3d() -> bool:
    """Whether PyTorch3D is installed."""
    return importlib.util.find_spec("pytorch3d") is not None


def has_nvdiffrast() -> bool:
    """Whether nvdiffrast is installed."""
    return importlib.util.find_spec("nvdiffrast") is not None


class PyTorch3D:
    """PyTorch3D on a scene."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._rasterize = importlib.import_module("pytorch3d.renderer.mesh.rasterize_meshes").rasterize_meshes
        self._blending = importlib.import_module("pytorch3d.renderer.blending")
        self._meshes: Any = importlib.import_module("pytorch3d.structures").Meshes
        self._points = ndc_from_screen(scene.screen, scene.size)
        self._faces = [scene.mesh.faces.long()] * scene.batch

    def rasterise(self) -> None:
        """The visible faces, one per pixel."""
        scene = self._scene
        rasterize_with_pytorch3d(scene.screen, scene.mesh.faces, scene.size, perspective=False)

    def learn_silhouette(self, nearest: int) -> None:
        """SoftSilhouetteShader's work, forward and backward, with the nearest faces of each pixel."""
        points = self._points.clone().requires_grad_()
        packed, depth, barycentrics, distances = self._rasterize(
            self._meshes(verts=list(points), faces=self._faces),
            image_size=self._scene.size,
            blur_radius=_BLUR,
            faces_per_pixel=nearest,
            perspective_correct=False,
            clip_barycentric_coords=True,
        )
        rasterizer = importlib.import_module("pytorch3d.renderer.mesh.rasterizer")
        fragments = rasterizer.Fragments(packed, depth, barycentrics, distances)
        colours = torch.ones_like(barycentrics)
        parameters = self._blending.BlendParams(sigma=_SIGMA, gamma=1e-4)
        alpha = self._blending.sigmoid_alpha_blend(colours, fragments, parameters)[..., 3]
        alpha.square().mean().backward()


class Nvdiffrast:
    """nvdiffrast on a scene, on a CUDA device."""

    def __init__(self, scene: Scene) -> None:
        self._library: Any = importlib.import_module("nvdiffrast.torch")
        self._context = self._library.RasterizeCudaContext(device=scene.device)
        self._size = scene.size
        self._faces = scene.mesh.faces.int().contiguous()
        assert scene.mesh.texture is not None
        assert scene.mesh.uv is not None
        self._uv = scene.mesh.uv.expand(scene.batch, -1, -1).contiguous()
        self._texture = scene.mesh.texture.detach().permute(1, 2, 0)[None].contiguous().requires_grad_()
        side = torch.tensor([2.0 / scene.size[1], 2.0 / scene.size[0], 0.25], device=scene.device)
        clip = scene.screen * side - 1.0  # row 0 of nvdiffrast's images has the smallest y
        self._points = torch.cat([clip, torch.ones_like(clip[..., :1])], dim=-1).contiguous()

    def rasterise(self) -> None:
        """The visible faces."""
        self._library.rasterize(self._context, self._points, self._faces, resolution=list(self._size))

    def learn(self) -> None:
        """Texture and outlines, forward and backward; no shading."""
        points = self._points.clone().requires_grad_()
        seen, _ = self._library.rasterize(self._context, points, self._faces, resolution=list(self._size))
        uv, _ = self._library.interpolate(self._uv, seen, self._faces)
        covered = (seen[..., 3:] > 0).to(points.dtype)
        colour = self._library.texture(self._texture, uv, filter_mode="linear") * covered
        image = self._library.antialias(torch.cat([colour, covered], dim=-1), seen, points, self._faces)
        (image[..., 3].square().mean() + image[..., :3].mean()).backward()
        self._texture.grad = None
