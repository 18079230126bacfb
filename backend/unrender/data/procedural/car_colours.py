# SPDX-License-Identifier: Apache-2.0
"""What cars look like: body paint, sometimes with a roof of another colour, dark glass and tyres, lamps."""

from __future__ import annotations

from .dice import Dice
from .palette import Painter, hexadecimal, near, pick_near, plain
from .solids import Sweep

_PAINTS = {
    "e9e9e6": 0.14,  # white
    "a9adb2": 0.11,  # silver
    "5c6066": 0.08,
    "2a2c31": 0.08,
    "b3202a": 0.14,  # red
    "1f4fa3": 0.13,  # blue
    "6fa8d6": 0.06,
    "2f7d4b": 0.08,  # green
    "e3b521": 0.08,  # yellow
    "d9682a": 0.05,  # orange
    "c9b48c": 0.05,  # beige
}
_ROOFS = {"f0efe9": 0.6, "2a2c31": 0.4}


def car_colours(dice: Dice, solids: list[Sweep]) -> dict[str, Painter]:
    """Return the painters of the materials of a car."""
    paint = pick_near(dice, _PAINTS)
    roof = pick_near(dice, _ROOFS, 0.03) if dice.chance(0.15) else paint
    return {
        "paint": plain(paint),
        "roof": plain(roof),
        "glass": plain(near(dice, "33414d", 0.04)),
        "trim": plain(near(dice, "35363a", 0.03)),
        "tyre": plain(near(dice, "232325", 0.02)),
        "hub": plain(near(dice, "b9bcc0", 0.08)),
        "lamp": plain(hexadecimal("f4f1dc")),
        "rear lamp": plain(hexadecimal("b3121a")),
    }
