# SPDX-License-Identifier: Apache-2.0
"""Shapes with a texture in a real Blender window: generated, turned with the mouse, undone and redone with the keys."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

from scripts.blender_window.artist import Artist
from scripts.blender_window.regions import SETTLE_SECONDS
from tests.blender_addon.textured_model import MODEL, make_textured_model

from .conftest import Story

pytestmark = [pytest.mark.gui, pytest.mark.timeout(900)]

SECONDS = 120.0
MADE = ["Plum 0003", "Plum 0004"]


def shapes(scene: dict[str, Any]) -> dict[str, list[int]]:
    """The rotations of generated objects, in degrees."""
    return {
        name: [round(math.degrees(angle)) for angle in thing["rotation"]]
        for name, thing in scene["objects"].items()
        if thing["seed"] is not None
    }


def press_keys(artist: Artist, keys: str) -> dict[str, Any]:
    """Press keys over the 3D view; what the scene is like then."""
    artist.point_at_viewport()
    artist.screen.key(keys)
    time.sleep(2 * SETTLE_SECONDS)
    scene: dict[str, Any] = artist.blender.ask("scene")
    return scene


@pytest.fixture(scope="module")
def artist(story: Story) -> Artist:
    """Somebody who has installed the add-on, and connected to a generator with a textured model."""
    make_textured_model(story.home.data / "runs" / MODEL)
    beginner = story.open_blender()
    beginner.install(story.package)
    beginner.blender.wait_until("addons", lambda enabled: "unrender" in enabled, SECONDS)
    assert beginner.quit() == 0
    artist = story.open_blender()
    artist.open_tab()
    artist.connect()
    artist.choose_model(MODEL)
    return artist


def test_each_shape_is_one_undo_step_with_its_material_and_picture(artist: Artist) -> None:
    before = artist.blender.ask("scene")
    artist.fill("unrender.seed", "3")
    artist.fill("unrender.count", "2")
    artist.press("unrender.generate")
    made = artist.blender.wait_until("scene", lambda scene: len(shapes(scene)) == 2 and scene, SECONDS)
    assert list(shapes(made)) == MADE
    for kind in ("images", "materials"):
        assert set(made[kind]) - set(before[kind]) == set(MADE)
    one = press_keys(artist, "ctrl+z")
    assert list(shapes(one)) == MADE[:1]
    none = press_keys(artist, "ctrl+z")
    assert shapes(none) == {}
    assert (none["images"], none["materials"]) == (before["images"], before["materials"]), "nothing is left behind"
    press_keys(artist, "ctrl+shift+z")
    assert press_keys(artist, "ctrl+shift+z")["images"] == made["images"]


def test_a_drag_turns_the_selected_shape_and_is_one_undo_step(artist: Artist) -> None:
    start = shapes(artist.blender.ask("scene"))
    assert start[MADE[1]] == [0, 0, 0]
    artist.drag_slider("unrender_azimuth", 50)
    turned = shapes(artist.blender.wait_until("scene", lambda scene: shapes(scene) != start and scene, SECONDS))
    assert turned[MADE[0]] == [0, 0, 0], "it is not selected"
    assert turned[MADE[1]][:2] == [0, 0]
    assert turned[MADE[1]][2] < -10, "its right side comes to the front"
    artist.drag_slider("unrender_elevation", 40)
    tilted = shapes(artist.blender.wait_until("scene", lambda scene: shapes(scene) != turned and scene, SECONDS))
    assert tilted[MADE[1]][0] > 0, "it is seen from above"
    assert shapes(press_keys(artist, "ctrl+z")) == turned
    assert shapes(press_keys(artist, "ctrl+z")) == start
    assert shapes(press_keys(artist, "ctrl+shift+z")) == turned
    assert shapes(press_keys(artist, "ctrl+shift+z")) == tilted
