# SPDX-License-Identifier: Apache-2.0
"""`rasterize.rasterize` in plain PyTorch: every face is looked at in every pixel, in double precision."""

import torch
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.fragments import Fragments

_PAIRS = 1 << 22  # face-pixel pairs that are looked at together


def rasterize(
    screen: Tensor, faces: Tensor, size: tuple[int, int], perspective: bool, cull: bool, near: float
) -> Fragments:
    """Fragments of screen [B, N, 3] and faces [1 or B, F, 3]; autograd gives the gradient."""
    with torch.no_grad():
        face = visible_faces(screen, faces, size, perspective, cull, near)
    covered = (face >= 0).unsqueeze(1)
    barycentrics, depth = surface_points(seen_corners(screen, faces, face), perspective)
    zero = torch.zeros((), dtype=screen.dtype, device=screen.device)
    return Fragments(
        face.int(),
        torch.where(covered, barycentrics.to(screen.dtype), zero),
        torch.where(covered, depth.to(screen.dtype), zero),
    )


def pixel_centres(size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """Columns and rows [H, W] of the pixel centres."""
    rows = torch.arange(size[0], dtype=torch.float64, device=device) + 0.5
    columns = torch.arange(size[1], dtype=torch.float64, device=device) + 0.5
    row, column = torch.meshgrid(rows, columns, indexing="ij")
    return column, row


def visible_faces(
    screen: Tensor, faces: Tensor, size: tuple[int, int], perspective: bool, cull: bool, near: float
) -> Tensor:
    """Index of the face that each pixel sees, -1 for none."""
    batch, count = len(screen), faces.shape[1]
    nearest = torch.full((batch, *size), torch.inf, dtype=screen.dtype, device=screen.device)
    winner = torch.full((batch, *size), -1, dtype=torch.long, device=screen.device)
    together = max(1, _PAIRS // max(1, batch * size[0] * size[1]))
    for first in range(0, count, together):
        chosen = faces[:, first : first + together]
        depth = _depths(_corners(screen, chosen), (chosen >= 0).all(-1), size, perspective, cull, near)
        # Rounded before they are compared: faces that lie on one another shall tie whichever way they are numbered.
        best = depth.to(screen.dtype).min(dim=1)
        lowest = (depth.to(screen.dtype) == best.values.unsqueeze(1)).byte().argmax(dim=1)
        is_nearer = best.values < nearest
        nearest = torch.where(is_nearer, best.values, nearest)
        winner = torch.where(is_nearer, first + lowest, winner)
    return winner


def seen_corners(screen: Tensor, faces: Tensor, face: Tensor) -> Tensor:
    """(column, row, depth) of the corners [B, H, W, corner, 3] of the face in each pixel, in double precision.

    Empty pixels see a triangle of their own, so that nothing that is computed from the corners has to ask.
    """
    batch, vertices = screen.shape[:2]
    spare = torch.tensor([[-9.0, -9.0, 1.0], [-9.0, -7.0, 1.0], [-7.0, -9.0, 1.0]], dtype=torch.float64)
    points = torch.cat([screen.double(), spare.to(screen.device).expand(batch, -1, -1)], dim=1)
    own = torch.arange(vertices, vertices + 3, device=faces.device).expand(batch, 1, -1)
    triangles = torch.cat([faces.long().expand(batch, -1, -1), own], dim=1)
    image = torch.arange(batch, device=screen.device).view(-1, 1, 1)
    corners = triangles[image, torch.where(face >= 0, face.long(), faces.shape[1])]
    return points[image.unsqueeze(-1), corners]


def surface_points(corners: Tensor, perspective: bool) -> tuple[Tensor, Tensor]:
    """Barycentrics [B, 3, H, W] and depth [B, 1, H, W] of the pixel centres, on faces with these corners."""
    column, row = pixel_centres((corners.shape[1], corners.shape[2]), corners.device)
    from_centre = corners[..., :2] - torch.stack([column, row], dim=-1).unsqueeze(2)
    x, y = from_centre.unbind(-1)
    depth = corners[..., 2]
    areas = x.roll(-1, -1) * y.roll(-2, -1) - y.roll(-1, -1) * x.roll(-2, -1)  # of the triangle opposite each corner
    if perspective:
        parts = areas / depth
        weights, along = parts / parts.sum(-1, keepdim=True), areas.sum(-1) / parts.sum(-1)
    else:
        weights = areas / areas.sum(-1, keepdim=True)
        along = (weights * depth).sum(-1)
    return weights.permute(0, 3, 1, 2), along.unsqueeze(1)


def _corners(screen: Tensor, faces: Tensor) -> Tensor:
    """(column, row, depth) [B, F, corner, 3] in double precision, NaN for padding."""
    batch = len(screen)
    points = torch.cat([screen.double(), torch.full_like(screen[:, :1], torch.nan, dtype=torch.float64)], dim=1)
    missing = screen.shape[1]
    if missing == 0:
        points = torch.full((batch, 1, 3), torch.nan, dtype=torch.float64, device=screen.device)
    index = torch.where(faces >= 0, faces.long(), missing).expand(batch, -1, -1)
    return points[torch.arange(batch, device=screen.device).view(-1, 1, 1), index]


def _depths(
    corners: Tensor, is_real: Tensor, size: tuple[int, int], perspective: bool, cull: bool, near: float
) -> Tensor:
    """Depth [B, F, H, W] of each face behind each pixel centre, infinite where it does not cover it."""
    column, row = pixel_centres(size, corners.device)
    x, y, z = (corners[..., axis] for axis in range(3))
    turn = (x[..., 1] - x[..., 0]) * (y[..., 2] - y[..., 0]) - (y[..., 1] - y[..., 0]) * (x[..., 2] - x[..., 0])
    is_drawn = is_real & corners.isfinite().all(-1).all(-1) & (z >= near).all(-1) & (turn != 0.0) & turn.isfinite()
    if cull:
        is_drawn &= turn < 0.0  # rows run downwards: counter-clockwise to the eye is a negative turn
    inside = is_drawn[..., None, None].expand(*is_drawn.shape, *size)
    areas = []
    for corner in range(3):
        area, is_inside = _edge(x, y, (corner + 1) % 3, (corner + 2) % 3, turn, column, row)
        inside = inside & is_inside
        areas.append(area)
    total = areas[0] + areas[1] + areas[2]
    z = z[..., None, None]
    if perspective:
        depth = total / (areas[0] / z[:, :, 0] + areas[1] / z[:, :, 1] + areas[2] / z[:, :, 2])
    else:
        depth = (areas[0] * z[:, :, 0] + areas[1] * z[:, :, 1] + areas[2] * z[:, :, 2]) / total
    return torch.where(inside & (total > 0.0), depth, torch.inf)


def _edge(
    x: Tensor, y: Tensor, start: int, end: int, turn: Tensor, column: Tensor, row: Tensor
) -> tuple[Tensor, Tensor]:
    """Twice the area between an edge and each pixel centre, positive inside, and whether the centre is inside.

    Edges are always walked downwards (rightwards if level), whichever way the face runs: both faces that share one
    compute the same number, and one of them takes the centres on it. A centre on an edge counts as lying right of it
    by next to nothing, and below it by next to nothing of that.
    """
    x0, x1, y0, y1 = x[..., start], x[..., end], y[..., start], y[..., end]
    is_upward = (y1 < y0) | ((y1 == y0) & (x1 < x0))
    x0, x1 = torch.where(is_upward, x1, x0), torch.where(is_upward, x0, x1)
    y0, y1 = torch.where(is_upward, y1, y0), torch.where(is_upward, y0, y1)
    is_positive = is_upward != (turn > 0.0)
    along_x, along_y = (x1 - x0)[..., None, None], (y1 - y0)[..., None, None]
    side = along_x * (row - y0[..., None, None]) - along_y * (column - x0[..., None, None])
    area = torch.where(is_positive[..., None, None], side, -side)
    takes_edge = is_positive[..., None, None] == (along_y == 0.0)
    return area, (area > 0.0) | ((area == 0.0) & takes_edge)
