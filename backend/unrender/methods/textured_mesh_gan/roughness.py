# SPDX-License-Identifier: Apache-2.0
"""How rough meshes of the octahedral template are."""

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.geometry.octahedral_sphere import octahedral_sphere


class Roughness:
    """Mean squared distance of vertices from the middle of their neighbours (a uniform Laplacian), in edge lengths of
    the template on the object's ball: of a sphere about 0, of noise about 1.

    cells: of the mesh, as of the generator.
    """

    def __init__(self, cells: int) -> None:
        template = octahedral_sphere(cells // 2)
        faces = torch.from_numpy(template.faces).long()
        edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])  # each in both directions, once
        self._from, self._to = edges.T
        count = len(template.vertices)
        self._degree = torch.bincount(self._from, minlength=count).float()[:, None]
        ends = 0.5 * torch.from_numpy(template.vertices)[edges]
        self._length = float((ends[:, 0] - ends[:, 1]).norm(dim=1).mean())

    def __call__(self, vertices: Float[Tensor, "B N 3"]) -> Float[Tensor, ""]:
        """Of a batch, with gradients."""
        source, target = self._from.to(vertices.device), self._to.to(vertices.device)
        middles = torch.zeros_like(vertices).index_add(1, source, vertices[:, target])
        apart = vertices - middles / self._degree.to(vertices.device)
        return apart.square().sum(dim=-1).mean() / self._length**2
