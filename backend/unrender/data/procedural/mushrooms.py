# SPDX-License-Identifier: Apache-2.0
"""Mushrooms: a stem and a cap of revolution, sometimes hollow below, sometimes with a ring or smaller siblings."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .dice import Dice
from .solids import Sweep, turned

_CAP_RADIUS = (0.24, 0.62)  # over the height of the mushroom, as are the next two
_STEM_RADIUS = (0.07, 0.17)
_CAP_HEIGHT = {
    "dome": (0.25, 0.42),
    "cone": (0.35, 0.55),
    "bell": (0.35, 0.5),
    "flat": (0.15, 0.22),
    "button": (0.35, 0.5),
}
_CAPS = {"dome": 0.3, "cone": 0.15, "bell": 0.15, "flat": 0.15, "button": 0.15, "funnel": 0.1}
_THINNEST = 0.036  # radius of a stem
_WALL = 0.08  # of a hollow cap
_SLIT = 0.045  # narrowest space around the stem in a hollow cap
_EDGE = 0.05  # height of the upright edge of a cap: a knife edge would be lost in a coarse grid
_STEPS = 17


class _Plan(NamedTuple):
    """Where one mushroom stands: its foot, the middle of its cap above it, its height and the radius of its cap."""

    foot: tuple[float, float]
    head: tuple[float, float]
    floor: float
    height: float
    cap: float


def mushroom(dice: Dice) -> list[Sweep]:
    """Return the solids of a random mushroom or of a small group grown from one foot."""
    kind = dice.pick(_CAPS)
    radius = dice.between(*_CAP_RADIUS) * (0.75 if kind == "button" else 1.0)
    height = 0.96 / math.sqrt(1.0 + 4.0 * radius**2)
    lean = dice.between(0.0, 0.12) * height if dice.chance(0.6) else 0.0
    turn = dice.between(0.0, 2.0 * math.pi)
    foot = (lean * math.cos(turn), lean * math.sin(turn))
    siblings = dice.whole(1, 2) if dice.chance(0.25) else 0
    parts = []
    for index in range(siblings):
        angle = turn + math.pi + (index - 0.5 * (siblings - 1)) * 1.8
        share = dice.between(0.45, 0.65)
        away = dice.between(0.2, 0.32) * height
        head = (foot[0] + away * math.cos(angle), foot[1] + away * math.sin(angle))
        plan = _Plan(foot, head, -0.5 * height, share * height, max(0.5 * radius * share * height, 0.09))
        parts += _one(dice, kind if kind != "funnel" else "dome", plan, hollow=False)
    plan = _Plan(foot, (0.0, 0.0), -0.5 * height, height, radius * height)
    # The large one comes last: its hollow must not be filled, and it only cuts below its own cap.
    return _one(dice, kind, plan, hollow=not siblings and dice.chance(0.45)) + parts


def _one(dice: Dice, kind: str, plan: _Plan, hollow: bool) -> list[Sweep]:
    stem = max(dice.between(*_STEM_RADIUS) * plan.height, _THINNEST)
    stem = min(stem, 0.6 * plan.cap)
    if kind == "funnel":
        return _funnel(dice, plan, stem)
    thick = max(dice.between(*_CAP_HEIGHT[kind]) * plan.height, 0.085)
    top = plan.floor + plan.height
    low = top - thick
    stretch = dice.between(0.9, 1.1)
    share = np.linspace(0.0, 1.0, _STEPS)
    edge = 0.0 if kind == "button" else min(_EDGE / thick, 0.4)
    radii = plan.cap * _cap_profile(dice, kind, np.maximum(share - edge, 0.0) / (1.0 - edge))
    heights = low + thick * share
    centres = [plan.head]
    parts = [turned(heights, radii, centres, stretch).of("cap")]
    # A button closes below its widest place: nothing to see inside.
    hollow = hollow and kind != "button"
    if hollow and plan.cap - _WALL > stem + 0.05 and thick > _WALL + 0.03:
        # No hollow where it would leave but a slit around the stem.
        inner = np.where(radii - _WALL > stem + _SLIT, radii - _WALL, 0.0)
        parts.append(turned(heights - 0.8 * _WALL, inner, centres, stretch).as_cut().of("gills"))
    head = low + (thick - 0.03 if hollow else min(0.05, 0.5 * thick))
    return parts + _stem(dice, plan, stem, head, ringed=not hollow)


def _cap_profile(dice: Dice, kind: str, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radius over the largest one, from the lower edge (0) to the top (1) of the cap."""
    if kind == "cone":
        return (1.0 - share) ** dice.between(0.75, 1.0) * (1.0 - 0.05) + 0.05 * np.sqrt(1.0 - share)
    if kind == "bell":
        flare, waist = dice.between(0.25, 0.45), dice.between(0.08, 0.2)
        body = np.sqrt(1.0 - share ** dice.between(1.8, 3.0)) * (1.0 - flare)
        return body + flare * np.exp(-share / waist) * np.sqrt(1.0 - share)
    if kind == "button":
        curl = dice.between(0.25, 0.45)  # the edge curls in below the widest place
        below = np.sqrt(np.clip(1.0 - ((curl - share) / (1.15 * curl)) ** 2, 0.0, 1.0))
        above = np.sqrt(np.clip(1.0 - ((share - curl) / (1.0 - curl)) ** 2, 0.0, 1.0))
        return np.where(share < curl, below, above)
    power = dice.between(1.6, 3.0) if kind == "dome" else dice.between(2.0, 4.0)
    return (1.0 - share**power) ** dice.between(0.5, 0.75)


def _stem(dice: Dice, plan: _Plan, radius: float, head: float, ringed: bool) -> list[Sweep]:
    share = np.linspace(0.0, 1.0, _STEPS)
    bulb = dice.between(0.2, 0.7) if dice.chance(0.5) else 0.0
    waist = dice.between(0.0, 0.15)
    radii = radius * (1.0 + bulb * np.exp(-((share / 0.22) ** 2)) - waist * np.sin(math.pi * share))
    radii = np.maximum(radii, _THINNEST)
    bend = share ** dice.between(0.6, 1.6)
    foot, top = np.asarray(plan.foot), np.asarray(plan.head)
    centres = foot + (top - foot) * bend[:, None]
    heights = plan.floor + (head - plan.floor) * share
    parts = [turned(heights, radii, centres).of("stem")]
    # Below a hollow cap a ring could close a chamber that nobody can see.
    if ringed and dice.chance(0.25) and head - plan.floor > 0.3:
        place = dice.between(0.55, 0.7)
        index = int(place * (_STEPS - 1))
        z = float(heights[index])
        ring = radius * dice.between(1.5, 2.0)
        parts.append(turned((z - 0.033, z + 0.033), (ring * 1.1, ring * 0.85), [tuple(centres[index])]).of("ring"))
    return parts


def _funnel(dice: Dice, plan: _Plan, stem: float) -> list[Sweep]:
    """A chanterelle: the stem widens into a cap that is hollow above."""
    share = np.linspace(0.0, 1.0, _STEPS)
    power = dice.between(1.8, 3.5)
    radii = stem + (plan.cap - stem) * share**power
    heights = plan.floor + plan.height * share
    foot, top = np.asarray(plan.foot), np.asarray(plan.head)
    centres = foot + (top - foot) * share[:, None]
    body = turned(heights, radii, centres).of("funnel")
    dip = dice.between(0.1, 0.3) * plan.height
    depths = plan.floor + plan.height - dip * (1.0 - share) + 1e-6 * share
    bowl = turned(depths, (plan.cap - _WALL) * np.sqrt(share), [plan.head]).as_cut().of("bowl")
    rim = turned((heights[-1] - _WALL, heights[-1]), (plan.cap * 0.92, plan.cap), [plan.head]).of("rim")
    return [body, rim, bowl]
