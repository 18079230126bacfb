# SPDX-License-Identifier: Apache-2.0
"""One user's Blender, installed from the zip, for a story of several tests; and a watch for what they leave behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from scripts.blender_window.artist import Artist
from scripts.blender_window.blender import BlenderWindow, Home
from scripts.blender_window.display import Display
from tests.blender_addon.test_in_blender import make_model

PROGRAMS = ("Xvfb", "xdotool", "blender")


class Story:
    """A user who opens and closes Blender on one screen."""

    def __init__(self, display: Display, home: Home, package: Path) -> None:
        self.display = display
        self.home = home
        self.package = package
        self.window: BlenderWindow | None = None

    def open_blender(self) -> Artist:
        """Start Blender; the one before has to have ended."""
        assert self.window is None or not self.window.running
        self.window = BlenderWindow(self.display, self.home, Path(sys.executable))
        self.window.__enter__()
        return Artist(self.window)

    @property
    def artist(self) -> Artist:
        """Whoever sits in front of the Blender that runs."""
        assert self.window is not None
        assert self.window.running, f"an earlier test ended it. {self.window.last_words()}"
        return Artist(self.window)

    def save_picture(self, path: Path) -> None:
        """What the screen shows, for a failure."""
        Image.fromarray(self.display.picture()).save(path)


@pytest.fixture(scope="session")
def programs() -> None:
    """Fail at once where a program is missing: a run that promised a window must not pass without one."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        pytest.fail(f"{', '.join(missing)} not found: scripts/test --gui installs what these tests need")


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip for Blender 3.4, built as a user builds it."""
    folder = tmp_path_factory.mktemp("packages")
    command = [sys.executable, "-m", "unrender.cli.main", "addon", "build", "--out", str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stderr
    (legacy,) = folder.glob("*-legacy.zip")
    return legacy


@pytest.fixture(scope="module")
def story(programs: None, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Folders of a user's own, and a small model among the user's runs."""
    home = Home(tmp_path_factory.mktemp("user"))
    make_model(home.data / "runs" / "stools-8")
    with Display() as display:
        story = Story(display, home, package)
        try:
            yield story
        finally:
            if story.window is not None:
                story.window.kill()
            left = home.survivors(15.0)
            home.kill_all()
    assert left == [], "processes that outlived Blender"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """With a failure goes what was on the screen: UNRENDER_GUI_PICTURES names a folder for the pictures."""
    report = yield
    story = getattr(item, "funcargs", {}).get("story")
    folder = os.environ.get("UNRENDER_GUI_PICTURES")
    if folder and story is not None and call.excinfo is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        story.save_picture(Path(folder) / f"{item.name}.png")
    return report
