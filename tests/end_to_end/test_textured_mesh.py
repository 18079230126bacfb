# SPDX-License-Identifier: Apache-2.0
"""Textured shapes from the command line: photographs in, a training that is stopped and resumed, files and a film."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from .conftest import Family
from .test_train_and_generate import images_trained, interrupt_once_it_has_trained

QUICK = ["total_images=1000000", "checkpoint_minutes=0.01", "sample_minutes=0.01", "evaluate_minutes=10"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty photographs, as it were: striped ellipses of many proportions and colours on white, of mixed sizes."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for index in range(40):
        side = int(random.integers(20, 40))
        rows, columns = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
        width, height = random.uniform(0.4, 0.8, 2)
        inside = (columns / width) ** 2 + (rows / height) ** 2 < 1
        light = 0.7 + 0.3 * np.sin(8.0 * columns)
        colour = random.uniform(60.0, 255.0, 3) * light[..., None]
        Image.fromarray(np.where(inside[..., None], colour, 255.0).astype(np.uint8)).save(folder / f"{index}.png")
    return folder


def test_photographs_become_textured_shapes_and_a_film(family: Family, photos: Path, tmp_path: Path) -> None:
    run = tmp_path / "cherries"
    train = [sys.executable, "-m", "unrender.cli.main", "train", "textured_mesh_gan", "--config", "textured-16"]
    train += ["--data", photos, "--out", run]
    quick = [word for setting in QUICK for word in ("--set", setting)]
    first = family.start([*train, *quick], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    interrupt_once_it_has_trained(first, run)
    _, errors = first.communicate(timeout=120)
    assert first.returncode == 130, errors
    assert "Traceback" not in errors
    total = images_trained(run) + 16
    resumed = family.run([*train, "--resume", "--set", f"total_images={total}", "--json"])
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["images"] == total
    assert family.survivors() == []

    contents = []
    for out in (tmp_path / "shapes", tmp_path / "same"):
        made = family.unrender("generate", "--model", str(run), "--seed", "7", "--count", "2", "--out", out)
        assert made.returncode == 0, made.stderr
        contents.append({path.name: path.read_bytes() for path in sorted(out.glob("*.glb"))})
    assert list(contents[0]) == ["cherry_0007.glb", "cherry_0008.glb"]
    assert contents[0] == contents[1]
    for path in (tmp_path / "shapes").glob("*.glb"):
        (surface,) = trimesh.load(path, process=False).geometry.values()
        assert surface.visual.material.baseColorTexture.size == (18, 18)
        surface.merge_vertices(merge_tex=True, merge_norm=True)
        assert surface.is_watertight
        assert surface.volume > 0

    film = tmp_path / "turn.gif"
    words = ["--seed", "7", "--film", "turn", "--frames", "6", "--size", "32", "--out", str(film)]
    made = family.unrender("generate", "--model", str(run), *words)
    assert made.returncode == 0, made.stderr
    with Image.open(film) as read:
        assert (read.n_frames, read.size) == (6, (32, 32))
    assert family.survivors() == []
