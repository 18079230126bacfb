# SPDX-License-Identifier: Apache-2.0
"""Couches: one to four seats, straight, with a chaise or round a corner. They face -Y.

Ranges start from the sofas of Kenney's Furniture Kit (CC0; over the height: 1.9 to 2.8 wide, one seat 1.07 to 1.8,
.89 to 1.02 deep; seat at .50 to .57, arm rests at .80 to .82, clearance .11 to .12).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .dice import Dice
from .solids import RECTANGLE, Sweep, box, pillow, post, rail, sweep

_SEAT_WIDTH = (0.62, 0.85)
_DEPTH_OVER_HEIGHT = (0.85, 1.15)
_SEAT_HEIGHT = (0.44, 0.58)
_ARM_THICKNESS = (0.064, 0.1)
_BACK_THICKNESS = (0.066, 0.1)
_CLEARANCE = (0.064, 0.09)
_OVERLAP = 0.035


class _Plan(NamedTuple):
    """Measures of one couch in world units; y runs from `front` to `rear`, the chaise or wing to `far_front`."""

    half_x: float
    front: float
    rear: float
    far_front: float
    floor: float
    top: float
    seat: float
    bottom: float  # z of the lower side of the body
    arm: float  # thickness of an arm rest, 0 without
    arm_top: float
    back: float
    seats: int
    side: int  # -1 or 1: the side of the chaise or wing, 0 without
    corner: bool  # the chaise has a back of its own

    @property
    def inner(self) -> float:
        """Half the width between the arm rests."""
        return self.half_x - self.arm

    @property
    def reach(self) -> float:
        """Width of the chaise or wing."""
        return max(2 * self.inner / self.seats, 0.2) + self.arm


def couch(dice: Dice) -> list[Sweep]:
    """Return the solids of a random couch, inside the ball of radius .48."""
    plan = _plan(dice)
    parts = _body(dice, plan) + _feet(dice, plan) + _cushions(dice, plan)
    parts += _back(dice, plan)
    if plan.arm:
        parts += _arms(dice, plan)
    return parts


def _plan(dice: Dice) -> _Plan:
    seats = dice.whole(1, 4)
    side = (1 if dice.chance(0.5) else -1) if seats > 1 and dice.chance(0.35) else 0
    depth = dice.between(*_DEPTH_OVER_HEIGHT)
    width = seats * dice.between(*_SEAT_WIDTH) + dice.between(0.3, 0.5)
    extra = dice.between(0.5, 1.0) if side else 0.0
    height = 0.96 / math.sqrt(1.0 + width**2 + (depth + extra) ** 2)
    floor, half_y = -0.5 * height, 0.5 * (depth + extra) * height
    lift = dice.between(*_CLEARANCE) if dice.chance(0.75) else 0.0
    seat = max(floor + dice.between(*_SEAT_HEIGHT) * height, floor + lift + 0.08)
    arms = dice.chance(0.88)
    top = max(0.5 * height, seat + 0.12)
    return _Plan(
        half_x=0.5 * width * height,
        front=half_y - depth * height,
        rear=half_y,
        far_front=-half_y,
        floor=floor,
        top=top,
        seat=seat,
        bottom=floor + lift,
        arm=dice.between(*_ARM_THICKNESS) if arms else 0.0,
        arm_top=seat + dice.between(0.35, 1.0) * (top - seat),
        back=dice.between(*_BACK_THICKNESS),
        seats=seats,
        side=side,
        corner=side != 0 and dice.chance(0.45),
    )


def _side_range(plan: _Plan) -> tuple[float, float]:
    """The x range of the chaise or wing."""
    low, high = plan.half_x - plan.reach, plan.half_x
    return (low, high) if plan.side > 0 else (-high, -low)


def _body(dice: Dice, plan: _Plan) -> list[Sweep]:
    # With loose cushions the body ends below them.
    high = plan.seat - 0.02
    parts = [box((-plan.half_x, plan.front, plan.bottom), (plan.half_x, plan.rear, high))]
    if plan.side:
        low_x, high_x = _side_range(plan)
        parts.append(box((low_x, plan.far_front, plan.bottom), (high_x, plan.rear, high)))
    return parts


def _feet(dice: Dice, plan: _Plan) -> list[Sweep]:
    if plan.bottom == plan.floor:
        return []
    half = dice.between(0.032, 0.042)
    head = plan.bottom + _OVERLAP
    if dice.chance(0.2):
        inset = dice.between(0.02, 0.06)
        parts = [
            box((-plan.half_x + inset, plan.front + inset, plan.floor), (plan.half_x - inset, plan.rear - inset, head))
        ]
        if plan.side:
            low_x, high_x = _side_range(plan)
            parts.append(
                box((low_x + inset, plan.far_front + inset, plan.floor), (high_x - inset, plan.rear - inset, head))
            )
        return parts
    x = plan.half_x - half
    places = [(-x, plan.front + half), (x, plan.front + half), (-x, plan.rear - half), (x, plan.rear - half)]
    if plan.seats > 2 and plan.half_x > 0.35:
        places += [(0.0, plan.front + half), (0.0, plan.rear - half)]
    if plan.side:
        low_x, high_x = _side_range(plan)
        places += [(low_x + half, plan.far_front + half), (high_x - half, plan.far_front + half)]
    exponent = 2.0 if dice.chance(0.4) else RECTANGLE
    return [post((px, py, plan.floor), (px, py, head), half, exponent=exponent) for px, py in places]


def _cushions(dice: Dice, plan: _Plan) -> list[Sweep]:
    swell = dice.between(0.0, 0.03)
    exponent = dice.between(6.0, 10.0)
    rear = plan.rear - plan.back
    wide = 2 * plan.inner / plan.seats
    parts = []
    for index in range(plan.seats):
        low_x = -plan.inner + index * wide
        parts.append(
            pillow(
                (low_x, plan.front, plan.seat - 0.08), (low_x + wide, rear + 0.02, plan.seat + swell), 0.03, exponent
            )
        )
    if plan.side:
        low_x, high_x = _side_range(plan)
        low = (low_x, plan.far_front, plan.seat - 0.08)
        parts.append(pillow(low, (high_x, rear, plan.seat + swell), 0.03, exponent))
    return parts


def _back(dice: Dice, plan: _Plan) -> list[Sweep]:
    half, lean = 0.5 * plan.back, dice.between(0.0, 0.04) if dice.chance(0.5) else 0.0
    low = plan.bottom if dice.chance(0.5) else plan.seat - 0.06
    foot, head = plan.rear - half, plan.rear - half + lean
    style = dice.pick({"slab": 0.45, "cushions": 0.35, "round": 0.2})
    x = plan.half_x
    parts = [post((0.0, foot, low), (0.0, head, plan.top), (x, half))]
    if style == "round":
        swing = np.linspace(0.0, 0.5 * math.pi, 7)
        drop = dice.between(0.3, 0.7) * (plan.top - plan.seat)
        heights = np.append(low, plan.top - drop * (1 - np.sin(swing)))
        halves = np.append(x, x - min(drop, 0.4 * x) * (1 - np.cos(swing)))
        parts = [sweep(2, heights, [(0.0, foot)] * 8, np.stack([halves, np.full(8, half)], 1))]
    elif style == "cushions":
        deep = dice.between(0.03, 0.05) + 0.3 * half  # it reaches into the back
        wide = 2 * plan.inner / plan.seats
        for index in range(plan.seats):
            middle = -plan.inner + (index + 0.5) * wide
            bottom, top = plan.seat - 0.04, plan.top + dice.between(-0.03, 0.01)
            heights = np.array([bottom, bottom + 0.03, top - 0.03, top])
            halves = np.array(
                [[0.46 * wide, 0.6 * deep], [0.5 * wide, deep], [0.5 * wide, deep], [0.46 * wide, 0.6 * deep]]
            )
            parts.append(sweep(2, heights, [(middle, foot - half)] * 4, halves, 6.0))
    if plan.corner:
        low_x, high_x = _side_range(plan)
        edge = high_x - plan.back if plan.side > 0 else low_x
        parts.append(box((edge, plan.far_front, low), (edge + plan.back, plan.rear, plan.top)))
    return parts


def _arms(dice: Dice, plan: _Plan) -> list[Sweep]:
    style = dice.pick({"box": 0.4, "roll": 0.25, "sloped": 0.15, "frame": 0.2})
    if plan.arm_top - plan.seat < 0.135 and style == "frame":
        style = "box"
    sides = [side for side in (-1, 1) if not (plan.corner and side == plan.side)]
    parts = []
    for side in sides:
        front = plan.far_front if side == plan.side and dice.chance(0.3) else plan.front
        parts += _arm(plan, side * (plan.half_x - 0.5 * plan.arm), front, style)
    return parts


def _arm(plan: _Plan, x: float, front: float, style: str) -> list[Sweep]:
    half = 0.5 * plan.arm
    if style == "frame":  # a rail on a post, open below
        z = plan.arm_top - 0.031
        return [
            rail((x, front, z), (x, plan.rear - 0.5 * plan.back, z), (half, 0.031)),
            post((x, front + half, plan.bottom), (x, front + half, z), half),
        ]
    if style == "sloped":
        ends = np.array([plan.seat + 0.35 * (plan.arm_top - plan.seat), plan.arm_top])
        centre = np.stack([np.full(2, x), 0.5 * (ends + plan.bottom)], 1)
        return [sweep(1, (front, plan.rear), centre, np.stack([np.full(2, half), 0.5 * (ends - plan.bottom)], 1))]
    block = box((x - half, front, plan.bottom), (x + half, plan.rear, plan.arm_top))
    if style == "box":
        return [block]
    radius = 1.25 * half
    return [
        block,
        rail((x, front, plan.arm_top - 0.2 * radius), (x, plan.rear, plan.arm_top - 0.2 * radius), radius, 2.0),
    ]
