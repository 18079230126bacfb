# SPDX-License-Identifier: Apache-2.0
"""`scripts/demo` from its start to its files, and what is left when it is broken off."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from .conftest import Family

INSPECT_SCENE = """
import json, sys
import bpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
objects = [object for object in bpy.data.objects if object.asset_data]
print("SCENE " + json.dumps([
    {
        "name": object.name,
        "collections": [collection.name for collection in object.users_collection],
        "faces": len(object.data.polygons),
        "smooth": all(polygon.use_smooth for polygon in object.data.polygons),
        "preview": object.preview is not None and tuple(object.preview.image_size) > (0, 0),
        "properties": {key: object[key] for key in object.keys() if isinstance(object[key], (int, str, float))},
    }
    for object in objects
]))
"""


@pytest.fixture
def demonstration(checkout: Path, blender_python: Path) -> list[str]:
    """The command that `scripts/demo` ends in, in the environments that this test run has already."""
    return [sys.executable, str(checkout / "scripts" / "demonstration.py"), "--blender-python", str(blender_python)]


def test_the_demonstration_makes_a_scene_meshes_and_a_picture(
    family: Family, demonstration: list[str], blender_python: Path, tmp_path: Path
) -> None:
    result = family.run([*demonstration, "--out", tmp_path])
    assert result.returncode == 0, result.stderr
    assert family.survivors() == []

    steps = re.findall(r"^  (\w+) +([\d.]+) s  ", result.stdout, re.MULTILINE)
    assert [name for name, _ in steps] == [
        "serve", "enable", "connect", "generate", "assets", "save", "export", "render", "total"
    ]  # fmt: skip
    assert str(tmp_path / "scene.blend") in result.stdout
    assert str(tmp_path / "contact_sheet.png") in result.stdout

    shown = family.run([blender_python, "-c", INSPECT_SCENE, tmp_path / "scene.blend"])
    scene = json.loads(next(line for line in shown.stdout.splitlines() if line.startswith("SCENE "))[6:])
    assert len(scene) == 9
    assert len({tuple(item["collections"]) for item in scene}) == 1
    assert all(item["smooth"] and item["preview"] and item["faces"] > 100 for item in scene)
    properties = [item["properties"] for item in scene]
    seeds = {values[key] for values in properties for key in values if key.endswith("seed")}
    assert len(seeds) == 9
    assert all("chairs-32" in values.values() for values in properties)

    meshes = [trimesh.load(path, force="mesh") for path in tmp_path.glob("*.glb")]
    assert len(meshes) == 9
    for mesh in meshes:
        # glTF repeats a vertex where the normals of its faces differ: closed is what is closed in space.
        mesh.merge_vertices(merge_norm=True, merge_tex=True)
        assert mesh.is_watertight
        assert mesh.volume > 0

    sheet = np.asarray(Image.open(tmp_path / "contact_sheet.png").convert("L"), dtype=float)
    thirds = [cell for row in np.array_split(sheet, 3) for cell in np.array_split(row, 3, axis=1)]
    assert all(cell.std() > 5 for cell in thirds)


def wait_for_line(process: subprocess.Popen[str], start: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(start):
            return
    pytest.fail(f"the program ended without a line that starts with {start!r}")


@pytest.mark.skipif(os.name != "posix", reason="sends POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_a_demonstration_that_is_broken_off_leaves_no_process(
    family: Family, demonstration: list[str], tmp_path: Path, number: signal.Signals
) -> None:
    process = family.start([*demonstration, "--out", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for_line(process, "  enable")
    assert len(family.living()) >= 3
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert family.survivors() == []


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        pytest.param(["--model", "unicorns"], 1, "unicorns", id="unknown-model"),
        pytest.param(["--count", "0"], 2, "--count", id="count-out-of-range"),
    ],
)
def test_a_failed_demonstration_says_why_and_leaves_no_process(
    family: Family, demonstration: list[str], tmp_path: Path, arguments: list[str], exit_code: int, said: str
) -> None:
    result = family.run([*demonstration, "--out", tmp_path, *arguments])
    assert result.returncode == exit_code
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert family.survivors() == []


@pytest.mark.skipif(os.name != "posix", reason="uses /bin/false")
def test_a_blender_that_dies_is_reported(family: Family, demonstration: list[str], tmp_path: Path) -> None:
    result = family.run([*demonstration[:-1], "/bin/false", "--out", tmp_path])
    assert result.returncode == 1
    assert "Blender ended with exit code 1" in result.stderr
    assert family.survivors() == []


@pytest.mark.skipif(os.name != "posix", reason="scripts/demo is a bash script")
def test_the_script_explains_itself_without_making_anything(checkout: Path) -> None:
    result = subprocess.run(["bash", str(checkout / "scripts" / "demo"), "--help"], capture_output=True, text=True)
    assert result.returncode == 0
    assert "--out" in result.stdout
