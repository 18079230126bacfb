# SPDX-License-Identifier: Apache-2.0
"""What `contours` defines, in plain PyTorch: all pairs of pixels take their steps over the mesh together."""

from dataclasses import dataclass

import torch
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.contours import (
    CONNECTED,
    LOST,
    MOST_STEPS,
    PASSED,
    REACH,
    THIN,
    TOUCHED,
)

_WALKING = -9


@dataclass(frozen=True)
class Pairs:
    """Pairs of neighbouring pixels that see different faces: the first at (row, column), the second right of it (axis
    0) or below it (axis 1).

    edge: half-edge of the contour between the two, -1 for none. owner: whose it is: 0 nobody's, 1 the first pixel's,
    2 the second's, 3 their surfaces run through each other. All fields but axis are [K].
    """

    axis: int
    image: Tensor
    row: Tensor
    column: Tensor
    edge: Tensor
    owner: Tensor

    @property
    def line(self) -> Tensor:
        """The coordinate that both pixel centres share."""
        return (self.row if self.axis == 0 else self.column) + 0.5

    @property
    def origin(self) -> Tensor:
        """The first centre's coordinate along the axis."""
        return (self.column if self.axis == 0 else self.row) + 0.5

    def chosen(self, which: Tensor) -> "Pairs":
        """Some of the pairs."""
        parts = (part[which] for part in (self.image, self.row, self.column, self.edge, self.owner))
        return Pairs(self.axis, *parts)

    def first(self, images: Tensor) -> Tensor:
        """What images [B, C, H, W] have at the first pixels: [K, C]."""
        return images[self.image, :, self.row, self.column]

    def second(self, images: Tensor) -> Tensor:
        """What images [B, C, H, W] have at the second pixels: [K, C]."""
        return images[self.image, :, self.row + self.axis, self.column + 1 - self.axis]


def contours(screen: Tensor, faces: Tensor, ring: Tensor, face: Tensor, depth: Tensor, axis: int) -> Pairs:
    """screen [B, N, 3], faces and ring [1 or B, F, 3], face [B, H, W], depth [B, 1, H, W]."""
    height, width = face.shape[1] - axis, face.shape[2] - 1 + axis
    differs = face[:, :height, :width] != face[:, axis:, 1 - axis :]
    image, row, column = differs.nonzero(as_tuple=True)
    nobody = torch.zeros_like(image)
    pairs = Pairs(axis, image, row, column, nobody - 1, nobody)
    p, q = pairs.first(face.unsqueeze(1).long())[:, 0], pairs.second(face.unsqueeze(1).long())[:, 0]
    is_first_nearer = (q < 0) | ((p >= 0) & (pairs.first(depth) <= pairs.second(depth))[:, 0])
    mesh = _Mesh(screen.detach().double(), faces.long(), ring.long())
    nearer = mesh.surface_ends(
        pairs, torch.where(is_first_nearer, p, q), torch.where(is_first_nearer, q, p), is_first_nearer
    )
    again = ((nearer == PASSED) | (nearer == TOUCHED)) & (p >= 0) & (q >= 0)
    farther = torch.full_like(nearer, LOST)
    start, target = torch.where(is_first_nearer, q, p)[again], torch.where(is_first_nearer, p, q)[again]
    farther[again] = mesh.surface_ends(pairs.chosen(again), start, target, ~is_first_nearer[again])
    edge = torch.where(nearer >= 0, nearer, farther)
    owner = torch.where(is_first_nearer == (nearer >= 0), 1, 2)
    owner = torch.where(edge >= 0, owner, torch.where((nearer == PASSED) & (farther == PASSED), 3, 0))
    return Pairs(axis, image, row, column, edge.clamp(min=-1), owner)


def edge_ends(faces: Tensor, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """The two vertices [K] of each pair's edge, the lower index first."""
    triangles = faces.long()[pairs.image if len(faces) > 1 else 0, pairs.edge // 3]
    start = triangles.gather(1, (pairs.edge % 3).unsqueeze(1))[:, 0]
    end = triangles.gather(1, ((pairs.edge + 1) % 3).unsqueeze(1))[:, 0]
    return torch.minimum(start, end), torch.maximum(start, end)


def crossing(screen: Tensor, pairs: Pairs, start: Tensor, end: Tensor) -> Tensor:
    """Where the lines between the pixel centres cross the edges: 0 at the first centre, 1 at the second. Differentiable
    with respect to screen."""
    a, b = screen[pairs.image, start], screen[pairs.image, end]
    along, across = pairs.axis, 1 - pairs.axis
    share = (pairs.line - a[:, across]) / (b[:, across] - a[:, across])
    return a[:, along] - pairs.origin + share * (b[:, along] - a[:, along])


class _Mesh:
    """screen [B, N, 3] in double precision, faces and ring [1 or B, F, 3] as int64."""

    def __init__(self, screen: Tensor, faces: Tensor, ring: Tensor) -> None:
        self.screen, self.faces, self.ring = screen, faces, ring

    def corners(self, image: Tensor, face: Tensor) -> Tensor:
        """Vertex indices [K, 3] of a face in each of the images."""
        return self.faces[image if len(self.faces) > 1 else 0, face]

    def turns(self, image: Tensor, face: Tensor) -> tuple[Tensor, Tensor]:
        """Twice the signed area on the screen, and whether the face is thinner than THIN."""
        points = self.screen[image.unsqueeze(1), self.corners(image, face)][..., :2]
        a, b = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
        area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
        longest = torch.stack([a, b, a - b]).abs().amax(dim=(0, 2))
        return area, area.abs() <= THIN * longest

    def is_drawn(self, image: Tensor, face: Tensor) -> Tensor:
        """Whether all corners are finite and in front of the camera."""
        points = self.screen[image.unsqueeze(1), self.corners(image, face)]
        return points.isfinite().all(dim=2).all(dim=1) & (points[..., 2] > 0.0).all(dim=1)

    def surface_ends(self, pairs: Pairs, start: Tensor, target: Tensor, is_onward: Tensor) -> Tensor:
        """Per pair the half-edge where the surface of face `start` ends on the way to the other pixel, which sees
        `target` (-1 for nothing), or a code of `contours`. is_onward: from the first pixel to the second."""
        result = torch.full_like(start, LOST)
        step = torch.where(is_onward, 1.0, -1.0).double()
        origin = pairs.origin + torch.where(is_onward, 0, 1)
        reach = self._reaches(pairs, start, step, origin)
        furthest, corner = reach.max(dim=1)
        walking = (furthest > -torch.inf).nonzero()[:, 0]
        facing = self.turns(pairs.image, start)[0]
        orientation = torch.ones_like(facing)
        face, edge = start.clone(), 3 * start + corner
        for _ in range(MOST_STEPS):
            if len(walking) == 0:
                break
            # 1. Those that are past the other pixel's centre are done.
            passed = furthest[walking] > 1.0 + REACH
            done = walking[passed]
            corners = self.corners(pairs.image[done], face[done])
            wanted = self.corners(pairs.image[done], target[done].clamp(min=0))
            touches = (corners.unsqueeze(2) == wanted.unsqueeze(1)).flatten(1).any(dim=1) & (target[done] >= 0)
            result[done] = torch.where(touches, TOUCHED, PASSED)
            walking = walking[~passed]
            # 2. The others look for the face that goes on behind the edge.
            onward, turned, is_thin, is_reached = self._onward(
                pairs.image[walking],
                face[walking],
                corner[walking],
                target[walking],
                orientation[walking],
                facing[walking],
            )
            result[walking] = torch.where(is_reached, CONNECTED, torch.where(onward < 0, edge[walking], LOST))
            goes_on = (onward >= 0) & ~is_reached
            walking, onward, is_thin = walking[goes_on], onward[goes_on], is_thin[goes_on]
            orientation[walking] = turned[goes_on]
            # 3. They step on it, and leave by its other edge across the line.
            face[walking] = onward // 3
            here = pairs.chosen(walking)
            reach = self._reaches(here, face[walking], step[walking], origin[walking])
            reach.scatter_(1, (onward % 3).unsqueeze(1), -torch.inf)
            furthest[walking], corner[walking] = reach.max(dim=1)
            edge[walking] = torch.where(is_thin, edge[walking], 3 * face[walking] + corner[walking])
        return result

    def _reaches(self, pairs: Pairs, face: Tensor, step: Tensor, origin: Tensor) -> Tensor:
        """How far along the way each edge [K, 3] of the faces crosses the line; -inf for those that do not."""
        starts = self.corners(pairs.image, face)
        reaches = []
        for corner in range(3):
            a, b = starts[:, corner], starts[:, (corner + 1) % 3]
            first, second = torch.minimum(a, b), torch.maximum(a, b)
            across = self.screen[..., 1 - pairs.axis]
            crosses = (across[pairs.image, a] > pairs.line) != (across[pairs.image, b] > pairs.line)
            position = crossing(self.screen, pairs, first, second) + (pairs.origin - origin)
            reaches.append(torch.where(crosses, step * position, -torch.inf))
        return torch.stack(reaches, dim=1)

    def _onward(
        self, image: Tensor, face: Tensor, corner: Tensor, target: Tensor, orientation: Tensor, facing: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Over the edge that starts at `corner` of `face`: the half-edge by which the surface goes on (-1 for none),
        that face's orientation with respect to the first, whether it is thin, and whether the edge borders on
        `target`."""
        mesh = image if len(self.faces) > 1 else torch.zeros_like(image)
        half, start = 3 * face + corner, self.corners(image, face).gather(1, corner.unsqueeze(1))[:, 0]
        onward, lowest = torch.full_like(face, -1), torch.full_like(face, self.screen.shape[1])
        turned_onward, thin_onward = orientation.clone(), torch.zeros_like(face, dtype=torch.bool)
        is_reached = torch.zeros_like(thin_onward)
        other = self.ring[mesh, face, corner]
        while bool((other != half).any()):
            is_other = other != half
            g, k = other // 3, other % 3
            own = self.corners(image, g)
            first, apex = own.gather(1, k.unsqueeze(1))[:, 0], own.gather(1, ((k + 2) % 3).unsqueeze(1))[:, 0]
            area, is_thin = self.turns(image, g)
            turned = torch.where(first == start, -orientation, orientation)
            goes_on = is_other & self.is_drawn(image, g) & (is_thin | (area * turned * facing > 0.0)) & (apex < lowest)
            onward, lowest = torch.where(goes_on, other, onward), torch.where(goes_on, apex, lowest)
            turned_onward = torch.where(goes_on, turned, turned_onward)
            thin_onward = torch.where(goes_on, is_thin, thin_onward)
            is_reached = is_reached | (is_other & (g == target))
            other = torch.where(is_other, self.ring[mesh, g, k], other)
        return onward, turned_onward, thin_onward, is_reached
