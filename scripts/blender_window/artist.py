# SPDX-License-Identifier: Apache-2.0
"""What a person does with Blender's window, in their words: install a zip, open the tab, press a button, fill a field.

Nothing here calls an operator; everything is the mouse and the keys.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from scripts.blender_window.blender import BlenderWindow, WindowError
from scripts.blender_window.display import Display
from scripts.blender_window.regions import SETTLE_SECONDS, Regions

# Places in the layout of Debian's Blender 3.4, in pixels. What is no button has no name to be found by.
ADDONS_OF_PREFERENCES = (80, 191)  # from the upper left corner of the navigation bar
SEARCH_OF_ADDONS = (430, 44)  # from the upper left corner of the add-ons page
UNRENDER_TAB = (-12, 175)  # from the upper right corner of the side panel, under Item, Tool and View
EXPERTS_UNDER_TRAIN = 37  # the header "For Experts" under the button Train
DATA_SET_UNDER_TRAIN = 65  # the header "Render Data Set" under that, while "For Experts" is closed
GENERATE_OVER_MODEL = -31  # the header "Generate" over the drop-down of models
DONT_SAVE = (545, 436)  # on the screen: Blender asks in its middle whether to save
START_SECONDS = 120.0


class Artist:
    """Somebody in front of one Blender."""

    def __init__(self, blender: BlenderWindow) -> None:
        self.blender = blender
        self.screen: Display = blender.display
        self.regions = Regions(blender)

    def point_at_viewport(self) -> None:
        """Keys go to what the mouse is over."""
        self.screen.move(*self.viewport_point())

    def viewport_point(self) -> tuple[int, int]:
        """A place in the 3D view beside everything that can be clicked."""
        viewport = self.regions.find("VIEW_3D")
        return viewport.left + 300, viewport.top + 420

    def open_addons_page(self) -> None:
        """Edit > Preferences > Add-ons."""
        # The window opens around the mouse; from the middle it is on the screen as a whole.
        self.screen.move(*self.regions.find("VIEW_3D").middle)
        self.screen.key("F4", "p")
        self.regions.wait_for("PREFERENCES")
        bar = self.regions.find("PREFERENCES", "NAVIGATION_BAR")
        self.screen.click(bar.left + ADDONS_OF_PREFERENCES[0], bar.top + ADDONS_OF_PREFERENCES[1])
        time.sleep(SETTLE_SECONDS)

    def install(self, package: Path) -> None:
        """Install a zip from the add-ons page and tick its box."""
        self.open_addons_page()
        self.press("preferences.addon_install", "PREFERENCES", "WINDOW")
        self.choose_file(package)
        self.press("preferences.addon_enable", "PREFERENCES", "WINDOW")

    def choose_file(self, path: Path) -> None:
        """Type the path into the file browser that has opened, and accept."""
        self.regions.wait_for("FILE_BROWSER")
        self.fill("params.directory", f"{path.parent}/", "FILE_BROWSER", "UI")
        self.fill("params.filename", path.name, "FILE_BROWSER", "EXECUTE")
        self.press("file.execute", "FILE_BROWSER", "EXECUTE")
        time.sleep(SETTLE_SECONDS)

    def show_preferences_of_addon(self) -> None:
        """The add-on's own page, unfolded; where it is not shown yet."""
        self.open_addons_page()
        page = self.regions.find("PREFERENCES")
        self.screen.click(page.left + SEARCH_OF_ADDONS[0], page.top + SEARCH_OF_ADDONS[1])
        self.screen.key("ctrl+a")
        self.screen.type("Unrender")
        self.screen.key("Return")
        self.unfold_addon()

    def unfold_addon(self) -> None:
        """Click on the triangle of the one add-on that the add-ons page lists."""
        time.sleep(SETTLE_SECONDS)
        self.press("preferences.addon_expand", "PREFERENCES", "WINDOW")
        time.sleep(SETTLE_SECONDS)

    def open_tab(self) -> None:
        """Press N and click the tab Unrender."""
        self.point_at_viewport()
        self.screen.key("n")
        time.sleep(SETTLE_SECONDS)
        panel = self.regions.find("VIEW_3D", "UI")
        self.screen.click(panel.right + UNRENDER_TAB[0], panel.top + UNRENDER_TAB[1])
        time.sleep(SETTLE_SECONDS)

    def press(self, name: str, area: str = "VIEW_3D", region: str = "UI") -> None:
        """Click on a button; see `Regions.press`."""
        self.regions.press(name, area, region)

    def fill(self, name: str, text: str, area: str = "VIEW_3D", region: str = "UI") -> None:
        """Put a text or number into a field."""
        x, y = self.regions.look_for(name, area, region)
        self.screen.click(x, y, times=2)
        self.screen.key("ctrl+a")
        self.screen.type(text)
        self.screen.key("Return")

    def drag_slider(self, name: str, pixels: int) -> None:
        """Press on a slider, pull it so far to the right, let go."""
        x, y = self.regions.look_for(name)
        self.screen.drag((x, y), (x + pixels, y))
        time.sleep(SETTLE_SECONDS)

    def choose_model(self, name: str) -> None:
        """Turn the wheel over the drop-down, with ctrl held, until the model is chosen."""
        for button in (4, 5):
            for _ in range(8):
                if self.session()["model"] == name:
                    return
                self.screen.turn_with_ctrl(*self.regions.look_for("unrender.model"), button)
                time.sleep(SETTLE_SECONDS)
        raise WindowError(f"the model {name} cannot be chosen; {self.session()['models']} are offered")

    def connect(self) -> None:
        """Press Connect and wait until the generator is there."""
        self.press("unrender.connect")
        self.blender.wait_until("session", lambda session: session["status"] in ("READY", "BUSY"), START_SECONDS)
        time.sleep(2 * SETTLE_SECONDS)

    def toggle_experts(self) -> None:
        """Open or close the panel "For Experts" under Train."""
        x, y = self.regions.look_for("unrender.train_start")
        self.screen.click(x, y + EXPERTS_UNDER_TRAIN)
        time.sleep(SETTLE_SECONDS)

    def toggle_data_set(self) -> None:
        """Open or close the panel "Render Data Set"."""
        x, y = self.regions.look_for("unrender.train_start")
        self.screen.click(x, y + DATA_SET_UNDER_TRAIN)
        time.sleep(SETTLE_SECONDS)

    def toggle_generate(self) -> None:
        """Open or close the panel Generate, which must be open."""
        x, y = self.regions.look_for("unrender.model")
        self.screen.click(x, y + GENERATE_OVER_MODEL)
        time.sleep(SETTLE_SECONDS)

    def new_file(self) -> None:
        """Press ctrl+N, take the first kind of file (General), and do not save the old one."""
        self.point_at_viewport()
        self.screen.key("ctrl+n", "g")
        self._do_not_save()

    def session(self) -> dict[str, Any]:
        """What the add-on knows."""
        return self.blender.ask("session")

    def quit(self) -> int:
        """Press ctrl+Q, and Don't Save where Blender asks; returns the exit code."""
        self.point_at_viewport()
        self.screen.key("ctrl+q")
        time.sleep(4 * SETTLE_SECONDS)
        if self.blender.running:
            self._do_not_save()
        return self.blender.wait_for_end()

    def _do_not_save(self) -> None:
        time.sleep(SETTLE_SECONDS)
        self.screen.click(*DONT_SAVE)
