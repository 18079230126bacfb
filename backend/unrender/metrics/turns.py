# SPDX-License-Identifier: Apache-2.0
"""What stays while something else changes: identity while the view turns, the view while identities change.

Everything is measured on pictures of N things from the same V views each, evenly over a full turn.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

_TINY = 1e-12


class IdentityFigures(NamedTuple):
    """within, between: mean cosine of features of one thing from two views, and of two things from two views. share: of
    the features' variance that lies between things, 1 where turning changes nothing, 0 where the things do not differ.
    recall: how often the picture with the nearest features, among pictures of all things from another view, is of the
    same thing; 1 / N by chance."""

    within: float
    between: float
    share: float
    recall: float


class ViewFigures(NamedTuple):
    """agreement, turned: how alike two things are from the same view, and at all other turns (mean cosine of normals
    over where either is, -1 to 1). turn_degrees: median turn at which two things are most alike: 0 where all face the
    same way, 90 by chance. Of things that look the same from all sides it says nothing: agreement is turned then."""

    agreement: float
    turned: float
    turn_degrees: float


def identity_over_turn(features: Float[Tensor, "N V D"]) -> IdentityFigures:
    """Compare features of different views. Raises ValueError for fewer than two things or two views."""
    things, views = _counts(features)
    values = features.double()
    unit = functional.normalize(values, dim=2, eps=_TINY).flatten(0, 1)
    cosine = (unit @ unit.T).view(things, views, things, views).transpose(1, 2)  # [N, N, V, V]
    other_view, same = ~torch.eye(views, dtype=torch.bool), torch.eye(things, dtype=torch.bool)
    mean = values.mean(dim=(0, 1))
    total = (values - mean).square().sum() / (things * views)
    between = (values.mean(dim=1) - mean).square().sum() / things
    apart = torch.cdist(values.flatten(0, 1), values.flatten(0, 1)).view(things, views, things, views).transpose(1, 2)
    nearest = apart.argmin(dim=1)  # of picture (n, v) among the pictures from view u: [N, V, V]
    right = (nearest == torch.arange(things).view(-1, 1, 1))[:, other_view]
    return IdentityFigures(
        within=cosine[same][:, other_view].mean().item(),
        between=cosine[~same][:, other_view].mean().item(),
        share=(between / total).item() if total > _TINY else 0.0,
        recall=right.double().mean().item(),
    )


def view_over_identities(normals: Float[Tensor, "N V 3 H W"], masks: Bool[Tensor, "N V 1 H W"]) -> ViewFigures:
    """Compare normals (unit, camera frame) of different things, at all turns of one against the other.

    Raises ValueError for fewer than two things or two views.
    """
    things, views = _counts(normals)
    inside = masks.flatten(2).flatten(0, 1).float()
    facing = (normals * masks).flatten(2).flatten(0, 1).float()
    areas = inside.sum(1)
    union = areas[:, None] + areas[None, :] - inside @ inside.T
    alike = ((facing @ facing.T) / union.clamp(min=1.0)).view(things, views, things, views)
    at = torch.arange(views)
    turned = torch.stack([alike[:, at, :, (at + turn) % views].mean(dim=0) for turn in range(views)])  # [V, N, N]
    others = turned[:, ~torch.eye(things, dtype=torch.bool)]
    best = others.argmax(dim=0)
    degrees = torch.minimum(best, views - best).double() * (360.0 / views)
    return ViewFigures(
        agreement=others[0].mean().item(), turned=others[1:].mean().item(), turn_degrees=degrees.median().item()
    )


def _counts(images: Tensor) -> tuple[int, int]:
    things, views = images.shape[:2]
    if things < 2 or views < 2:
        raise ValueError(f"{things} things from {views} views were given; expected at least two of each")
    return things, views
