# SPDX-License-Identifier: Apache-2.0
"""What is seen in each pixel of a batch of rasterised meshes."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int32
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Fragments:
    """The nearest surface behind the centre of each pixel, row 0 at the top.

    face: index of the face within its own mesh, -1 where nothing is. Carries no gradient.
    barycentrics: weights of the face's three corners; they add up to 1, and are 0 where nothing is. Perspective-correct
        if the mesh was rasterised so.
    depth: along the viewing axis, in world units, 0 where nothing is.
    """

    face: Int32[Tensor, "B H W"]
    barycentrics: Float[Tensor, "B 3 H W"]
    depth: Float[Tensor, "B 1 H W"]

    @property
    def covered(self) -> Bool[Tensor, "B 1 H W"]:
        """Where there is a surface."""
        return (self.face >= 0).unsqueeze(1)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the images."""
        return self.face.shape[1], self.face.shape[2]
