# SPDX-License-Identifier: Apache-2.0
"""Meshes in front of cameras: where they are on the screen, and what their surface looks like there."""

from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unrender.geometry.cameras import Cameras
from unrender.geometry.lighting import Lighting, shade_by_harmonics
from unrender.renderers.differentiable.mesh_batch import MeshBatch
from unrender.renderers.differentiable.rasterizer.backends import Backend
from unrender.renderers.differentiable.rasterizer.face_corners import face_corners
from unrender.renderers.differentiable.rasterizer.fragments import Fragments
from unrender.renderers.differentiable.rasterizer.interpolate import interpolate
from unrender.renderers.differentiable.rasterizer.near_plane import ClippedMesh, clip_near, crosses_near
from unrender.renderers.differentiable.rasterizer.normals import flat_normals, smooth_normals
from unrender.renderers.differentiable.rasterizer.project import to_camera, to_screen
from unrender.renderers.differentiable.rasterizer.texture import Filter, Wrap, texture, uv_footprint


@dataclass(frozen=True, slots=True)
class Look:
    """How surfaces are drawn. smooth: normals are interpolated over the faces; else each face is flat. cull: faces seen
    from behind are left out; else their other side is drawn. filter, wrap: of textures. normals: whether they are asked
    for; else they are found only where light needs them. light, harmonics: see `geometry.lighting`; coefficients
    [1 or B, 1 or 3, 9] are added to the other light."""

    smooth: bool
    cull: bool
    filter: Filter
    wrap: Wrap
    backend: Backend
    normals: bool
    light: Lighting
    harmonics: Float[Tensor, "B C 9"] | None

    @property
    def needs_normals(self) -> bool:
        return self.normals or bool(self.light.directions) or self.harmonics is not None


@dataclass(frozen=True, slots=True)
class Projection:
    """A batch of meshes on the screens of as many cameras. screen, faces: what is to be rasterised. clipped: how these
    came about where the near plane cut something; then they are not those of `meshes`."""

    meshes: MeshBatch
    cameras: Cameras
    size: tuple[int, int]
    screen: Float[Tensor, "B N 3"]
    faces: Int[Tensor, "*batch F 3"]
    clipped: ClippedMesh | None

    @property
    def is_perspective(self) -> bool:
        return self.cameras.field_of_view is not None


def project_meshes(meshes: MeshBatch, cameras: Cameras, size: tuple[int, int], near: float) -> Projection:
    """Put meshes on the screen, cut at the near plane where they cross it."""
    points, faces, clipped = to_camera(meshes.vertices, cameras), meshes.faces, None
    if crosses_near(points, near):
        clipped = clip_near(points, faces, near)
        points, faces = clipped.points, clipped.faces
    return Projection(meshes, cameras, size, to_screen(points, cameras, size), faces, clipped)


def shade_fragments(
    projection: Projection, fragments: Fragments, look: Look
) -> tuple[Float[Tensor, "B 3 H W"], Float[Tensor, "B 3 H W"] | None]:
    """Radiance (not masked) and camera-frame normal (0 where nothing is; None where the look needs none) of what was
    rasterised from a projection."""
    meshes, clipped, backend = projection.meshes, projection.clipped, look.backend
    whole = fragments if clipped is None else clipped.restore(fragments, backend=backend)
    turn = projection.cameras.axes().to(meshes.vertices).transpose(1, 2)
    attributes = [meshes.colours] if meshes.colours is not None else []
    is_smooth = look.needs_normals and look.smooth
    if is_smooth:  # one pass over the pixels for normals and colours
        attributes.insert(0, smooth_normals(meshes.vertices, meshes.faces, backend=backend) @ turn)
    images = _interpolated(attributes, whole, meshes.faces, backend)
    normal = None
    if is_smooth:
        normal = images.pop(0)
    elif look.needs_normals:
        normals = flat_normals(meshes.vertices, meshes.faces, backend=backend) @ turn
        itself = torch.arange(normals.shape[1], device=normals.device).view(-1, 1).expand(-1, 3)
        normal = interpolate(normals, whole, itself, backend=backend)
    if normal is None:
        radiance = torch.full_like(fragments.depth, look.light.ambient)
    else:
        # functional.normalize over the channels takes fifty times as long on a CPU.
        normal = normal * torch.rsqrt(normal.square().sum(dim=1, keepdim=True).clamp(min=1e-24))
        if not look.cull:
            normal = torch.where(_is_seen_from_behind(projection, fragments), -normal, normal)
        radiance = look.light.shade(normal)
        if look.harmonics is not None:
            radiance = radiance + shade_by_harmonics(look.harmonics, normal)
    for colour in images:
        radiance = radiance * colour
    if meshes.textures is not None:
        radiance = radiance * _textured(projection, fragments, whole, look)
    return radiance.expand(-1, 3, -1, -1), normal


def shade_corners(projection: Projection, look: Look) -> Float[Tensor, "B corners 3"]:
    """Radiance at the three corners of each face of a projection, face after face, for primitives that blend whole
    faces. Textures are looked up at the corners alone."""
    radiance, _ = shade_fragments(projection, _corner_fragments(projection), replace(look, normals=False))
    return radiance.flatten(2).transpose(1, 2)


def _corner_fragments(projection: Projection) -> Fragments:
    """Images with a row for each face and a column for each of its corners."""
    screen, batch = projection.screen.detach(), len(projection.screen)
    faces = projection.faces.expand(batch, -1, -1)
    count = faces.shape[1]
    own = torch.arange(count, dtype=torch.int32, device=screen.device).view(-1, 1)
    depth = face_corners(screen[..., 2:], projection.faces).squeeze(-1)
    return Fragments(
        torch.where((faces >= 0).all(dim=-1, keepdim=True), own, -1).expand(-1, -1, 3).contiguous(),
        torch.eye(3, dtype=screen.dtype, device=screen.device).view(1, 3, 1, 3).expand(batch, -1, count, -1),
        depth.unsqueeze(1).expand(batch, -1, -1, -1),
    )


def _interpolated(attributes: list[Tensor], fragments: Fragments, faces: Tensor, backend: Backend) -> list[Tensor]:
    if not attributes:
        return []
    batch = max(len(rows) for rows in attributes)
    joined = torch.cat([rows.expand(batch, -1, -1) for rows in attributes], dim=-1) if batch else attributes[0]
    return list(interpolate(joined, fragments, faces, backend=backend).split(3, dim=1))


def _is_seen_from_behind(projection: Projection, fragments: Fragments) -> Bool[Tensor, "B 1 H W"]:
    """Whether a pixel shows a face whose corners run clockwise on the screen (whose rows count downwards)."""
    screen, faces = projection.screen.detach(), projection.faces
    if 0 in (faces.shape[-2], screen.shape[1]):
        return torch.zeros_like(fragments.covered)
    corners = faces.long().clamp(min=0).expand(len(screen), -1, -1).flatten(1)
    (x0, x1, x2), (y0, y1, y2) = (
        screen[..., axis].gather(1, corners).unflatten(1, (-1, 3)).unbind(-1) for axis in (0, 1)
    )
    is_turned = (x1 - x0) * (y2 - y0) > (x2 - x0) * (y1 - y0)
    shown = fragments.face.clamp(min=0).long()
    return is_turned.gather(1, shown.flatten(1)).view_as(shown).unsqueeze(1)


def _textured(projection: Projection, fragments: Fragments, whole: Fragments, look: Look) -> Tensor:
    meshes, backend = projection.meshes, look.backend
    assert meshes.uv is not None
    assert meshes.textures is not None
    uv = interpolate(meshes.uv, whole, meshes.uv_faces, backend=backend)
    footprint = None
    if look.filter == "mipmap":
        at, at_faces = meshes.uv.detach(), meshes.uv_faces
        if projection.clipped is not None:
            at, at_faces = _uv_of_parts(at, at_faces, projection.clipped)
        footprint = uv_footprint(
            at,
            projection.screen,
            fragments,
            projection.faces,
            uv_faces=at_faces,
            perspective=projection.is_perspective,
            backend=backend,
        )
    look_up = partial(texture, filter=look.filter, wrap=look.wrap, backend=backend)
    if len(meshes.textures) == 1:
        return look_up(uv, meshes.textures[0], footprint=footprint)
    steps = [None] * len(uv) if footprint is None else footprint.split(1)
    parts = zip(uv.split(1), meshes.textures, steps, strict=True)
    return torch.cat([look_up(one, image, footprint=step) for one, image, step in parts])


def _uv_of_parts(uv: Tensor, uv_faces: Tensor, clipped: ClippedMesh) -> tuple[Tensor, Tensor]:
    """uv of the corners that the near plane made of those of whole faces."""
    batch, parts = clipped.source.shape
    item = torch.arange(batch, device=uv.device).view(-1, 1)
    whole = face_corners(uv, uv_faces).expand(batch, -1, -1, -1)[item, clipped.source]
    return (clipped.corners.detach() @ whole).flatten(1, 2), torch.arange(3 * parts, device=uv.device).view(parts, 3)
