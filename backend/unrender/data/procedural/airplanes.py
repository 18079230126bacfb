# SPDX-License-Identifier: Apache-2.0
"""Airplanes: airliners, propeller planes, biplanes, gliders and deltas. Their nose points to -Y."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .dice import Dice
from .solids import Sweep, both_sides, sweep, turned

_THIN = 0.033
"""Half thickness of wings and fins: two voxels thick in a grid of 32."""


class _Plan(NamedTuple):
    """Measures over the length of the fuselage, which is 1 before the shape is fitted to the ball."""

    kind: str
    radius: float  # of the fuselage
    span: float  # half the span of the wings
    chord: float  # of the wings at the fuselage
    taper: float  # chord at the tip over chord at the fuselage
    back: float  # how far the tip lies behind the root
    place: float  # y of the middle of the wings' root, from nose (-.5) to tail (.5)
    high: bool  # wings above the fuselage


def airplane(dice: Dice) -> list[Sweep]:
    """Return the solids of a random airplane; its fuselage is one long."""
    kind = dice.pick({"airliner": 0.35, "propeller": 0.25, "biplane": 0.12, "glider": 0.13, "delta": 0.15})
    radius = {
        "airliner": (0.06, 0.085),
        "propeller": (0.06, 0.09),
        "biplane": (0.06, 0.085),
        "glider": (0.052, 0.065),
        "delta": (0.05, 0.07),
    }[kind]
    span = {"airliner": (0.4, 0.55), "biplane": (0.38, 0.5), "glider": (0.6, 0.72), "delta": (0.28, 0.4)}
    chord = {"airliner": (0.2, 0.3), "glider": (0.12, 0.16), "delta": (0.5, 0.7)}
    back = {"airliner": (0.12, 0.3), "delta": (0.2, 0.3)}
    plan = _Plan(
        kind,
        dice.between(*radius),
        dice.between(*span.get(kind, (0.42, 0.56))),
        dice.between(*chord.get(kind, (0.16, 0.24))),
        dice.between(0.12, 0.25) if kind == "delta" else dice.between(0.4, 0.9),
        dice.between(*back.get(kind, (0.0, 0.06))),
        dice.between(0.0, 0.12) if kind == "delta" else dice.between(-0.14, 0.02),
        dice.chance(0.35),
    )
    return _fuselage(dice, plan) + _wings(dice, plan) + _tail(dice, plan) + _engines(dice, plan)


def _fuselage(dice: Dice, plan: _Plan) -> list[Sweep]:
    share = np.linspace(0.0, 1.0, 17)
    nose, tail = dice.between(0.1, 0.2), dice.between(0.3, 0.55)
    blunt = dice.between(0.25, 0.5) if plan.kind in ("propeller", "biplane") else 0.05
    front = np.clip(1.0 - share / nose, 0.0, 1.0)
    rear = np.clip((share - 1.0 + tail) / tail, 0.0, 1.0)
    outline = np.minimum(blunt + (1.0 - blunt) * np.sqrt(1.0 - front**2), 1.0 - 0.5 * rear**1.5)
    radii = np.maximum(plan.radius * outline, np.where(share > 0.5, 0.036, 0.01))
    tall = dice.between(1.0, 1.25)
    # The belly rises towards the tail.
    lift = 0.5 * plan.radius * rear**1.5
    centres = np.stack([np.zeros(17), lift], 1)
    parts = [sweep(1, share - 0.5, centres, np.stack([radii, radii * tall], 1), 2.0)]
    if plan.kind in ("propeller", "glider", "delta") and dice.chance(0.7):  # a canopy
        at, length = -0.5 + dice.between(0.22, 0.34), dice.between(0.07, 0.1)
        turn = np.linspace(-1.0, 1.0, 9)
        halves = np.maximum(np.sqrt(1.0 - turn**2), 0.05)[:, None] * [0.7 * plan.radius, 0.9 * plan.radius]
        parts.append(sweep(1, at + length * turn, [(0.0, 0.7 * plan.radius)] * 9, halves, 2.0))
    return parts


def _wing(plan: _Plan, z: float, rise: float) -> list[Sweep]:
    tip = plan.taper * plan.chord
    root_y = plan.place
    halves = [(0.5 * plan.chord, _THIN), (0.5 * max(tip, 0.075), _THIN)]
    centres = [(root_y, z), (root_y + plan.back, z + rise)]
    return both_sides(sweep(0, (0.0, plan.span), centres, halves))


def _wings(dice: Dice, plan: _Plan) -> list[Sweep]:
    offset = 0.75 * plan.radius if plan.high else -0.55 * plan.radius
    rise = dice.between(0.0, 0.07) * plan.span / 0.5
    if plan.kind != "biplane":
        return _wing(plan, offset, rise)
    low, high = -0.8 * plan.radius, plan.radius + dice.between(0.1, 0.14)
    parts = _wing(plan, low, 0.0) + _wing(plan, high, 0.0)
    for x in (0.0, dice.between(0.6, 0.8) * plan.span):
        strut = turned((low, high), (0.034, 0.034), [(x, plan.place + plan.back * x / plan.span)])
        parts += both_sides(strut) if x else [strut]
    return parts


def _tail(dice: Dice, plan: _Plan) -> list[Sweep]:
    chord, tip = dice.between(0.1, 0.15), dice.between(0.6, 0.95)
    height = plan.radius + dice.between(0.11, 0.2)
    rear = 0.5 - 0.5 * chord
    sweepback = dice.between(0.0, 0.08)
    base = 0.4 * plan.radius
    fin = sweep(
        2,
        (0.0, base + height),
        [(0.0, rear - sweepback), (0.0, rear)],
        [(_THIN, 0.5 * chord + 0.5 * sweepback), (_THIN, 0.5 * chord * tip)],
    )
    if plan.kind == "delta":
        return [fin]
    z = base + height - _THIN if dice.chance(0.25) else base
    half = dice.between(0.3, 0.42) * plan.span if plan.kind == "glider" else dice.between(0.36, 0.48) * plan.span
    plane = sweep(
        0,
        (0.0, half),
        [(rear, z), (rear + 0.3 * sweepback, z)],
        [(0.5 * chord, _THIN), (0.5 * chord * tip, _THIN)],
    )
    return [fin, *both_sides(plane)]


def _engines(dice: Dice, plan: _Plan) -> list[Sweep]:
    if plan.kind == "airliner":
        count = dice.pick({"two": 0.6, "four": 0.25, "rear": 0.15})
        half, length = dice.between(0.038, 0.05), dice.between(0.07, 0.1)
        if count == "rear":
            x = plan.radius + half - 0.012
            return both_sides(
                sweep(1, (0.18, 0.18 + 2 * length), [(x, 0.4 * plan.radius)] * 2, [(half, half)] * 2, 2.0)
            )
        parts = []
        for share in (0.35,) if count == "two" else (0.3, 0.6):
            y = plan.place + share * plan.back - 0.25 * plan.chord
            z = (0.75 if plan.high else -0.55) * plan.radius - 0.75 * half
            x = share * plan.span
            parts += both_sides(sweep(1, (y - length, y + length), [(x, z)] * 2, [(half, half)] * 2, 2.0))
        return parts
    if plan.kind in ("propeller", "biplane") and dice.chance(0.7):  # a standing propeller
        blade = dice.between(0.11, 0.16)
        turned_by = dice.chance(0.5)
        halves = (blade, 0.034) if turned_by else (0.034, blade)
        return [sweep(1, (-0.52, -0.455), [(0.0, 0.0)] * 2, [halves] * 2)]
    return []
