# SPDX-License-Identifier: Apache-2.0
"""Bottles: wine and milk bottles, flasks, decanters and jars with a narrow neck; upright and solid."""

from __future__ import annotations

import math

import numpy as np

from .dice import Dice
from .solids import RECTANGLE, Sweep, sweep, turned

# Over the height: width; height of the shoulder's foot and of the neck's foot. Over the width: width of the neck.
_PROPORTIONS = {
    "wine": ((0.23, 0.31), (0.52, 0.64), (0.66, 0.76), (0.34, 0.46)),
    "milk": ((0.3, 0.42), (0.45, 0.6), (0.72, 0.82), (0.42, 0.56)),
    "flask": ((0.42, 0.62), (0.5, 0.66), (0.7, 0.8), (0.22, 0.34)),
    "decanter": ((0.5, 0.75), (0.16, 0.3), (0.5, 0.66), (0.2, 0.3)),
    "jar": ((0.5, 0.72), (0.58, 0.7), (0.74, 0.84), (0.45, 0.58)),
}
_KINDS = {"wine": 0.3, "milk": 0.2, "flask": 0.2, "decanter": 0.15, "jar": 0.15}
_NECK = 0.045  # least radius
_RING = 0.066  # height of a lip, ring or cork


def bottle(dice: Dice) -> list[Sweep]:
    """Return the solids of a random bottle, inside the ball of radius .48."""
    kind = dice.pick(_KINDS)
    widths, shoulders, necks, throats = _PROPORTIONS[kind]
    wide, shoulder, neck = dice.between(*widths), dice.between(*shoulders), dice.between(*necks)
    height = 0.96 / math.hypot(1.0, wide)
    radius, floor = 0.5 * wide * height, -0.5 * height
    throat = max(dice.between(*throats) * radius, _NECK)
    flat = dice.between(0.45, 0.75) if kind == "flask" or dice.chance(0.1) else 1.0
    flat = max(flat, 1.15 * throat / radius) if throat < radius else 1.0
    exponent = dice.between(3.5, 8.0) if kind in ("flask", "jar") and dice.chance(0.6) else 2.0

    share = np.linspace(0.0, 1.0, 15)
    body = _body(dice, kind, share, shoulder, neck)
    # Sections turn from the body's flat outline to the round neck.
    half_x = throat + (radius - throat) * body
    half_y = throat + (radius * flat - throat) * body
    heights = floor + neck * height * share
    parts = [sweep(2, heights, [(0.0, 0.0)] * len(share), np.stack([half_x, half_y], 1), exponent)]
    top = floor + height
    flare = dice.between(1.0, 1.25)
    parts.append(turned((floor + (neck - 0.06) * height, top), (throat, throat * flare)))
    return parts + _mouth(dice, throat * flare, top)


def _body(dice: Dice, kind: str, share: np.ndarray, shoulder: float, neck: float) -> np.ndarray:
    """How far the outline has come from the neck (0) to the widest place (1), from the floor to the neck's foot."""
    start = shoulder / neck
    above = np.clip((share - start) / (1.0 - start), 0.0, 1.0)
    if kind == "decanter":
        belly = np.clip(1.0 - ((share - start) / np.where(share < start, 1.6 * start, 1.0 - start)) ** 2, 0.0, 1.0)
        return belly ** dice.between(0.5, 0.9)
    fall = {
        "round": np.sqrt(1.0 - above**2),
        "slope": 1.0 - above,
        "soft": 0.5 + 0.5 * np.cos(math.pi * above),
    }[dice.pick({"round": 0.4, "slope": 0.25, "soft": 0.35})]
    narrowing = dice.between(0.0, 0.25) if dice.chance(0.4) else 0.0
    return fall * (1.0 - narrowing * np.clip(1.0 - share / start, 0.0, 1.0))


def _mouth(dice: Dice, radius: float, top: float) -> list[Sweep]:
    kind = dice.pick({"plain": 0.35, "lip": 0.3, "stopper": 0.2, "cap": 0.15})
    if kind == "plain":
        return []
    if kind == "lip":
        wide = radius * dice.between(1.2, 1.45)
        return [turned((top - _RING, top), (wide, wide))]
    if kind == "cap":
        wide = radius * dice.between(1.15, 1.3)
        exponent = 2.0 if dice.chance(0.7) else RECTANGLE
        return [turned((top - 0.02, top + dice.between(0.05, 0.09)), (wide, wide), exponent=exponent)]
    ball, share = max(radius * dice.between(1.1, 1.6), 0.05), np.linspace(-1.0, 1.0, 9)
    return [turned(top + ball * (0.85 + share), np.maximum(ball * np.sqrt(1.0 - share**2), 1e-3))]
