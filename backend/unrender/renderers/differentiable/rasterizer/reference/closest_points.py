# SPDX-License-Identifier: Apache-2.0
"""How far pixel centres are from faces, in plain PyTorch: what the soft primitives' references are made of.

Everything is in double precision, on a flat list of (face, pixel) pairs, and autograd gives the gradients.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

_PAIRS = 1 << 22  # face-pixel pairs that are looked at together


@dataclass(frozen=True, slots=True)
class Pairs:
    """Faces and the pixels near them, ordered by image and face.

    face: index within its mesh, [P]. pixel: `(image * height + row) * width + column`, [P]. corners: (column, row,
    depth) of the face's corners, [P, corner, 3]. squared: squared distance in pixels from the pixel's centre to the
    nearest point of the face's border. weights: linear barycentrics of that point, [P, 3]. edge: the edge that the
    point is on; edge i goes from corner i to the next. corner: the corner that the point is, -1 between corners.
    sides: twice the area between each edge and the centre, positive on the face's side of the edge, [P, 3].
    is_front: whether the face is seen from its front.
    """

    face: Tensor
    pixel: Tensor
    corners: Tensor
    squared: Tensor
    weights: Tensor
    edge: Tensor
    corner: Tensor
    sides: Tensor
    is_front: Tensor

    @property
    def is_inside(self) -> Tensor:
        """Whether the centre is within the face or on its border."""
        return (self.sides >= 0.0).all(dim=1)

    @property
    def is_strictly_inside(self) -> Tensor:
        """Whether the centre is within the face, not on its border."""
        return (self.sides > 0.0).all(dim=1)

    def inner_weights(self) -> Tensor:
        """Linear barycentrics [P, 3] of the centres themselves, which mean something inside of the faces."""
        areas = self.sides.roll(-1, dims=1)  # corner i is opposite edge i + 1
        return areas / areas.sum(dim=1, keepdim=True)

    def __getitem__(self, chosen: Tensor) -> "Pairs":
        return Pairs(*(getattr(self, name)[chosen] for name in self.__slots__))


def near_pairs(screen: Tensor, faces: Tensor, size: tuple[int, int], margin: float, cull: bool, near: float) -> Pairs:
    """Every face of screen [B, N, 3] and faces [1 or B, F, 3] with the pixels whose centres are in its bounding box,
    grown by `margin` pixels on all sides."""
    with torch.no_grad():
        image, face, row, column = _grown_boxes(screen, faces, size, margin, cull, near)
    own = faces.long()[image if len(faces) > 1 else 0, face]
    corners = screen.double()[image.unsqueeze(-1), own]
    centre = torch.stack([column, row], dim=-1).double() + 0.5
    points = corners[..., :2]
    turn = _cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    found = [_edge(points[:, i], points[:, (i + 1) % 3], turn, centre) for i in range(3)]
    squared, first, second, sides = (torch.stack(part, dim=1) for part in zip(*found, strict=True))
    # Two edges that meet in the nearest corner are equally far, to the last bit.
    edge = squared.detach().argmin(dim=1, keepdim=True)
    first, second = first.gather(1, edge), second.gather(1, edge)
    corner = torch.where(second <= 0.0, edge, torch.where(first <= 0.0, (edge + 1) % 3, -1))
    weights = torch.zeros_like(sides).scatter(1, edge, first).scatter(1, (edge + 1) % 3, second)
    return Pairs(
        face,
        (image * size[0] + row) * size[1] + column,
        corners,
        squared.gather(1, edge).squeeze(1),
        weights,
        edge.squeeze(1),
        corner.squeeze(1),
        sides,
        turn < 0.0,
    )


def surface_points(weights: Tensor, depths: Tensor, perspective: bool) -> tuple[Tensor, Tensor]:
    """Barycentrics [P, 3] as attributes want them, and depth [P], of points with these linear barycentrics on the
    screen, given the depths [P, 3] of the corners."""
    if not perspective:
        return weights, (weights * depths).sum(dim=1)
    parts = weights / depths
    depth = 1.0 / parts.sum(dim=1)
    return parts * depth.unsqueeze(1), depth


def firsts(*keys: Tensor) -> Tensor:
    """Order by keys [P], the last one first as in `numpy.lexsort`, smallest value first."""
    order = torch.arange(len(keys[0]), device=keys[0].device)
    for key in keys:
        order = order[torch.argsort(key[order], stable=True)]
    return order


def ranks(pixel: Tensor) -> Tensor:
    """How many entries of the same pixel come before each entry of a sorted list [P] of pixels."""
    return torch.arange(len(pixel), device=pixel.device) - torch.searchsorted(pixel, pixel)


def _cross(first: Tensor, second: Tensor) -> Tensor:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def _grown_boxes(
    screen: Tensor, faces: Tensor, size: tuple[int, int], margin: float, cull: bool, near: float
) -> tuple[Tensor, ...]:
    """(image, face, row, column) of all pairs."""
    batch, count = len(screen), faces.shape[1]
    row = torch.arange(size[0], device=screen.device).view(-1, 1) + 0.5
    column = torch.arange(size[1], device=screen.device) + 0.5
    points = torch.cat([screen.double(), screen.new_full((batch, 1, 3), torch.nan, dtype=torch.float64)], dim=1)
    image = torch.arange(batch, device=screen.device).view(-1, 1, 1)
    together = max(1, _PAIRS // (batch * size[0] * size[1]))
    found = [torch.empty(0, 4, dtype=torch.long, device=screen.device)]
    for first in range(0, count, together):
        chosen = faces[:, first : first + together].long()
        is_real = (chosen >= 0).all(-1, keepdim=True)
        corners = points[image, torch.where(is_real, chosen, screen.shape[1]).expand(batch, -1, -1)]
        turn = _cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
        is_drawn = corners.isfinite().all(-1).all(-1) & (corners[..., 2] >= near).all(-1)
        is_drawn &= turn.isfinite() & (turn < 0.0 if cull else turn != 0.0)
        low = corners.amin(dim=2)[..., None, None] - margin
        high = corners.amax(dim=2)[..., None, None] + margin
        in_box = (row >= low[:, :, 1]) & (row <= high[:, :, 1]) & (column >= low[:, :, 0]) & (column <= high[:, :, 0])
        pairs = (in_box & is_drawn[..., None, None]).nonzero()
        pairs[:, 1] += first
        found.append(pairs)
    pairs = torch.cat(found)
    return pairs[firsts(pairs[:, 1], pairs[:, 0])].unbind(1)


def _edge(start: Tensor, end: Tensor, turn: Tensor, centre: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Squared distance from the centres to one edge of each face, the shares of `start` and `end` in the nearest point,
    and twice the area between, positive on the face's side.

    Edges are always walked downwards (rightwards if level), whichever way the face runs: both faces that share one
    compute the same numbers, to the last bit.
    """
    is_upward = (end[:, 1] < start[:, 1]) | ((end[:, 1] == start[:, 1]) & (end[:, 0] < start[:, 0]))
    flip = is_upward.unsqueeze(1)
    start, end = torch.where(flip, end, start), torch.where(flip, start, end)
    edge, ray = end - start, centre - start
    along = ((ray * edge).sum(dim=1) / (edge * edge).sum(dim=1)).clamp(0.0, 1.0)
    # At the far end from the corner itself: the faces around a corner shall find it equally far, to the last bit.
    between = torch.where((along >= 1.0).unsqueeze(1), centre - end, ray - along.unsqueeze(1) * edge)
    side = _cross(edge, ray)
    return (
        (between * between).sum(dim=1),
        torch.where(is_upward, along, 1.0 - along),
        torch.where(is_upward, 1.0 - along, along),
        torch.where(is_upward != (turn > 0.0), side, -side),
    )
