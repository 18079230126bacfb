# SPDX-License-Identifier: Apache-2.0
"""A mesh with colours of its own, as tensors that gradients reach."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class TexturedMesh:
    """Triangles in world coordinates; faces are counter-clockwise seen from outside.

    What it reflects is the product of `colours` and `texture`, white where there is neither.

    colours: linear, of each vertex.
    uv: u to the right and v up; (0, 0) is the lower left corner of the texture. One for each vertex, or those that
        `uv_faces` names: the corners of a face may have others than its neighbours' on the other side of a seam.
    texture: linear, row 0 at the top.
    """

    vertices: Float[Tensor, "N 3"]
    faces: Int[Tensor, "F 3"]
    colours: Float[Tensor, "N 3"] | None = None
    uv: Float[Tensor, "M 2"] | None = None
    uv_faces: Int[Tensor, "F 3"] | None = None
    texture: Float[Tensor, "3 h w"] | None = None

    def __post_init__(self) -> None:
        if self.texture is not None and self.uv is None:
            raise ValueError("A mesh came with a texture but without uv; expected uv for its vertices or its corners")
        if self.uv is not None and self.uv_faces is None and len(self.uv) != len(self.vertices):
            raise ValueError(
                f"A mesh of {len(self.vertices)} vertices came with {len(self.uv)} uv; expected as many, or uv_faces"
            )
        if self.uv_faces is not None and len(self.uv_faces) != len(self.faces):
            raise ValueError(
                f"A mesh of {len(self.faces)} faces came with {len(self.uv_faces)} uv_faces; expected as many"
            )
        if self.colours is not None and len(self.colours) != len(self.vertices):
            raise ValueError(
                f"A mesh of {len(self.vertices)} vertices came with {len(self.colours)} colours; expected as many"
            )

    def __repr__(self) -> str:
        return f"<TexturedMesh {len(self.vertices)} vertices, {len(self.faces)} faces>"
