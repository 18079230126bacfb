# SPDX-License-Identifier: Apache-2.0
"""Scenes as meshes with a texture: for the renderer, and for those who export them."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from unrender.geometry.meshes import Mesh
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.geometry.textured_mesh import TexturedMesh
from unrender.geometry.textured_shape import TexturedShape
from unrender.networks.scene_generator import Scene
from unrender.networks.sphere_padding import pad_sphere

__all__ = ["Scene", "SceneTopology", "textured_shape"]

_RIM = 1  # texels that a texture is continued by, so that bilinear look-ups on the seam are those of a closed surface


class SceneTopology:
    """Faces and texture coordinates that all scenes of a generator share.

    cells: of the mesh along a side of the octahedral square, as of the generator.
    """

    def __init__(self, cells: int) -> None:
        self.template = octahedral_sphere(cells // 2)
        self._faces = torch.from_numpy(self.template.faces)
        self._uv_faces = torch.from_numpy(self.template.uv_faces)
        self._uv = torch.from_numpy(self.template.uv)

    def meshes(self, scene: Scene) -> list[TexturedMesh]:
        """The objects of a batch for a renderer that interpolates textures bilinearly. Textures are sRGB, as they are
        in the scene. Raises ValueError for scenes of another mesh."""
        if scene.vertices.shape[1] != len(self.template.vertices):
            raise ValueError(
                f"Scenes came with {scene.vertices.shape[1]} vertices; expected {len(self.template.vertices)}"
            )
        device = scene.vertices.device
        self._faces, self._uv_faces, self._uv = (x.to(device) for x in (self._faces, self._uv_faces, self._uv))
        uv = _inside_rim(self._uv, scene.texture.shape[-1])
        return [
            TexturedMesh(vertices, self._faces, uv=uv, uv_faces=self._uv_faces, texture=texture)
            for vertices, texture in zip(scene.vertices, pad_sphere(scene.texture, _RIM), strict=True)
        ]


def textured_shape(scene: Scene, topology: SceneTopology, index: int = 0) -> TexturedShape:
    """One object of a batch, as it travels between rooms; its texture has a rim of one texel."""
    one = topology.meshes(scene[index : index + 1].detach())[0]
    assert one.uv is not None
    assert one.texture is not None
    texture = (one.texture.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8).permute(1, 2, 0)
    return TexturedShape(
        Mesh(one.vertices.cpu().numpy(), topology.template.faces),
        one.uv.cpu().numpy(),
        topology.template.uv_faces,
        np.ascontiguousarray(texture.cpu().numpy()),
    )


def _inside_rim(uv: Float[Tensor, "M 2"], texels: int) -> Float[Tensor, "M 2"]:
    return (uv * texels + _RIM) / (texels + 2 * _RIM)
