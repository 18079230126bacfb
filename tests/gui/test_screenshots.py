# SPDX-License-Identifier: Apache-2.0
"""The screenshots of the guide show the add-on as it is now; and the comparison that says so can fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.make_screenshots import MASKS, Screenshot, compare

DEVICE_MASKED = next(name for name, masks in MASKS.items() if masks)


def picture() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (640, 230, 3), dtype=np.uint8)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir()
    Image.fromarray(picture()).save(folder / f"{DEVICE_MASKED}.png")
    return folder


def test_the_same_picture_is_no_difference(kept: Path, tmp_path: Path) -> None:
    assert compare(Screenshot(DEVICE_MASKED, picture()), kept, tmp_path / "out") == ""
    assert not (tmp_path / "out").exists()


def test_a_missing_button_is_a_difference_with_a_picture_of_it(kept: Path, tmp_path: Path) -> None:
    shown = picture()
    shown[300:330, 20:200] = 128
    assert "differ" in compare(Screenshot(DEVICE_MASKED, shown), kept, tmp_path / "out")
    assert (tmp_path / "out" / f"{DEVICE_MASKED}.png").is_file()


def test_what_every_machine_shows_in_its_own_way_is_left_out(kept: Path, tmp_path: Path) -> None:
    shown = picture()
    for left, top, right, bottom in MASKS[DEVICE_MASKED]:
        shown[top:bottom, left:right] = 0
    assert compare(Screenshot(DEVICE_MASKED, shown), kept, tmp_path / "out") == ""


def test_another_size_or_no_kept_picture_is_a_difference(kept: Path, tmp_path: Path) -> None:
    assert "instead of" in compare(Screenshot(DEVICE_MASKED, picture()[:-1]), kept, tmp_path / "out")
    assert "no kept picture" in compare(Screenshot("offline", picture()), kept, tmp_path / "out")


@pytest.mark.gui
@pytest.mark.timeout(900)
def test_the_kept_screenshots_are_what_is_shown_now(programs: None, checkout: Path, tmp_path: Path) -> None:
    script = checkout / "scripts" / "make_screenshots.py"
    command = [sys.executable, str(script), "--compare", "--out", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=840)
    assert ran.returncode == 0, ran.stderr[-3000:]
