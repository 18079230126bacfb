# SPDX-License-Identifier: Apache-2.0
"""The mesh with a texture that travels between rooms; the one that gradients reach is `textured_mesh.TexturedMesh`."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, UInt8

from unrender.geometry.meshes import Mesh


@dataclass(frozen=True, slots=True, eq=False)
class TexturedShape:
    """A mesh and the picture that lies on it.

    uv: u to the right and v up; (0, 0) is the lower left corner of the texture.
    uv_faces: which uv the corners of each face have: those of neighbours may differ on the two sides of a seam.
    texture: sRGB, row 0 at the top; light that a method has baked in is part of it.
    """

    mesh: Mesh
    uv: Float32[np.ndarray, "M 2"]
    uv_faces: Int32[np.ndarray, "F 3"]
    texture: UInt8[np.ndarray, "h w 3"]

    def __post_init__(self) -> None:
        if len(self.uv_faces) != len(self.mesh.faces):
            raise ValueError(
                f"A mesh of {len(self.mesh.faces)} faces came with {len(self.uv_faces)} uv_faces; expected as many"
            )
        if self.uv_faces.size and not 0 <= self.uv_faces.min() <= self.uv_faces.max() < len(self.uv):
            raise ValueError(f"uv_faces name uv that are not among the {len(self.uv)} given")

    def __repr__(self) -> str:
        height, width = self.texture.shape[:2]
        return f"<TexturedShape {len(self.mesh.vertices)} vertices, {len(self.mesh.faces)} faces, {width} x {height}>"
