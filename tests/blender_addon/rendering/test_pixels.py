# SPDX-License-Identifier: Apache-2.0
"""Both ways out of a Blender give the same pixels, in the newest and in the oldest Blender that is supported."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("render_two_ways.py")


def answers(command: list[str], checkout: Path, engines: list[str]) -> dict[str, Any]:
    arguments = ["--", str(checkout / "blender_addon" / "rendering"), *engines]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr[-2000:]
    return json.loads(lines[-1])


def test_memory_and_file_give_the_same_image_and_passes(blender_python: Path, checkout: Path) -> None:
    answer = answers([str(blender_python), str(SCRIPT)], checkout, ["cycles"])["cycles"]
    assert answer["way"] == "CyclesPixels"
    assert answer["difference"] == 0.0
    assert np.asarray(answer["rgba"])[..., 3].max() == 1.0


def test_an_old_blender_gives_the_same_image_through_files(blender_python: Path, checkout: Path) -> None:
    blender = shutil.which("blender")
    if blender is None:
        pytest.skip("no Blender executable on the PATH: Debian's package gives one")
    old = answers([blender, "-b", "--factory-startup", "-P", str(SCRIPT)], checkout, ["cycles"])["cycles"]
    new = answers([str(blender_python), str(SCRIPT)], checkout, ["cycles"])["cycles"]
    one, other = np.asarray(old["rgba"]), np.asarray(new["rgba"])
    # Versions place the samples differently: outlines differ by some of the four samples, surfaces do not.
    assert (np.abs(one - other).max(axis=-1) > 1e-3).mean() < 0.08
    assert np.abs(one - other).mean() < 0.02
    np.testing.assert_allclose(np.asarray(old["depth"]).max(), np.asarray(new["depth"]).max(), atol=0.02)
