# SPDX-License-Identifier: Apache-2.0
"""What mushrooms look like: caps that grow darker or paler towards their edge, some with spots, on pale stems."""

from __future__ import annotations

import math

import numpy as np

from .dice import Dice
from .palette import Painter, Points, near, pick_near, plain
from .solids import Sweep

_CAPS = {
    "c0231f": 0.24,  # fly agaric
    "8a5a36": 0.2,
    "5d3a25": 0.1,
    "d98a2b": 0.14,
    "e0b64a": 0.09,
    "d9c9a8": 0.08,
    "7d6a8e": 0.06,  # wood blewit
    "7f8f5a": 0.05,
    "b8583f": 0.04,
}
_FUNNELS = {"e2a63a": 0.6, "c97f2e": 0.2, "8f7458": 0.2}
_PALE = {"efe6d2": 0.6, "e3d3b4": 0.25, "d6c7b4": 0.15}
_SPOTTED = 0.45
_SOFT = 0.08  # radians over which a spot ends
_UNDERSIDE = 0.02  # share of a cap's height, measured from below


def mushroom_colours(dice: Dice, solids: list[Sweep]) -> dict[str, Painter]:
    """Return the painters of the materials of a mushroom, or of a group of one kind."""
    is_funnel = any(solid.material == "funnel" for solid in solids)
    cap = pick_near(dice, _FUNNELS if is_funnel else _CAPS)
    pale = pick_near(dice, _PALE, 0.04)
    edge = np.clip(cap + dice.between(-0.16, 0.14), 0.02, 0.98)
    gills = near(dice, "e6d8bb", 0.06) if dice.chance(0.7) else 0.6 * pale + 0.4 * cap
    spots = _spots(dice) if dice.chance(_SPOTTED) and not is_funnel else None
    foot = np.clip(pale - dice.between(0.06, 0.22), 0.02, 0.98)

    def paint_cap(points: Points, solid: Sweep) -> Points:
        height = (points[:, 2:] - solid.along[0]) / (solid.along[-1] - solid.along[0])
        colours = edge + (cap - edge) * np.clip(height * 1.4, 0.0, 1.0)
        if spots is not None:
            middle = np.array([*solid.centre[0], solid.along[0]])
            rays = points - middle
            rays /= np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-9)
            beyond = np.arccos(np.clip(rays @ spots[:, :3].T, -1.0, 1.0)) - spots[:, 3]
            share = np.clip(0.5 - beyond.min(axis=1) / _SOFT, 0.0, 1.0)[:, None]
            colours = colours + share * (np.clip(pale + 0.04, 0.0, 1.0) - colours)
        return np.where(height < _UNDERSIDE, gills, colours)

    def paint_stem(points: Points, solid: Sweep) -> Points:
        height = (points[:, 2:] - solid.along[0]) / (solid.along[-1] - solid.along[0])
        return foot + (pale - foot) * np.clip(1.6 * height, 0.0, 1.0)

    def paint_funnel(points: Points, solid: Sweep) -> Points:
        height = (points[:, 2:] - solid.along[0]) / (solid.along[-1] - solid.along[0])
        return pale + (cap - pale) * np.clip(0.35 + height, 0.0, 1.0)

    return {
        "cap": paint_cap,
        "stem": paint_stem,
        "funnel": paint_funnel,
        "gills": plain(gills),
        "rim": plain(cap),
        "bowl": plain(0.85 * cap),
        "ring": plain(np.clip(pale + 0.03, 0.0, 1.0)),
    }


def _spots(dice: Dice) -> Points:
    """Spots [S, 4] as seen from the middle of the cap's lower side: direction, and radius in radians."""
    size = dice.between(0.11, 0.2)
    spots = []
    for _ in range(dice.whole(14, 30)):
        turn, up = 2.0 * math.pi * dice.between(0.0, 1.0), dice.between(0.15, 1.0)
        flat = math.sqrt(1.0 - up**2)
        radius = size * dice.between(0.6, 1.2)
        spots.append((flat * math.cos(turn), flat * math.sin(turn), up, radius))
    return np.array(spots)
