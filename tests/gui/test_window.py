# SPDX-License-Identifier: Apache-2.0
"""A user's story in a real window, told by mouse and keys: each test goes on where the one before it ended."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.blender_window.artist import Artist
from scripts.blender_window.photos import SETTINGS, write_photos

from .conftest import Story

pytestmark = pytest.mark.gui

SECONDS = 120.0
BLACK = 8  # of 255; no text, line or button of Blender's usual theme is as dark
SHEET_SHARE = 0.2  # of a row or column of the panel that runs through a sheet, at least so much is its ground


def shapes(artist: Artist) -> list[str]:
    """Names of the generated objects."""
    objects = artist.blender.ask("scene")["objects"]
    return sorted(name for name, thing in objects.items() if thing["model"] is not None)


def wait_for_shapes(artist: Artist, count: int) -> list[str]:
    def there(scene: dict[str, Any]) -> bool:
        return sum(thing["model"] is not None for thing in scene["objects"].values()) == count

    artist.blender.wait_until("scene", there, SECONDS)
    return shapes(artist)


def training(session: dict[str, Any]) -> dict[str, Any]:
    """The training that came last; empty while there is none."""
    return next((job for job in reversed(session["jobs"]) if job["kind"] == "train"), {})


def wait_for_training(artist: Artist, **wanted: Any) -> dict[str, Any]:
    def is_so(session: dict[str, Any]) -> dict[str, Any]:
        job = training(session)
        assert not job or job["problem"] is None, job["problem"]
        return job if job and all(job[name] == value for name, value in wanted.items()) else {}

    return artist.blender.wait_until("session", is_so, SECONDS)


def panel_picture(artist: Artist) -> np.ndarray:
    return artist.regions.find("VIEW_3D", "UI").of(artist.screen.picture())


def place_of_sheet(panel: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the sheet in the panel: what is black there is the ground of its shapes."""
    black = panel.max(axis=2) < BLACK
    rows = np.flatnonzero(black.mean(axis=1) > SHEET_SHARE)
    assert len(rows), "no sheet is in sight"
    band = slice(rows[0], rows[-1] + 1)
    columns = np.flatnonzero(black[band].mean(axis=0) > SHEET_SHARE)
    return band, slice(columns[0], columns[-1] + 1)


def changed_share(before: np.ndarray, after: np.ndarray) -> float:
    """Share of the pixels that are another. Pictures: uint8 RGB [H, W, 3] of one size."""
    return float((np.abs(before.astype(int) - after).max(axis=2) > 12).mean())


def test_the_zip_is_installed_and_enabled_by_hand(story: Story) -> None:
    artist = story.open_blender()
    artist.install(story.package)
    artist.blender.wait_until("addons", lambda enabled: "unrender" in enabled, SECONDS)
    assert (story.home.scripts / "addons" / "unrender" / "__init__.py").is_file()


def test_its_preferences_find_the_generator(story: Story) -> None:
    artist = story.artist
    artist.unfold_addon()
    assert artist.regions.look_for("unrender.test_connection", "PREFERENCES", "WINDOW")
    assert artist.quit() == 0


def test_after_a_restart_the_tab_is_there_and_connect_starts_the_generator(story: Story) -> None:
    artist = story.open_blender()
    assert "unrender" in artist.blender.ask("addons")
    artist.open_tab()
    assert artist.session()["status"] == "OFFLINE"
    artist.connect()
    assert "stools-8" in artist.session()["models"]


def test_generate_brings_three_shapes_that_undo_and_redo_one_at_a_time(story: Story) -> None:
    artist = story.artist
    artist.choose_model("stools-8")
    artist.fill("unrender.seed", "5")
    artist.fill("unrender.count", "3")
    artist.press("unrender.generate")
    made = wait_for_shapes(artist, 3)
    assert made == ["Stool 0005", "Stool 0006", "Stool 0007"]
    artist.blender.wait_until("session", lambda session: session["jobs"][0]["status"] == "IMPORTED", SECONDS)
    artist.point_at_viewport()
    artist.screen.key("ctrl+z")
    assert wait_for_shapes(artist, 2) == made[:2]
    artist.screen.key("ctrl+z")
    assert wait_for_shapes(artist, 1) == made[:1]
    artist.screen.key("ctrl+shift+z")
    assert wait_for_shapes(artist, 2) == made[:2]
    artist.screen.key("ctrl+shift+z")
    assert wait_for_shapes(artist, 3) == made


def test_a_dragged_threshold_changes_the_selected_shape_and_one_undo_takes_it_back(story: Story) -> None:
    artist = story.artist

    def objects() -> dict[str, Any]:
        return artist.blender.ask("scene")["objects"]

    before = objects()
    artist.drag_slider("unrender.shape_threshold", -60)

    def changed(scene: dict[str, Any]) -> bool:
        return scene["objects"]["Stool 0007"]["threshold"] != before["Stool 0007"]["threshold"]

    artist.blender.wait_until("scene", changed, SECONDS)
    time.sleep(1.0)  # the last of the meshes that the drag asked for
    after = objects()
    assert after["Stool 0007"]["faces"] != before["Stool 0007"]["faces"]
    assert after["Stool 0007"]["place"] == before["Stool 0007"]["place"]
    assert {name: after[name] for name in before if name != "Stool 0007"} == {
        name: before[name] for name in before if name != "Stool 0007"
    }
    artist.point_at_viewport()
    artist.screen.key("ctrl+z")
    time.sleep(1.0)
    assert objects() == before, "a drag is one step"
    artist.screen.key("ctrl+shift+z")
    time.sleep(1.0)
    assert objects() == after


def test_a_training_shows_a_sheet_that_changes_on_the_screen(story: Story, tmp_path_factory: Any) -> None:
    artist = story.artist
    photos: Path = write_photos(tmp_path_factory.mktemp("photos"))
    artist.toggle_generate()
    artist.fill("unrender.train_folder", str(photos))
    artist.fill("unrender.train_name", "plums")
    artist.toggle_experts()
    artist.fill("unrender.train_settings", SETTINGS)
    artist.press("unrender.train_start")
    artist.point_at_viewport()
    artist.blender.wait_until("session", lambda session: training(session).get("sheet"), SECONDS)
    time.sleep(1.0)
    panel = panel_picture(artist)
    sheet = place_of_sheet(panel)
    deadline = time.monotonic() + SECONDS
    while changed_share(panel[sheet], panel_picture(artist)[sheet]) < 0.05:
        assert time.monotonic() < deadline, "the sheet never changed"
        assert training(artist.session())["status"] == "RUNNING"
        time.sleep(0.5)


def test_the_training_pauses_and_resumes(story: Story) -> None:
    artist = story.artist
    artist.press("unrender.job_pause")
    shown = wait_for_training(artist, status="CANCELLED", paused=True)["done"]
    assert shown > 0
    artist.press("unrender.job_retry")
    wait_for_training(artist, status="RUNNING", phase="adversarial")
    assert training(artist.session())["done"] >= shown


def test_a_new_file_leaves_the_training_and_its_panel_alone(story: Story) -> None:
    artist = story.artist
    artist.new_file()
    artist.blender.wait_until("scene", lambda scene: "Stool 0005" not in scene["objects"], SECONDS)
    before = training(artist.session())["done"]
    artist.blender.wait_until("session", lambda session: training(session)["done"] > before, SECONDS)
    assert training(artist.session())["status"] == "RUNNING"


def test_a_killed_generator_is_told_and_started_again_and_the_training_goes_on(story: Story) -> None:
    artist = story.artist
    before = training(artist.session())["done"]
    serving = [process for process in story.home.processes() if "serve" in process.cmdline()]
    assert len(serving) == 1
    serving[0].kill()
    told = artist.blender.wait_until("session", lambda session: session["problem"], SECONDS)
    assert told["tag"] in ("backend_exited", "lost")  # whichever is noticed first: the process or the silence
    assert told["message"].startswith("The generator stopped")
    artist.blender.wait_until("session", lambda session: session["status"] in ("READY", "BUSY"), SECONDS)
    wait_for_training(artist, status="RUNNING", phase="adversarial")
    artist.blender.wait_until("session", lambda session: training(session)["done"] > before, SECONDS)


def test_a_training_that_ran_when_blender_was_closed_is_found_again(story: Story) -> None:
    assert story.artist.quit() == 0
    assert story.home.survivors(30.0) == []
    artist = story.open_blender()
    artist.open_tab()
    artist.connect()
    assert wait_for_training(artist, adopted=True)["title"] == "Training plums"
    wait_for_training(artist, status="RUNNING", phase="adversarial")


def test_a_killed_blender_takes_its_generator_with_it(story: Story) -> None:
    story.artist.blender.kill()
    assert story.home.survivors(30.0) == []
