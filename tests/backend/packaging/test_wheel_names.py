# SPDX-License-Identifier: Apache-2.0
"""Names of wheels, read as Blender reads them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from unrender.packaging.pinned_wheels import PINNED_WHEELS
from unrender.packaging.wheel_names import parse_wheel_name

# Blender's own filter, asked as every system and Python in turn.
ASK_BLENDER = """
import bpy, json, sys, sysconfig
from bl_pkg import bl_extension_ops
names = json.load(sys.stdin)
chosen = {}
for system in ("linux-x86_64", "win-amd64", "macosx-11.0-arm64", "macosx-10.15-x86_64"):
    for python in ((3, 11), (3, 13)):
        sysconfig.get_platform = lambda: system
        sys.version_info = (*python, 0, "final", 0)
        found = bl_extension_ops._extensions_wheel_filter_for_this_system(names)
        chosen[f"{system} {python[1]}"] = found
print("chosen", json.dumps(chosen))
"""


@pytest.mark.parametrize(
    ("filename", "platforms"),
    [
        ("pyzmq-27.3.0-cp311-cp311-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl", ("linux-x64",)),
        ("pyzmq-27.3.0-cp312-abi3-win_amd64.whl", ("windows-x64",)),
        ("pyzmq-27.3.0-cp311-cp311-macosx_10_15_universal2.whl", ("macos-x64", "macos-arm64")),
        ("msgpack-1.2.4-cp313-cp313-macosx_11_0_arm64.whl", ("macos-arm64",)),
        ("unrender_protocol-0.1.0+0f3a-py3-none-any.whl", ()),
    ],
)
def test_the_platforms_are_those_of_the_manifest(filename: str, platforms: tuple[str, ...]) -> None:
    name = parse_wheel_name(filename)
    assert name.blender_platforms == platforms
    assert name.is_pure == (platforms == ())


@pytest.mark.parametrize(
    ("tags", "fitting"),
    [
        ("cp311-cp311-win_amd64", {"cp311"}),
        ("cp312-abi3-win_amd64", {"cp312", "cp313"}),
        ("cp310-abi3-win_amd64", {"cp310", "cp311", "cp312", "cp313"}),
        ("py3-none-any", {"cp310", "cp311", "cp312", "cp313"}),
    ],
)
def test_a_wheel_fits_its_python_and_with_the_stable_abi_newer_ones(tags: str, fitting: set[str]) -> None:
    name = parse_wheel_name(f"a-1-{tags}.whl")
    assert {python for python in ("cp310", "cp311", "cp312", "cp313") if name.fits(python)} == fitting


@pytest.mark.parametrize(
    "filename", ["zmq.whl", "a-1-cp311-cp311-win_amd64.zip", "a-1-cp311-cp311-plan9_mips.whl", "a--cp311-x-any.whl"]
)
def test_other_names_are_refused_with_the_name(filename: str) -> None:
    with pytest.raises(ValueError, match=filename):
        parse_wheel_name(filename)


def test_blender_chooses_one_wheel_of_each_library_on_every_system_and_python(blender_python: Path) -> None:
    answer = subprocess.run(
        [str(blender_python), "-c", ASK_BLENDER],
        input=json.dumps([f"./wheels/{name}" for name in PINNED_WHEELS]),
        capture_output=True,
        text=True,
        timeout=120,
    )
    line = next(line for line in answer.stdout.splitlines() if line.startswith("chosen"))
    chosen = json.loads(line.removeprefix("chosen"))
    assert len(chosen) == 8
    for system, names in chosen.items():
        distributions = sorted(name.removeprefix("./wheels/").split("-")[0] for name in names)
        assert distributions == ["msgpack", "pyzmq"], system
