# SPDX-License-Identifier: Apache-2.0
"""Where things are on the screen: regions as Blender reports them, buttons as the mouse finds them.

A button is known by what it does (`unrender.connect`, `unrender.seed`), never by a pixel: the mouse goes over the
region as a person's would, and Blender says what is under it. So a layout may change without a test noticing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from scripts.blender_window.blender import BlenderWindow, WindowError

STEP_PIXELS = 9  # less than half a button's height
INTO_BUTTON_PIXELS = 5
COLUMNS = (0.3, 0.6, 0.84, 0.74, 0.93, 0.12)  # of a region's width, in the order in which they are looked at
SCROLL_NOTCHES = 4
SETTLE_SECONDS = 0.4
# Where a button is in the layout of Debian's Blender 3.4, from its region's upper left corner, if nothing has moved it:
# looked at first, because a search from the top takes many seconds. A wrong place costs time only.
PLACES = {
    "preferences.addon_enable": (45, 75),
    "preferences.addon_expand": (24, 75),
    "preferences.addon_install": (386, 18),
    "params.directory": (230, 22),
    "params.filename": (230, 22),
    "file.execute": (790, 22),
    "unrender.test_connection": (259, 448),
    "unrender.connect": (103, 75),
    "unrender.model": (100, 148),
    "unrender.seed": (70, 257),
    "unrender.count": (70, 278),
    "unrender.generate": (103, 399),
    "unrender.shape_threshold": (120, 494),
    # while the panel Generate is closed
    "unrender.train_folder": (60, 202),
    "unrender.train_name": (130, 329),
    "unrender.train_start": (100, 359),
    "unrender.train_settings": (70, 452),
    "unrender.job_pause": (71, 452),
    "unrender.job_retry": (113, 412),
    "unrender.job_remove": (175, 181),
}


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Pixels of the screen, row 0 at the top; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def middle(self) -> tuple[int, int]:
        """x and y of the centre."""
        return (self.left + self.right) // 2, (self.top + self.bottom) // 2

    def of(self, picture: np.ndarray) -> np.ndarray:
        """The part [h, w, 3] of a picture [H, W, 3] of the screen."""
        return picture[self.top : self.bottom, self.left : self.right]


class Regions:
    """Finds regions and buttons of one Blender, and presses buttons."""

    def __init__(self, blender: BlenderWindow) -> None:
        self._blender = blender
        self._display = blender.display
        self._places: dict[str, tuple[int, int]] = {}  # where a button was last, which is looked at first

    def find(self, area: str, region: str = "WINDOW") -> Rectangle:
        """The region of that type in the first area of that type, in whichever window."""
        for window in self._blender.ask("windows"):
            for candidate in window["areas"]:
                if candidate["type"] != area:
                    continue
                for part in candidate["regions"]:
                    if part["type"] == region and part["width"] > 1:
                        left = window["x"] + part["x"]
                        bottom = self._display.height - window["y"] - part["y"]
                        return Rectangle(left, bottom - part["height"], left + part["width"], bottom)
        raise WindowError(f"no region {region} of an area {area} is shown")

    def is_shown(self, area: str, region: str = "WINDOW") -> bool:
        """Whether there is such a region now."""
        try:
            self.find(area, region)
        except WindowError:
            return False
        return True

    def wait_for(self, area: str, seconds: float = 20.0) -> Rectangle:
        """The region, as soon as it is shown."""
        deadline = time.monotonic() + seconds
        while not self.is_shown(area):
            if time.monotonic() > deadline:
                raise WindowError(f"no area {area} was shown within {seconds:.0f} s")
            time.sleep(0.1)
        time.sleep(SETTLE_SECONDS)
        return self.find(area)

    def under_mouse(self, x: int, y: int) -> list[str]:
        """Move the mouse there; what the button there does."""
        self._display.move(x, y)
        return self._blender.ask("buttons")

    def press(self, name: str, area: str = "VIEW_3D", region: str = "UI") -> None:
        """Click on the button whose action contains `name`.

        Raises:
            WindowError: the region shows none.
        """
        x, y = self.look_for(name, area, region)
        self._display.click(x, y)

    def look_for(self, name: str, area: str = "VIEW_3D", region: str = "UI") -> tuple[int, int]:
        """Where the button is whose action contains `name`; the region is scrolled where that is needed."""
        known = self._places.get(name)
        if known is not None and self._is_there(name, *known):
            return known
        rectangle = self.find(area, region)
        if name in PLACES:
            usual = rectangle.left + PLACES[name][0], rectangle.top + PLACES[name][1]
            if self._is_there(name, *usual):
                return usual
        self._scroll(rectangle, up=True, notches=60)
        while True:
            place = self._scan(name, rectangle)
            if place is not None:
                self._places[name] = place
                return place
            before = rectangle.of(self._display.picture())
            self._scroll(rectangle, up=False, notches=SCROLL_NOTCHES)
            if np.array_equal(before, rectangle.of(self._display.picture())):
                raise WindowError(f"no button for {name} in {area} {region}")

    def _scan(self, name: str, rectangle: Rectangle) -> tuple[int, int] | None:
        width = rectangle.right - rectangle.left
        for column in COLUMNS:
            x = rectangle.left + round(column * width)
            for y in range(rectangle.top + STEP_PIXELS, rectangle.bottom, STEP_PIXELS):
                if self._is_there(name, x, y):
                    inside = y + INTO_BUTTON_PIXELS
                    return (x, inside) if self._is_there(name, x, inside) else (x, y)
        return None

    def _is_there(self, name: str, x: int, y: int) -> bool:
        return contains(self.under_mouse(x, y), name)

    def _scroll(self, rectangle: Rectangle, up: bool, notches: int) -> None:
        x = rectangle.left + 6  # beside the buttons: the wheel over a drop-down would change its value
        self._display.click(x, rectangle.middle[1], button=4 if up else 5, times=notches)
        time.sleep(SETTLE_SECONDS)


def contains(actions: Iterable[str], name: str) -> bool:
    """Whether one of the actions is the named one."""
    return any(name in action for action in actions)
