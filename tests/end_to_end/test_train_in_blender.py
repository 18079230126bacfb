# SPDX-License-Identifier: Apache-2.0
"""The main job from the add-on: photos in, a training with Cycles in the loop, a mesh in the scene."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import Family


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twenty-four photos, as it were: shaded plums of many proportions on white paper."""
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[-1:1:80j, -1:1:80j]
    for index in range(24):
        width, height = random.uniform(0.4, 0.8, 2)
        depth = np.sqrt(np.clip(1 - (columns / width) ** 2 - (rows / height) ** 2, 0, None))
        shade = 0.2 + 0.6 * np.clip(depth * 0.7 - rows / height * 0.5, 0, 1)
        colour = np.where(depth[..., None] > 0, shade[..., None] * [0.9, 0.3, 0.5], 1.0)
        Image.fromarray((255 * colour).astype(np.uint8)).save(folder / f"plum {index}.jpg", quality=95)
    return folder


def test_an_artist_trains_on_photos_and_generates_from_the_new_model(
    family: Family, blender_python: Path, checkout: Path, photos: Path, tmp_path: Path
) -> None:
    family.environment.update(
        UNRENDER_HOME=str(tmp_path / "home"), UNRENDER_BACKEND=sys.executable, TRAINING_PHOTOS=str(photos)
    )
    runner = checkout / "tests" / "blender_addon" / "blender_cases" / "runner.py"
    ran = family.run([blender_python, runner, Path(__file__).parent / "training_case.py"], timeout=550)
    outcomes = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [outcome["failure"] for outcome in outcomes] == [""], ran.stderr[-3000:]
    assert ran.returncode == 0
    assert family.survivors() == []

    run = tmp_path / "home" / "runs" / "plums"
    assert 'kind = "blender"' in (run / "config.toml").read_text(encoding="utf-8")
    assert len(list((run / "pictures").iterdir())) == 24
    assert "light fitted to the photographs" in (run / "log.txt").read_text(encoding="utf-8")
