# SPDX-License-Identifier: Apache-2.0
"""Cars: sedans, hatchbacks, vans and pickups. Their front points to -Y.

Measures are over the length of the car. Ranges are those of real ones: sedans of 4.4 to 5 m are .37 to .42 wide and
.29 to .33 high, town cars of 2.7 to 4 m up to .6 wide and high, vans .36 to .45 wide and .38 to .5 high.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .dice import Dice
from .solids import Sweep, both_sides, box, post, sweep

_PROUD = 0.012
"""How far roof, pillars and bumpers stand out from the glass and the body."""

_HALF_WIDTH = {"sedan": (0.17, 0.23), "hatchback": (0.2, 0.31), "van": (0.17, 0.27), "pickup": (0.16, 0.24)}
_BELT = {"sedan": (0.17, 0.22), "hatchback": (0.2, 0.31), "van": (0.19, 0.3), "pickup": (0.19, 0.29)}
_ROOF = {
    "sedan": (0.09, 0.13),
    "hatchback": (0.12, 0.24),
    "van": (0.14, 0.27),
    "pickup": (0.11, 0.17),
}  # above the belt
_HOOD = {"sedan": (0.22, 0.33), "hatchback": (0.15, 0.28), "van": (0.03, 0.16), "pickup": (0.17, 0.28)}
_TRUNK = {"sedan": (0.13, 0.22), "hatchback": (0.0, 0.03), "van": (0.0, 0.015), "pickup": (0.34, 0.5)}
_FRONT_RAKE = {"sedan": (0.1, 0.17), "hatchback": (0.08, 0.16), "van": (0.04, 0.13), "pickup": (0.06, 0.12)}
_REAR_RAKE = {"sedan": (0.07, 0.18), "hatchback": (0.02, 0.14), "van": (0.0, 0.025), "pickup": (0.0, 0.03)}
_LEAN = {"sedan": (0.76, 0.88), "hatchback": (0.78, 0.92), "van": (0.9, 0.98), "pickup": (0.8, 0.92)}


class _Plan(NamedTuple):
    """One car of length 1: y runs from the front (-.5) to the rear, z from the road."""

    kind: str
    half_x: float
    wheel: float  # radius
    bottom: float
    belt: float  # where the body ends and the windows begin
    roof: float
    base: tuple[float, float]  # y of the windows' front and rear at the belt
    top: tuple[float, float]  # and at the roof
    lean: float  # half width of the roof over that of the belt
    nose: float  # where the hood begins to rise


def car(dice: Dice) -> list[Sweep]:
    """Return the solids of a random car; it is one long."""
    plan = _plan(dice)
    wheels, arches = _wheels(dice, plan)
    parts = _body(dice, plan) + arches
    if plan.kind == "pickup":
        floor = plan.belt - dice.between(0.07, 0.1)
        inner = plan.half_x - 0.05
        load = box((-inner, plan.base[1] + 0.03, floor), (inner, 0.445, plan.belt + 0.1))
        parts.append(load.as_cut().of("trim"))
    return parts + _cabin(dice, plan) + _lamps(dice, plan) + wheels


def _plan(dice: Dice) -> _Plan:
    kind = dice.pick({"sedan": 0.27, "hatchback": 0.28, "van": 0.22, "pickup": 0.23})
    half_x = dice.between(*_HALF_WIDTH[kind])
    wheel = dice.between(0.066, 0.1)
    if dice.chance(0.2):  # off the road
        wheel *= 1.2
    belt = max(dice.between(*_BELT[kind]), 2.0 * wheel + 0.055)
    roof = belt + dice.between(*_ROOF[kind])
    base = (-0.5 + dice.between(*_HOOD[kind]), 0.5 - dice.between(*_TRUNK[kind]))
    top = (base[0] + dice.between(*_FRONT_RAKE[kind]), base[1] - dice.between(*_REAR_RAKE[kind]))
    bottom = wheel * dice.between(0.5, 0.85)
    nose = belt - dice.between(0.01, 0.06) * (0.4 if kind == "van" else 1.0)
    return _Plan(kind, half_x, wheel, bottom, belt, roof, base, top, dice.between(*_LEAN[kind]), nose)


def _body(dice: Dice, plan: _Plan) -> list[Sweep]:
    """The lower body along its length: nose, hood, doors and tail."""
    tail = plan.belt - (dice.between(0.0, 0.04) if plan.kind == "sedan" else 0.0)
    rise = 0.35 * plan.wheel
    knots = np.array(
        [  # y, bottom, top, share of the width
            (-0.5, plan.bottom + rise, plan.nose - 0.03, 0.86),
            (-0.47, plan.bottom + 0.5 * rise, plan.nose - 0.008, 0.95),
            (-0.36, plan.bottom, plan.nose + 0.3 * (plan.belt - plan.nose), 1.0),
            (max(plan.base[0], -0.35), plan.bottom, plan.belt, 1.0),
            (0.36, plan.bottom, plan.belt, 1.0),
            (0.48, plan.bottom + 0.5 * rise, tail, 0.96),
            (0.5, plan.bottom + rise, tail - 0.02, 0.9),
        ]
    )
    low, high = knots[:, 1], knots[:, 2]
    centres = np.stack([np.zeros(len(knots)), 0.5 * (low + high)], 1)
    halves = np.stack([plan.half_x * knots[:, 3], 0.5 * (high - low)], 1)
    body = sweep(1, knots[:, 0], centres, halves, 7.0).of("paint")
    bumper_top = plan.bottom + 0.45 * rise + 0.055
    bumpers = []
    for end, inner in ((-0.5 - _PROUD, -0.43), (0.5 + _PROUD, 0.43)):
        y = sorted((end, inner))
        half = 0.92 * plan.half_x
        bumpers.append(box((-half, y[0], plan.bottom + 0.3 * rise), (half, y[1], bumper_top)).of("trim"))
    return [body, *bumpers]


def _cabin(dice: Dice, plan: _Plan) -> list[Sweep]:
    """Glass all round, set in below the roof and between pillars; the rear of some vans is closed."""
    base_x, roof_x = 0.97 * plan.half_x, plan.lean * 0.97 * plan.half_x
    low, high = plan.belt - 0.03, plan.roof - 0.025
    glass = _windows(plan, low, high, base_x - _PROUD, roof_x - _PROUD, _PROUD).of("glass")
    middle, reach = 0.5 * (plan.top[0] + plan.top[1]), 0.5 * (plan.top[1] - plan.top[0])
    roof = sweep(
        2,
        (plan.roof - 0.04, plan.roof - 0.015, plan.roof),
        [(0.0, middle)] * 3,
        [(roof_x, reach), (roof_x, reach), (0.93 * roof_x, 0.96 * reach)],
        8.0,
    ).of("roof")
    parts = [glass, roof]
    half = (0.028, 0.02)  # of a pillar, whose outer side is that of the roof

    def pillars(foot: float, head: float) -> list[Sweep]:
        low_end, high_end = (base_x - half[0], foot, low), (roof_x - half[0], head, plan.roof - 0.02)
        return both_sides(post(low_end, high_end, half).of("paint"))

    parts += pillars(plan.base[0] + half[1], plan.top[0] + half[1])
    parts += pillars(plan.base[1] - half[1], plan.top[1] - half[1])
    if plan.kind == "van" and dice.chance(0.5):
        start = dice.between(0.3, 0.45)
        split = plan.base[0] + start * (plan.base[1] - plan.base[0])
        closed = plan._replace(base=(split, plan.base[1]), top=(split, plan.top[1]))
        parts.append(_windows(closed, low, plan.roof - 0.02, base_x, roof_x, 0.0).of("paint"))
        return parts
    length = plan.top[1] - plan.top[0]
    doors = 1 if plan.kind == "pickup" or length < 0.25 else 2 if length > 0.5 else dice.whole(1, 2)
    for door in range(doors) if length > 0.15 else ():
        y = plan.top[0] + length * (door + 1) / (doors + 1)
        parts += pillars(y, y)
    return parts


def _windows(plan: _Plan, low: float, high: float, base_x: float, roof_x: float, inset: float) -> Sweep:
    """The block of the cabin from below the belt up to the roof, `inset` from the front and the rear of the plan's."""
    ends = np.array([plan.base, plan.top]) + np.array([inset, -inset])
    centres = np.stack([np.zeros(2), ends.mean(axis=1)], 1)
    halves = np.stack([[base_x, roof_x], 0.5 * (ends[:, 1] - ends[:, 0])], 1)
    return sweep(2, (low, high), centres, halves, 12.0)


def _lamps(dice: Dice, plan: _Plan) -> list[Sweep]:
    """Head lamps, a grille and rear lamps, a little proud of the body."""
    half_z = dice.between(0.018, 0.028)
    wide = dice.between(0.16, 0.28) * plan.half_x
    x = 0.8 * plan.half_x - wide
    front = min(plan.bottom + 0.66 * (plan.belt - plan.bottom), plan.nose - 0.035 - half_z)
    rear = plan.bottom + dice.between(0.55, 0.65) * (plan.belt - plan.bottom)
    tall = dice.between(1.0, 2.2) if plan.kind in ("van", "hatchback") else 1.0
    rear = min(rear, plan.belt - 0.06 - half_z)
    head = box((x - wide, -0.5 - 0.6 * _PROUD, front - half_z), (x + wide, -0.46, front + half_z)).of("lamp")
    back = box((x - 0.8 * wide, 0.46, rear - tall * half_z), (x + wide, 0.5 + 0.6 * _PROUD, rear + tall * half_z))
    grille = box(
        (-0.9 * (x - wide), -0.5 - 0.5 * _PROUD, front - 0.8 * half_z), (0.9 * (x - wide), -0.46, front + 0.6 * half_z)
    )
    return [*both_sides(head, back.of("rear lamp")), grille.of("trim")]


def _wheels(dice: Dice, plan: _Plan) -> tuple[list[Sweep], list[Sweep]]:
    """The wheels with their hubs, and the arches that are cut into the body for them."""
    radius, thick = plan.wheel, dice.between(0.055, 0.075)
    gap = dice.between(0.012, 0.022)
    hub = dice.between(0.52, 0.68) * radius
    out = plan.half_x + 0.008
    wheels, arches = [], []
    for y in (-0.5 + dice.between(0.16, 0.21), 0.5 - dice.between(0.16, 0.22)):
        middle = [(y, radius)]
        arch = sweep(0, (plan.half_x - thick, plan.half_x + 0.05), middle * 2, [(radius + gap,) * 2] * 2, 2.0)
        tyre = sweep(
            0,
            (plan.half_x - thick - 0.045, out - 0.012, out),
            middle * 3,
            [(radius, radius), (radius, radius), (0.9 * radius, 0.9 * radius)],
            2.0,
        )
        cap = sweep(0, (out - 0.03, out + 0.008), middle * 2, [(hub, hub), (0.85 * hub, 0.85 * hub)], 2.0)
        arches += both_sides(arch.as_cut().of("trim"))
        wheels += both_sides(tyre.of("tyre"), cap.of("hub"))
    return wheels, arches
