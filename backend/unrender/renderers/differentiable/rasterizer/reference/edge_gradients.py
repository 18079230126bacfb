# SPDX-License-Identifier: Apache-2.0
"""The gradient of `edge_gradients.edge_gradients` in plain PyTorch: autograd of where the borders lie."""

import torch
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.contours import PARALLEL
from unrender.renderers.differentiable.rasterizer.reference.contours import Pairs, contours


def edge_gradients_backward(
    image: Tensor,
    screen: Tensor,
    faces: Tensor,
    ring: Tensor,
    face: Tensor,
    barycentrics: Tensor,
    depth: Tensor,
    gradient: Tensor,
    perspective: bool,
) -> Tensor:
    """Gradient of screen [B, N, 3], given that of image [B, C, H, W]; faces and ring are [1 or B, F, 3]."""
    with torch.enable_grad():
        points = screen.detach().double().requires_grad_(True)
        worth = points.sum() * 0.0
        for axis in (0, 1):
            pairs = contours(points, faces, ring, face, depth, axis)
            step = (pairs.first(image) - pairs.second(image)) * (pairs.first(gradient) + pairs.second(gradient)) * 0.5
            slope = step.double().sum(dim=1)  # dL / d(pixels that the border moves by along the axis)
            p, q = pairs.first(face.unsqueeze(1))[:, 0], pairs.second(face.unsqueeze(1))[:, 0]
            first_moves = (q < 0) | ((p >= 0) & (pairs.owner == 1))
            second_moves = (p < 0) | ((q >= 0) & (pairs.owner == 2))
            for moves, is_second in ((first_moves, False), (second_moves, True)):
                surface = _Surface(
                    points, faces, face, barycentrics, depth, perspective, pairs.chosen(moves), is_second
                )
                worth = worth + (slope[moves] * surface.place()[:, axis]).sum()
            cross = (p >= 0) & (q >= 0) & (pairs.owner == 3)
            first, second = (
                _Surface(points, faces, face, barycentrics, depth, perspective, pairs.chosen(cross), is_second)
                for is_second in (False, True)
            )
            difference = (first.slopes() - second.slopes()).detach()
            squared = difference.square().sum(dim=1)
            size = first.slopes().detach().norm(dim=1) + second.slopes().detach().norm(dim=1)
            is_real = (difference[:, axis] > 0.0) & (squared.sqrt() > PARALLEL * size)
            moved = difference[:, axis] / squared * (second.depth_there() - first.depth_there())
            worth = worth + (slope[cross] * moved)[is_real].sum()
        return torch.autograd.grad(worth, points)[0].to(screen.dtype)


class _Surface:
    """The faces seen at the first or second pixels of pairs, as functions of the screen vertices."""

    def __init__(
        self,
        points: Tensor,
        faces: Tensor,
        face: Tensor,
        barycentrics: Tensor,
        depth: Tensor,
        perspective: bool,
        pairs: Pairs,
        is_second: bool,
    ) -> None:
        of = pairs.second if is_second else pairs.first
        own = faces.long()[pairs.image if len(faces) > 1 else 0, of(face.unsqueeze(1))[:, 0].long()]
        self.corners = points[pairs.image.unsqueeze(1), own]  # [K, 3, 3]
        self.perspective = perspective
        self.depth = of(depth)[:, 0].double()
        weights = of(barycentrics).double()
        # On the screen: b_i z_i / z. Perspective-correct weights are those on the surface in space.
        self.weights = weights * self.corners[..., 2].detach() / self.depth[:, None] if perspective else weights
        rows, columns = pairs.row, pairs.column
        if is_second:
            rows, columns = rows + pairs.axis, columns + 1 - pairs.axis
        self.centre = torch.stack([columns, rows], dim=1) + 0.5

    def place(self) -> Tensor:
        """Column and row [K, 2] of the fragment, held fixed on the face."""
        return (self.weights.unsqueeze(2) * self.corners[..., :2]).sum(dim=1)

    def _plane(self) -> tuple[Tensor, Tensor]:
        """What is linear on the screen (the depth, or its inverse) at corner 0, and its slopes [K, 2]."""
        height = 1.0 / self.corners[..., 2] if self.perspective else self.corners[..., 2]
        sides = self.corners[:, 1:, :2] - self.corners[:, :1, :2]
        return height[:, 0], torch.linalg.solve(sides, height[:, 1:] - height[:, :1])

    def depth_there(self) -> Tensor:
        """The plane's depth [K] behind the pixel centre, which stays where it is."""
        height, slopes = self._plane()
        there = height + ((self.centre - self.corners[:, 0, :2]) * slopes).sum(dim=1)
        return 1.0 / there if self.perspective else there

    def slopes(self) -> Tensor:
        """Depth per pixel [K, 2] along the columns and the rows, at the pixel centre."""
        slopes = self._plane()[1]
        return -self.depth.square().unsqueeze(1) * slopes if self.perspective else slopes
