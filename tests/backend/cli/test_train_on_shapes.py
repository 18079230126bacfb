# SPDX-License-Identifier: Apache-2.0
"""`unrender train --shapes`, called as a user calls it, at toy size and without Blender."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_a_class_or_a_folder_is_named_by_a_flag(
    unrender: Callable[..., Any], tiny: tuple[str, ...], tmp_path: Path
) -> None:
    settings = [word for assignment in (*tiny, "total_images=4") for word in ("--set", assignment)]
    run = tmp_path / "run"
    outcome = unrender("train", "voxel_gan", "--shapes", "cubes", "--out", run, *settings, "--set", "data.objects=16")
    assert outcome.code == 0, outcome.err
    assert "There are only 16 training pictures" in (run / "log.txt").read_text(encoding="utf-8")
    assert 'shapes = "cubes"' in (run / "config.toml").read_text(encoding="utf-8")
    wrong = unrender("train", "voxel_gan", "--shapes", tmp_path / "C:\\models", "--out", tmp_path / "other")
    assert wrong.code == 1
    assert "There is no folder of shapes" in wrong.err
