# SPDX-License-Identifier: Apache-2.0
"""Cutting the faces that cross the near plane, which no projection can show whole."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from unrender.renderers.differentiable.rasterizer.backends import Backend
from unrender.renderers.differentiable.rasterizer.checks import check_faces, check_near, check_screen
from unrender.renderers.differentiable.rasterizer.face_corners import face_corners
from unrender.renderers.differentiable.rasterizer.fragments import Fragments
from unrender.renderers.differentiable.rasterizer.interpolate import interpolate


@dataclass(frozen=True, slots=True)
class ClippedMesh:
    """What is left of a batch of meshes in front of the near plane.

    points: those that came, and behind them the ones that the cuts made.
    faces: as many as came, in their order, and behind them the second halves of those that a cut left with four
        corners; -1 where a face is gone.
    source: which of the faces that came each one is a part of.
    corners: where on that face the part's corners are: row k has the barycentrics of the part's corner k.
    """

    points: Float[Tensor, "B M 3"]
    faces: Int[Tensor, "B G 3"]
    source: Int[Tensor, "B G"]
    corners: Float[Tensor, "B G 3 3"]

    def restore(self, fragments: Fragments, *, backend: Backend = "auto") -> Fragments:
        """What was rasterised from the parts, in terms of the faces that came; differentiable.

        `interpolate` then takes attributes and faces as if nothing had been cut.
        """
        batch, parts = self.source.shape
        own = torch.arange(3 * parts, device=self.source.device).view(1, parts, 3).expand(batch, -1, -1)
        barycentrics = interpolate(self.corners.flatten(1, 2), fragments, own, backend=backend)
        part = fragments.face.long().clamp(min=0).flatten(1)
        # Without any face there is nothing to gather from.
        source = self.source.gather(1, part) if parts else part
        face = torch.where(fragments.face >= 0, source.view_as(fragments.face), -1).int()
        return Fragments(face, barycentrics, fragments.depth)


def crosses_near(points: Float[Tensor, "B N 3"], near: float = 1e-3) -> bool:
    """Whether any point is nearer than the near plane: whether `clip_near` is worth its time."""
    return bool((points[..., 2] < near).any())


def clip_near(points: Float[Tensor, "B N 3"], faces: Int[Tensor, "*batch F 3"], near: float = 1e-3) -> ClippedMesh:
    """Cut away what is nearer than `near`.

    points: in the frame of the camera, (right, up, depth), as `project.to_camera` makes them: before any division by
        depth.
    faces: [F, 3] for the whole batch, or [B, F, 3]; rows with a -1 are padding.

    A corner behind the plane is replaced by the crossings of its two edges. Both faces of an edge get the same crossing
    to the last bit, so a closed mesh stays closed but for the hole that the plane cuts. Differentiable with respect to
    the points, through the crossings and through `ClippedMesh.corners`. Faces with a point that is not finite are left
    as they are. Raises ValueError for inputs of other shapes, dtypes or index ranges.
    """
    check_screen(points)
    check_near(near)
    check_faces(faces, points.shape[1], points.shape[0])
    batch = points.shape[0]
    faces = (faces if faces.ndim == 3 else faces.unsqueeze(0)).expand(batch, -1, -1)
    image = torch.arange(batch, device=points.device).view(-1, 1, 1)
    is_real = (faces >= 0).all(dim=-1)
    triangles = _gather(points.detach(), faces, image)  # for decisions alone
    is_behind = (triangles[..., 2] < near) & is_real.unsqueeze(-1) & triangles.isfinite().all(-1).all(-1, keepdim=True)
    behind = is_behind.sum(dim=-1)
    chosen, is_chosen = _pack((behind == 1) | (behind == 2))

    # Turned so that the odd one out is corner 0: the one behind of one, or the one in front of two behind.
    images = image.squeeze(-1)
    odd = torch.where((behind == 1).unsqueeze(-1), is_behind, ~is_behind)[images, chosen].byte().argmax(dim=-1)
    turn = (odd.unsqueeze(-1) + torch.arange(3, device=odd.device)) % 3
    names = faces[images, chosen].gather(-1, turn)
    has_one_in_front = behind[images, chosen] == 2
    # Rows that only fill up are noughts: whatever is wrong with their points shall reach no gradient.
    corners = face_corners(points, torch.where(is_chosen.unsqueeze(-1), names, -1))
    to_second, share_second = _crossing(corners, 1, near)
    to_third, share_third = _crossing(corners, 2, near)

    count, cuts = points.shape[1], chosen.shape[1]
    second = (count + torch.arange(cuts, device=points.device)).expand(batch, -1)
    third = second + cuts
    alone = torch.stack([names[..., 0], second, third], dim=-1)  # one in front: the tip is what stays
    first_half = torch.stack([second, names[..., 1], names[..., 2]], dim=-1)
    second_half = torch.stack([second, names[..., 2], third], dim=-1)
    pick = has_one_in_front.unsqueeze(-1)
    kept = torch.where(((behind == 3) | ~is_real).unsqueeze(-1), -1, faces.long())
    replaced = torch.where(is_chosen.unsqueeze(-1), torch.where(pick, alone, first_half), kept[images, chosen])
    extra = torch.where(is_chosen.unsqueeze(-1) & ~pick, second_half, -1)

    # Barycentrics of the corners and crossings in the order of the face that came.
    whole = torch.eye(3, dtype=points.dtype, device=points.device)[turn]
    at_second = torch.lerp(whole[..., 0, :], whole[..., 1, :], share_second)
    at_third = torch.lerp(whole[..., 0, :], whole[..., 2, :], share_third)
    of_alone = torch.stack([whole[..., 0, :], at_second, at_third], dim=-2)
    of_first = torch.stack([at_second, whole[..., 1, :], whole[..., 2, :]], dim=-2)
    of_second = torch.stack([at_second, whole[..., 2, :], at_third], dim=-2)
    unchanged = torch.eye(3, dtype=points.dtype, device=points.device).expand(batch, faces.shape[1], 3, 3)
    places = torch.where(pick.unsqueeze(-1), of_alone, of_first)
    places = torch.where(is_chosen[..., None, None], places, unchanged[images, chosen])
    return ClippedMesh(
        points=torch.cat([points, to_second, to_third], dim=1),
        faces=torch.cat([kept.index_put((images.expand_as(chosen), chosen), replaced), extra], dim=1),
        source=torch.cat([torch.arange(faces.shape[1], device=faces.device).expand(batch, -1), chosen], dim=1),
        corners=torch.cat([unchanged.index_put((images.expand_as(chosen), chosen), places), of_second], dim=1),
    )


def _pack(is_cut: Bool[Tensor, "B F"]) -> tuple[Int[Tensor, "B K"], Bool[Tensor, "B K"]]:
    """The cut faces of each mesh in their order, K for the mesh that has most; others' rows are filled up with faces
    that are not cut, and the second result says which are real."""
    counts = is_cut.sum(dim=1)
    most = int(counts.amax()) if is_cut.numel() else 0
    order = torch.argsort(is_cut.byte(), dim=1, descending=True, stable=True)[:, :most]
    return order, torch.arange(most, device=is_cut.device) < counts.unsqueeze(1)


def _gather(points: Tensor, faces: Tensor, image: Tensor) -> Tensor:
    """Corners [B, F, 3, 3]; padding sees point 0, or nought where there is no point."""
    if points.shape[1] == 0:
        return points.new_zeros(*faces.shape, 3)
    return points[image, faces.long().clamp(min=0)]


def _crossing(corners: Tensor, other: int, near: float) -> tuple[Tensor, Tensor]:
    """Where the edges from corner 0 to corner `other` meet the plane, and how far along the edge that is, in [0, 1].

    Walked from the vertex behind to the one in front, so that both faces of an edge compute the same.
    """
    first, second = corners[..., 0, :], corners[..., other, :]
    is_backwards = first[..., 2:] >= near
    start, end = torch.where(is_backwards, second, first), torch.where(is_backwards, first, second)
    rise = end[..., 2:] - start[..., 2:]
    share = (near - start[..., 2:]) / torch.where(rise > 0.0, rise, 1.0)
    place = start + share * (end - start)
    # Exactly on the plane: what rounding put behind it would be left out.
    place = torch.cat([place[..., :2], torch.full_like(rise, near)], dim=-1)
    return place, torch.where(is_backwards, 1.0 - share, share)
