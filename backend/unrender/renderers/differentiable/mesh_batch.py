# SPDX-License-Identifier: Apache-2.0
"""Meshes of any sizes as one batch for the rasteriser."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from unrender.geometry.meshes import Mesh
from unrender.geometry.textured_mesh import TexturedMesh


@dataclass(frozen=True, slots=True)
class MeshBatch:
    """Meshes one after the other; what is shorter than the longest is filled up: faces with -1, the rest with 0.

    What all meshes of the batch share, being the same tensor, is there once: faces [F, 3], the others [1, ...].
    colours and uv are None if no mesh has them. textures: of each mesh, [1, 3, h, w], or one for all; white for those
    that have none, None if no mesh has one.
    """

    vertices: Float[Tensor, "batch N 3"]
    faces: Int[Tensor, "*batch2 F 3"]
    colours: Float[Tensor, "batch3 N 3"] | None
    uv: Float[Tensor, "batch4 M 2"] | None
    uv_faces: Int[Tensor, "*batch5 F 3"]
    textures: list[Tensor] | None


def gather_meshes(shapes: Sequence[Mesh | TexturedMesh]) -> MeshBatch:
    """Pack meshes into a batch. Raises ValueError for tensors of different dtypes or devices."""
    known: dict[int, TexturedMesh] = {}
    meshes = [known.setdefault(id(shape), as_tensors(shape)) for shape in shapes]
    first = meshes[0].vertices
    for mesh in meshes:
        for name in ("vertices", "colours", "uv", "texture"):
            tensor = getattr(mesh, name)
            if tensor is not None and (tensor.dtype, tensor.device) != (first.dtype, first.device):
                raise ValueError(
                    f"{name} of a mesh came as {tensor.dtype} on {tensor.device}, other parts of the batch as "
                    f"{first.dtype} on {first.device}; convert them to the same dtype and move them to one device"
                )
    count = max(len(mesh.vertices) for mesh in meshes)

    def colours(mesh: TexturedMesh) -> Tensor:
        return torch.ones_like(mesh.vertices) if mesh.colours is None else mesh.colours

    def uv(mesh: TexturedMesh) -> Tensor:
        return mesh.vertices.new_zeros(len(mesh.vertices), 2) if mesh.uv is None else mesh.uv

    def texture(mesh: TexturedMesh) -> Tensor:
        return mesh.vertices.new_ones(3, 1, 1) if mesh.texture is None else mesh.texture

    is_textured = any(mesh.texture is not None for mesh in meshes)
    faces = _faces(meshes, lambda mesh: mesh.faces)
    return MeshBatch(
        vertices=_stacked([mesh.vertices for mesh in meshes], count, 0),
        faces=faces,
        colours=_stacked([colours(mesh) for mesh in meshes], count, 0)
        if any(mesh.colours is not None for mesh in meshes)
        else None,
        uv=_stacked([uv(mesh) for mesh in meshes], max(len(uv(mesh)) for mesh in meshes), 0) if is_textured else None,
        uv_faces=_faces(meshes, lambda mesh: mesh.faces if mesh.uv_faces is None else mesh.uv_faces)
        if is_textured and any(mesh.uv_faces is not None for mesh in meshes)
        else faces,
        textures=_textures([texture(mesh) for mesh in meshes]) if is_textured else None,
    )


def as_tensors(shape: Mesh | TexturedMesh) -> TexturedMesh:
    """The same mesh as tensors on the CPU, which share its memory."""
    if isinstance(shape, TexturedMesh):
        return shape
    return TexturedMesh(torch.from_numpy(shape.vertices), torch.from_numpy(shape.faces))


def _faces(meshes: list[TexturedMesh], of: Callable[[TexturedMesh], Tensor]) -> Tensor:
    each = [of(mesh) for mesh in meshes]
    if all(faces is each[0] for faces in each):
        return each[0]
    return _stacked(each, max(len(faces) for faces in each), -1)


def _stacked(rows: list[Tensor], count: int, filling: int) -> Tensor:
    """[B, count, K], or [1, count, K] if all are the same tensor."""
    if all(row is rows[0] for row in rows):
        rows = rows[:1]
    padded = [
        row if len(row) == count else torch.cat([row, row.new_full((count - len(row), row.shape[1]), filling)])
        for row in rows
    ]
    return padded[0].unsqueeze(0) if len(padded) == 1 else torch.stack(padded)


def _textures(each: list[Tensor]) -> list[Tensor]:
    if all(texture is each[0] for texture in each):
        return [each[0].unsqueeze(0)]
    if all(texture.shape == each[0].shape for texture in each):
        return [torch.stack(each)]
    return [texture.unsqueeze(0) for texture in each]
