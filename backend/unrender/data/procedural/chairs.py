# SPDX-License-Identifier: Apache-2.0
"""Chairs: dining, arm, lounge, wing, tub and office chairs. They face -Y, the back rest stands at +Y.

Ranges start from what the chairs of Kenney's Furniture Kit measure (CC0; over the total height: width and depth
.43 to .55, lounge chairs .78 to 1.07; top of the seat .48 to .52, desk chair .41; seat .11 thick; legs .055 to .073
thick; stretchers at .11 to .15) and are widened to the proportions of real chairs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .dice import Dice
from .solids import RECTANGLE, Sweep, both_sides, box, pillow, post, rail, sweep, turned

# Over the total height: width, depth; height of the top of the seat.
_PROPORTIONS = {
    "side": ((0.42, 0.62), (0.42, 0.62), (0.44, 0.56)),
    "arm": ((0.54, 0.74), (0.46, 0.66), (0.44, 0.54)),
    "low": ((0.62, 0.95), (0.62, 0.95), (0.40, 0.52)),
    "high": ((0.36, 0.46), (0.36, 0.46), (0.36, 0.46)),
    "bar": ((0.34, 0.42), (0.34, 0.42), (0.62, 0.70)),
}
_KINDS = {"side": 0.45, "arm": 0.25, "low": 0.15, "high": 0.1, "bar": 0.05}
_SEAT_THICKNESS = (0.064, 0.11)
_LEG_THICKNESS = (0.062, 0.085)
_BACK_THICKNESS = (0.062, 0.085)
_LEAN = (0.0, 0.13)
_BAR = 0.031
"""Half thickness of stretchers, slats and spindles: two voxels thick in a grid of 32."""

_GAP = 0.07
"""Smallest opening between slats and below rails: more than two voxels in a grid of 32."""

_OVERLAP = 0.035
"""How deep parts reach into one another, so that they stay connected in coarse grids."""


class _Plan(NamedTuple):
    """Measures of one chair in world units; x is symmetric about 0, y runs from -depth/2 (front) to depth/2."""

    width: float
    depth: float
    floor: float
    top: float
    seat: float  # z of the top of the seat
    seat_thickness: float
    leg: float  # half thickness of a leg
    back: float  # half thickness of the back
    lean: float  # how far the top of the back lies behind its foot

    @property
    def under_seat(self) -> float:
        return self.seat - self.seat_thickness

    @property
    def front(self) -> float:
        return -0.5 * self.depth

    @property
    def seat_rear(self) -> float:
        return 0.5 * self.depth - self.lean

    def back_y(self, z: float) -> float:
        """y of the middle of the back at height z, above the seat."""
        return self.seat_rear - self.back + self.lean * (z - self.seat) / (self.top - self.seat)

    def on_back(self, x: float, z: float) -> tuple[float, float, float]:
        """The point of the middle of the back at (x, z)."""
        return (x, self.back_y(z), z)


def chair(dice: Dice) -> list[Sweep]:
    """Return the solids of a random chair, inside the ball of radius .48 up to its lean."""
    kind = dice.pick(_KINDS)
    plan = _plan(dice, kind)
    if kind in ("arm", "low") and dice.chance(0.25):
        return _tub_chair(dice, plan)
    parts = _seat(dice, plan) + _support(dice, plan, kind) + _back(dice, plan)
    if kind == "arm" or (kind == "low" and dice.chance(0.75)) or (kind == "side" and dice.chance(0.1)):
        parts += _arms(dice, plan)
    elif kind == "high" and dice.chance(0.3):
        parts += _wings(dice, plan)
    return parts


def _plan(dice: Dice, kind: str) -> _Plan:
    widths, depths, seats = _PROPORTIONS[kind]
    width, depth, seat = dice.between(*widths), dice.between(*depths), dice.between(*seats)
    height = 0.96 / math.sqrt(1.0 + width**2 + depth**2)
    lean = dice.between(*_LEAN) if dice.chance(0.6) else 0.0
    floor = -0.5 * height
    return _Plan(
        width=width * height,
        depth=depth * height,
        floor=floor,
        top=0.5 * height,
        seat=floor + seat * height,
        seat_thickness=dice.between(*_SEAT_THICKNESS) * (1.5 if kind == "low" else 1.0),
        leg=0.5 * dice.between(*_LEG_THICKNESS),
        back=0.5 * dice.between(*_BACK_THICKNESS),
        lean=min(lean, 0.3 * depth * height),
    )


# Seats


def _seat(dice: Dice, plan: _Plan) -> list[Sweep]:
    half = 0.5 * plan.width
    low, high = (-half, plan.front, plan.under_seat), (half, plan.seat_rear, plan.seat)
    style = dice.pick({"flat": 0.4, "trapezoid": 0.25, "cushion": 0.15, "rounded": 0.2})
    if style == "trapezoid":
        rear = half * dice.between(0.84, 0.97)
        middle, thick = 0.5 * (plan.under_seat + plan.seat), 0.5 * plan.seat_thickness
        return [sweep(1, (plan.front, plan.seat_rear), [(0.0, middle)] * 2, [(half, thick), (rear, thick)])]
    if style == "rounded":
        return [pillow(low, high, rounding=0.02, exponent=dice.between(6.0, 10.0))]
    parts = [box(low, high)]
    if style == "cushion":
        inset = dice.between(0.0, 0.02)
        parts.append(
            pillow(
                (low[0] + inset, low[1] + inset, plan.seat - _OVERLAP),
                (high[0] - inset, high[1] - inset, plan.seat + dice.between(0.02, 0.05)),
                exponent=8.0,
            )
        )
    return parts


# What carries the seat


def _support(dice: Dice, plan: _Plan, kind: str) -> list[Sweep]:
    if kind == "bar":
        weights = {"straight": 0.3, "splayed": 0.4, "pedestal": 0.3}
    elif kind == "low":
        weights = {"straight": 0.3, "splayed": 0.25, "sled": 0.15, "base": 0.2, "pedestal": 0.1}
    else:
        weights = {"straight": 0.44, "splayed": 0.22, "sled": 0.12, "pedestal": 0.17, "sides": 0.05}
    style = dice.pick(weights)
    if style == "pedestal":
        return _pedestal(dice, plan)
    if style == "sled":
        return _sled(dice, plan)
    x = 0.5 * plan.width
    if style == "base":
        lift = dice.between(0.065, 0.1)
        body = box((-x, plan.front, plan.floor + lift), (x, plan.seat_rear, plan.under_seat + _OVERLAP))
        foot = post(
            (x - plan.leg, plan.front + plan.leg, plan.floor),
            (x - plan.leg, plan.front + plan.leg, plan.floor + lift + _OVERLAP),
            plan.leg,
        )
        rear = foot.placed(np.array([0.0, plan.front + plan.leg - (plan.seat_rear - plan.leg), 0.0]), 1.0)
        return [body, *both_sides(foot, rear)]
    if style == "sides":
        return both_sides(
            box((x - 2 * plan.leg, plan.front, plan.floor), (x, plan.seat_rear, plan.under_seat + _OVERLAP))
        )
    return _four_legs(dice, plan, splayed=style == "splayed")


def _four_legs(dice: Dice, plan: _Plan, splayed: bool) -> list[Sweep]:
    edge_x, front, rear = 0.5 * plan.width - plan.leg, plan.front + plan.leg, plan.seat_rear - plan.leg
    head_z = plan.under_seat + _OVERLAP
    inset_x = dice.between(0.05, 0.3) * edge_x if splayed else 0.0
    inset_y = dice.between(0.04, 0.12) if splayed else 0.0
    rake = min(dice.between(0.0, 0.6) * plan.lean, 0.06)  # the rear feet of a leaning chair stand farther back
    exponent = 2.0 if (splayed and dice.chance(0.6)) or dice.chance(0.2) else RECTANGLE
    leg = plan.leg * (1.1 if exponent == 2.0 else 1.0)
    taper = max(dice.between(0.75, 1.0), 0.029 / leg) if dice.chance(0.4) else 1.0
    front_leg = ((edge_x, front, plan.floor), (edge_x - inset_x, front + inset_y, head_z))
    rear_leg = ((edge_x, rear + rake, plan.floor), (edge_x - inset_x, rear - 0.5 * inset_y, head_z))
    legs = [post(*line, half_foot=leg * taper, half_head=leg, exponent=exponent) for line in (front_leg, rear_leg)]
    return both_sides(*legs) + _stretchers(dice, plan, front_leg, rear_leg)


def _stretchers(dice: Dice, plan: _Plan, front_leg: tuple, rear_leg: tuple) -> list[Sweep]:
    room = plan.under_seat - plan.floor
    lowest, highest = _GAP + _BAR, room - _GAP - _BAR
    style = dice.pick({"none": 0.55, "sides": 0.15, "h": 0.15, "around": 0.15})
    if style == "none" or highest < lowest:
        return []
    height = dice.between(lowest, min(highest, lowest + 0.12))

    def at(line: tuple, z: float) -> tuple[float, float, float]:
        share = z / (line[1][2] - line[0][2])
        return tuple(a + (b - a) * share for a, b in zip(*line, strict=True))  # type: ignore[return-value]

    front, rear = at(front_leg, height), at(rear_leg, height)
    parts = both_sides(rail(front, rear, _BAR))
    if style == "h":
        middle = tuple(0.5 * (a + b) for a, b in zip(front, rear, strict=True))
        parts.append(rail((-middle[0], middle[1], middle[2]), middle, _BAR))
    elif style == "around":
        raised = min(height + dice.between(0.0, 0.08), highest)
        for line in (front_leg, rear_leg):
            end = at(line, raised)
            parts.append(rail((-end[0], end[1], end[2]), end, _BAR))
    return parts


def _sled(dice: Dice, plan: _Plan) -> list[Sweep]:
    x, half = 0.5 * plan.width - plan.leg, max(plan.leg, _BAR)
    front, rear, low = plan.front + half, plan.seat_rear - half, plan.floor + half
    head = plan.under_seat + _OVERLAP
    parts = [
        rail((x, plan.front, low), (x, plan.seat_rear, low), (plan.leg, half)),
        post((x, front, plan.floor), (x, front, head), (plan.leg, half)),
    ]
    parts = both_sides(*parts)
    if dice.chance(0.4):  # a cantilever: nothing carries the rear
        parts.append(rail((-x, rear, low), (x, rear, low), half))
    else:
        parts += both_sides(post((x, rear, plan.floor), (x, rear, head), (plan.leg, half)))
    return parts


def _pedestal(dice: Dice, plan: _Plan) -> list[Sweep]:
    y = 0.5 * (plan.front + plan.seat_rear)
    reach = 0.5 * min(plan.width, plan.seat_rear - plan.front) * dice.between(0.8, 1.0)
    foot_height = dice.between(0.064, 0.08)
    foot_top, stem = plan.floor + foot_height, dice.between(0.034, 0.055)
    head = plan.under_seat + _OVERLAP
    foot = dice.pick({"disc": 0.3, "plate": 0.2, "star": 0.3, "tulip": 0.2})
    if foot == "tulip":
        heights = np.linspace(plan.floor, head, 12)
        radii = stem + (reach - stem) * np.exp(-(((heights - plan.floor) / (0.3 * (head - plan.floor))) ** 1.2))
        radii = np.maximum(radii, stem + 0.6 * (reach - stem) * np.exp(-(head - heights) / 0.03))
        return [turned(heights, radii, [(0.0, y)])]
    parts = [turned((plan.floor, head), (stem, stem), [(0.0, y)])]
    if foot == "disc":
        return [*parts, turned((plan.floor, foot_top), (reach, reach * dice.between(0.85, 1.0)), [(0.0, y)])]
    if foot == "plate":
        return [*parts, box((-reach, y - reach, plan.floor), (reach, y + reach, foot_top))]
    arms, turn, middle = dice.whole(4, 5), dice.chance(0.5), plan.floor + 0.5 * foot_height
    for index in range(arms):
        angle = 2.0 * math.pi * (index + (0.5 if turn and arms == 4 else 0.0)) / arms + 0.5 * math.pi
        direction = (math.cos(angle), math.sin(angle))
        # The section of a rail is upright to its axis, so an oblique one is widened to keep its thickness.
        wide = _BAR / max(abs(direction[0]), abs(direction[1]))
        end = (reach * direction[0], y + reach * direction[1], middle)
        parts.append(rail((0.0, y, middle), end, (wide, 0.5 * foot_height)))
    return parts


# Backs


def _back(dice: Dice, plan: _Plan) -> list[Sweep]:
    x = 0.5 * plan.width * (1.0 if dice.chance(0.7) else dice.between(0.85, 1.0))
    style = dice.pick(
        {"solid": 0.2, "rounded": 0.14, "window": 0.08, "half": 0.12, "frame": 0.08}
        | {"ladder": 0.12, "slats": 0.12, "splat": 0.08, "cross": 0.06}
    )
    if style == "solid":
        return [_slab(plan, x, x * dice.between(0.85, 1.0), plan.seat - _OVERLAP, plan.top)]
    if style == "rounded":
        return [_rounded_slab(plan, x, dice.between(0.5, 1.0) * x)]
    if style == "window":
        edge = max(0.065, dice.between(0.25, 0.45) * x)
        low = plan.seat + dice.between(0.08, 0.12)
        high = max(plan.top - dice.between(0.065, 0.12), low + _GAP)
        opening = post(plan.on_back(0.0, low), plan.on_back(0.0, high), (x - edge, plan.back + 0.05)).as_cut()
        return [_slab(plan, x, x, plan.seat - _OVERLAP, plan.top), opening, _seat_edge(plan)]
    return _framed_back(dice, plan, x, style)


def _framed_back(dice: Dice, plan: _Plan, x: float, style: str) -> list[Sweep]:
    half = plan.leg
    outer, inner = x - half, x - 2 * half
    posts = post(plan.on_back(outer, plan.seat - _OVERLAP), plan.on_back(outer, plan.top), (half, plan.back))
    rail_height = dice.between(0.066, 0.13)
    parts = [*both_sides(posts), _slab(plan, x, x, plan.top - rail_height, plan.top)]
    low, high = plan.seat, plan.top - rail_height
    if style == "half":
        return [*parts, _slab(plan, x, x, low + max(_GAP, dice.between(0.2, 0.5) * (high - low)), plan.top)]
    if style == "ladder":
        height = 2 * _BAR
        count = min(dice.whole(1, 3), int((high - low - _GAP) / (height + _GAP)))
        for index in range(count):
            z = low + (high - low) * (index + 1) / (count + 1)
            parts.append(_slab(plan, x, x, z - _BAR, z + _BAR))
    elif style == "slats":
        parts += _slats(dice, plan, inner, low, high)
    elif style == "splat":
        waist, belly = max(_BAR, 0.3 * inner), max(_BAR, dice.between(0.3, 0.55) * inner)
        heights = np.linspace(low - _OVERLAP, high + _OVERLAP, 9)
        halves = waist + (belly - waist) * np.sin(np.linspace(0.0, math.pi, 9)) ** 2
        centres = [(0.0, plan.back_y(z)) for z in heights]
        parts.append(sweep(2, heights, centres, np.stack([halves, np.full(9, plan.back)], 1)))
    elif style == "cross":
        foot, head = plan.on_back(-inner, low - 0.5 * _OVERLAP), plan.on_back(inner, high + 0.5 * _OVERLAP)
        # A steep bar needs no widening, a flat one does: its section is horizontal.
        wide = _BAR * math.hypot(1.0, 2.0 * inner / (high - low))
        parts += both_sides(post(foot, head, (wide, plan.back)))
    return parts


def _slats(dice: Dice, plan: _Plan, inner: float, low: float, high: float) -> list[Sweep]:
    exponent = 2.0 if dice.chance(0.4) else RECTANGLE
    half = _BAR * (1.1 if exponent == 2.0 else dice.between(1.0, 1.4))
    most = int((2 * inner - _GAP) / (2 * half + _GAP))
    count = min(dice.whole(1, 4), most)
    parts = []
    for index in range(count):
        x = -inner + 2 * inner * (index + 1) / (count + 1)
        line = (plan.on_back(x, low - _OVERLAP), plan.on_back(x, high + _OVERLAP))
        parts.append(post(*line, (half, max(_BAR, 0.8 * plan.back)), exponent=exponent))
    lift = _GAP + dice.between(0.0, 0.05)
    if dice.chance(0.3) and high - low - lift - 2 * _BAR > _GAP:
        parts.append(_slab(plan, inner + 0.02, inner + 0.02, low + lift, low + lift + 2 * _BAR))
    return parts


def _slab(plan: _Plan, half_low: float, half_high: float, low: float, high: float) -> Sweep:
    return post(plan.on_back(0.0, low), plan.on_back(0.0, high), (half_low, plan.back), (half_high, plan.back))


def _rounded_slab(plan: _Plan, x: float, radius: float) -> Sweep:
    radius = min(radius, 0.8 * (plan.top - plan.seat))
    turn = np.linspace(0.0, 0.5 * math.pi, 9)
    heights = np.concatenate([[plan.seat - _OVERLAP], plan.top - radius * (1.0 - np.sin(turn))])
    halves = np.concatenate([[x], x - radius * (1.0 - np.cos(turn))])
    centres = [(0.0, plan.back_y(z)) for z in heights]
    return sweep(2, heights, centres, np.stack([halves, np.full(len(heights), plan.back)], 1))


def _seat_edge(plan: _Plan) -> Sweep:
    # What an opening in the back may have taken from the seat.
    x = 0.5 * plan.width
    return box((-x, plan.seat_rear - 4 * plan.back, plan.under_seat), (x, plan.seat_rear, plan.seat))


# Arm rests and wings


def _arms(dice: Dice, plan: _Plan) -> list[Sweep]:
    half = max(0.5 * dice.between(0.062, 0.09), plan.leg)
    x = 0.5 * plan.width - half
    room = plan.top - plan.seat
    lift = min(max(dice.between(0.35, 0.6) * room, _GAP + 2 * _BAR), 0.8 * room)
    z = plan.seat + lift - _BAR  # middle of the rail
    back = (x, plan.back_y(z), z)
    front_y = plan.front + half
    style = dice.pick({"rail": 0.4, "panel": 0.25, "sloped": 0.15, "short": 0.1, "thick": 0.1})
    if style == "panel":
        return both_sides(box((x - half, plan.front, plan.under_seat), (x + half, back[1], z + _BAR)))
    if style == "thick":
        half = max(half, 0.045)
        x = 0.5 * plan.width - half
        low = plan.floor if dice.chance(0.4) else plan.under_seat
        block = box((x - half, plan.front, low), (x + half, back[1], z))
        roll = rail((x, plan.front, z), (x, back[1], z), half, exponent=2.0)
        return both_sides(block, roll)
    drop = dice.between(0.03, max(0.031, lift - _GAP - 2 * _BAR)) if style == "sloped" else 0.0
    post_y = front_y if style != "short" else 0.5 * (front_y + back[1])
    head = (x, post_y, z - drop)
    arm = rail((x, plan.front if style != "short" else post_y - half, z - drop), back, (half, _BAR))
    return both_sides(arm, post((x, post_y, plan.under_seat), head, (plan.leg, half)))


def _wings(dice: Dice, plan: _Plan) -> list[Sweep]:
    half, x = max(plan.leg, _BAR), 0.5 * plan.width - max(plan.leg, _BAR)
    reach = dice.between(0.3, 0.5) * (plan.seat_rear - plan.front)
    low, high = plan.seat + dice.between(0.0, 0.3) * (plan.top - plan.seat), plan.top - 0.02
    heights = np.linspace(low - (_OVERLAP if low < plan.seat + 0.05 else 0.0), high, 5)
    depths = reach * np.array([0.6, 0.9, 1.0, 0.95, 0.6])
    centres = [(x, plan.back_y(z) - 0.5 * d) for z, d in zip(heights, depths, strict=True)]
    wing = sweep(2, heights, centres, np.stack([np.full(5, half), 0.5 * depths + 0.5 * plan.back], 1))
    slab = _slab(plan, 0.5 * plan.width, 0.5 * plan.width, plan.seat - _OVERLAP, plan.top)
    arms = both_sides(
        box(
            (x - half, plan.front, plan.under_seat),
            (x + half, plan.seat_rear, plan.seat + 0.35 * (plan.top - plan.seat)),
        )
    )
    return [slab, *both_sides(wing), *arms]


def _tub_chair(dice: Dice, plan: _Plan) -> list[Sweep]:
    """A shell whose back runs round into the arms, high behind and lower in front."""
    half_x, half_y = 0.5 * plan.width, 0.5 * (plan.seat_rear - plan.front)
    y = 0.5 * (plan.seat_rear + plan.front)
    wall, exponent = dice.between(0.065, 0.085), dice.between(2.2, 5.0)
    bottom = plan.under_seat
    outer = sweep(2, (bottom, plan.top), [(0.0, y)] * 2, [(half_x, half_y)] * 2, exponent)
    inner = sweep(2, (plan.seat, 1.0), [(0.0, y)] * 2, [(half_x - wall, half_y - wall)] * 2, exponent).as_cut()
    reach = plan.front + dice.between(0.0, 0.3) * half_y
    mouth = box((-half_x + wall, -1.0, plan.seat), (half_x - wall, y, 1.0)).as_cut()
    # Above the arms everything in front of a slope goes: the rim falls from the back to the arms.
    arm = plan.seat + dice.between(0.3, 0.75) * (plan.top - plan.seat)
    ys = np.array([-1.0, reach, y, plan.seat_rear - wall, plan.seat_rear + 0.1])
    rim = np.array([arm, arm, arm + 0.1 * (plan.top - arm), plan.top, plan.top])
    above = sweep(1, ys, np.stack([np.zeros(5), 0.5 * (rim + 1.0)], 1), np.stack([np.ones(5), 0.5 * (1.0 - rim)], 1))
    # What carries it stands below the largest box inside the rounded outline.
    inside = 0.5 ** (1.0 / exponent)
    carried = plan._replace(width=inside * plan.width + 0.02, depth=plan.depth - 2 * (1.0 - inside) * half_y)
    shift = np.array([0.0, 0.5 * (carried.seat_rear + carried.front) - y, 0.0])
    support = [part.placed(shift, 1.0) for part in _support(dice, carried, "low")]
    return [outer, inner, mouth, above.as_cut(), *support]
