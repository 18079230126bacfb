# SPDX-License-Identifier: Apache-2.0
"""Shelves: bookcases, open racks and cabinets with open compartments. Their open side looks to -Y."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np

from .dice import Dice
from .solids import Sweep, both_sides, box

_HEIGHT_OVER_WIDTH = (0.7, 2.8)
_DEPTH_OVER_WIDTH = (0.3, 0.6)
_LEAST_DEPTH = 0.2
_BOARD = (0.068, 0.08)
_GAP = 0.085
"""Smallest opening between boards: more than two voxels in a grid of 32."""

_OVERLAP = 0.02


class _Plan(NamedTuple):
    half_x: float
    half_y: float
    floor: float
    top: float
    bottom: float  # z of the lower side of the lowest board
    board: float  # thickness

    def across(self, low: float) -> Sweep:
        """A board whose lower side lies at `low`."""
        return box((-self.half_x, -self.half_y, low), (self.half_x, self.half_y, low + self.board))


def shelf(dice: Dice) -> list[Sweep]:
    """Return the solids of a random shelf, inside the ball of radius .48."""
    ratio = dice.between(*_HEIGHT_OVER_WIDTH)
    deep = max(dice.between(*_DEPTH_OVER_WIDTH), _LEAST_DEPTH * math.hypot(1.0, ratio))
    width = 0.96 / math.sqrt(1.0 + ratio**2 + deep**2)
    half_x, half_y = 0.5 * width, 0.5 * deep * width
    top = 0.5 * ratio * width
    lift = dice.between(0.04, 0.1) if dice.chance(0.45) else 0.0
    plan = _Plan(half_x, half_y, -top, top, lift - top, dice.between(*_BOARD))
    levels = _levels(dice, plan)
    style = dice.pick({"case": 0.55, "rack": 0.3, "ladder": 0.15})
    if style == "ladder" and plan.top - plan.floor < 0.5:
        style = "rack"
    if style == "case":
        return _case(dice, plan, levels, lift)
    parts = [plan.across(level) for level in levels]
    post = 0.5 * plan.board
    if style == "rack":  # boards between four posts
        for y in (-half_y + post, half_y - post):
            parts += both_sides(box((half_x - 2 * post, y - post, plan.floor), (half_x, y + post, top)))
        return parts + _braces(dice, plan)
    return _ladder(dice, plan, levels, post)


def _levels(dice: Dice, plan: _Plan) -> list[float]:
    """The lower sides of the boards, the lowest and the highest included."""
    room = plan.top - plan.board - plan.bottom
    most = max(1, min(5, int(room / (_GAP + plan.board))))
    spaces = dice.whole(min(2, most), most)
    slack = room - spaces * (_GAP + plan.board)
    shares = np.array([dice.between(0.6, 1.4) if dice.chance(0.7) else 1.0 for _ in range(spaces)])
    steps = _GAP + plan.board + slack * shares / shares.sum()
    return [plan.bottom, *(plan.bottom + np.cumsum(steps)).tolist()]


def _case(dice: Dice, plan: _Plan, levels: list[float], lift: float) -> list[Sweep]:
    low = (plan.half_x - plan.board, -plan.half_y, plan.bottom)
    parts = [plan.across(level) for level in levels]
    parts += both_sides(box(low, (plan.half_x, plan.half_y, plan.top)))
    if dice.chance(0.6):
        parts.append(box((-plan.half_x, plan.half_y - 0.068, plan.bottom), (plan.half_x, plan.half_y, plan.top)))
    inner = 2 * (plan.half_x - plan.board)
    if inner > 3 * _GAP + plan.board and dice.chance(0.55):  # upright partitions, in some of the compartments
        place = dice.pick({"middle": 0.6, "thirds": 0.4}) if inner > 4 * _GAP + 2 * plan.board else "middle"
        for x in (0.0,) if place == "middle" else (-inner / 6.0, inner / 6.0):
            for below, above in itertools.pairwise(levels):
                if dice.chance(0.75):
                    half = 0.5 * plan.board
                    parts.append(box((x - half, -plan.half_y, below), (x + half, plan.half_y, above + _OVERLAP)))
    if dice.chance(0.25) and len(levels) > 2:  # doors or drawers close the lowest compartment
        parts.append(
            box((-plan.half_x, -plan.half_y + 0.01, levels[0]), (plan.half_x, plan.half_y, levels[1] + _OVERLAP))
        )
    if lift:
        half = 0.036
        for y in (-plan.half_y + half, plan.half_y - half):
            foot = box((plan.half_x - 2 * half, y - half, plan.floor), (plan.half_x, y + half, plan.bottom + _OVERLAP))
            parts += both_sides(foot)
    return parts


def _braces(dice: Dice, plan: _Plan) -> list[Sweep]:
    if not dice.chance(0.3):
        return []
    y = plan.half_y - 0.032
    return [box((-0.033, y - 0.032, plan.bottom), (0.033, y + 0.032, plan.top))]


def _ladder(dice: Dice, plan: _Plan, levels: list[float], post: float) -> list[Sweep]:
    """Boards that grow deeper downwards between two leaning sides."""
    shallow = max(dice.between(0.45, 0.7) * plan.half_y, 0.07)
    parts = []
    for level in levels:
        share = (level - plan.floor) / (plan.top - plan.floor)
        front = plan.half_y - 2.0 * (plan.half_y + (shallow - plan.half_y) * share)
        parts.append(box((-plan.half_x, front, level), (plan.half_x, plan.half_y, level + plan.board)))
    side = plan.half_x - post
    for head, foot in ((plan.half_y - 2.0 * shallow + post, -plan.half_y + post), (plan.half_y - post,) * 2):
        upright = Sweep(
            2,
            np.array([plan.floor, plan.top]),
            np.array([[side, foot], [side, head]]),
            np.full((2, 2), post),
        )
        parts += both_sides(upright)
    return parts
