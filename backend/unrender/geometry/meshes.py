# SPDX-License-Identifier: Apache-2.0
"""The mesh that travels between rooms."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32


@dataclass(frozen=True, slots=True)
class Mesh:
    """Triangles in world coordinates; faces are counter-clockwise seen from outside."""

    vertices: Float32[np.ndarray, "N 3"]
    faces: Int32[np.ndarray, "F 3"]

    def __repr__(self) -> str:
        return f"<Mesh {len(self.vertices)} vertices, {len(self.faces)} faces>"
