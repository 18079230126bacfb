# SPDX-License-Identifier: Apache-2.0
"""From offsets on the octahedral square to the vertices of a closed mesh within the unit-diameter ball."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unrender.geometry.conventions import OBJECT_RADIUS
from unrender.geometry.octahedral_sphere import OctahedralSphere, octahedral_sphere
from unrender.networks.sphere_padding import blur_sphere, pad_sphere

_SHARPNESS = 6  # of the size constraint: points up to two thirds of the way to the ball's surface stay where they are


class OctahedralSurface(nn.Module):
    """Offsets [B, 3, n, n], in radii of the ball, -> vertices [B, N, 3], in world units. It has no weights.

    cells: of the mesh along a side of the square, an even number; 2 cells^2 triangles, `cells^2 + 2` vertices. On the
        seam there are no two vertices in one place.
    radius: of the sphere that no offsets give, in world units, below 0.5.
    smoothing: of the offsets, in their pixels (sigma of a Gaussian).
    size_constraint: draw every point towards the middle until it lies in the unit-diameter ball, smoothly: a point at
        r ball radii goes to `r / (1 + r^6)^(1/6)`, which hardly moves what lies well inside.
    """

    def __init__(self, cells: int, radius: float, smoothing: float = 0.0, size_constraint: bool = True) -> None:
        super().__init__()
        if cells < 2 or cells % 2:
            raise ValueError(f"cells came as {cells}; expected an even number of cells along a side of the square")
        if not 0.0 < radius < OBJECT_RADIUS:
            raise ValueError(f"radius came as {radius}; expected more than 0 and less than {OBJECT_RADIUS}")
        self.cells, self.template = cells, octahedral_sphere(cells // 2)
        self.smoothing, self.size_constraint = smoothing, size_constraint
        share = radius / OBJECT_RADIUS
        if size_constraint:
            share /= (1.0 - share**_SHARPNESS) ** (1.0 / _SHARPNESS)  # what the constraint takes to `radius`
        self.sphere: Tensor
        self.uv: Tensor
        self.register_buffer("sphere", share * torch.from_numpy(self.template.vertices), persistent=False)
        self.register_buffer("uv", _uv_of_vertices(self.template), persistent=False)

    def forward(self, offsets: Float[Tensor, "B 3 n n"]) -> Float[Tensor, "B N 3"]:
        with torch.autocast(offsets.device.type, enabled=False):  # bfloat16 would round to a tenth of a pixel
            moved = self.sphere + self._at_vertices(blur_sphere(offsets, self.smoothing))
        if self.size_constraint:
            squares = moved.square().sum(dim=-1, keepdim=True)
            moved = moved * (1.0 + squares ** (_SHARPNESS // 2)) ** (-1.0 / _SHARPNESS)
        return OBJECT_RADIUS * moved

    def _at_vertices(self, images: Tensor) -> Tensor:
        """Bilinear samples [B, N, 3] at the vertices' places on the square."""
        side = images.shape[-1]
        places = (2.0 * (self.uv * side + 1.0) / (side + 2.0) - 1.0) * self.uv.new_tensor([1.0, -1.0])
        grid = places.view(1, 1, -1, 2).expand(len(images), -1, -1, -1)
        samples = functional.grid_sample(pad_sphere(images), grid, mode="bilinear", align_corners=False)
        return samples[:, :, 0].transpose(1, 2)


def _uv_of_vertices(template: OctahedralSphere) -> Float[Tensor, "N 2"]:
    """One of the uv that each vertex has: those of a seam vertex, being one point of the sphere, are as good."""
    uv = torch.zeros(len(template.vertices), 2)
    uv[torch.from_numpy(template.faces).flatten().long()] = torch.from_numpy(template.uv)[
        torch.from_numpy(template.uv_faces).flatten().long()
    ]
    return uv
