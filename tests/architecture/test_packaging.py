# SPDX-License-Identifier: Apache-2.0
"""What the two wheels carry, and under which licence."""

from __future__ import annotations

import email
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheels(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, zipfile.ZipFile]:
    """Both wheels, built with the builder of this environment: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheels")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*build, str(checkout / "protocol"), str(checkout)], check=True, timeout=300)
    return {path.name.split("-")[0]: zipfile.ZipFile(path) for path in folder.glob("*.whl")}


def metadata(wheel: zipfile.ZipFile) -> email.message.Message:
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel.read(name))


def test_the_backend_carries_what_blender_runs(wheels: dict[str, zipfile.ZipFile], checkout: Path) -> None:
    carried = set(wheels["unrender"].namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "blender_addon"], cwd=checkout, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert any(name.endswith("rendering/worker.py") for name in tracked)
    assert {f"unrender_blender_addon/{name}" for name in tracked} - carried == set()
    assert "unrender_blender_addon/render_dataset.py" in carried


def test_the_backend_carries_its_data_files(wheels: dict[str, zipfile.ZipFile], checkout: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "backend/unrender"], cwd=checkout, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    expected = {name.removeprefix("backend/") for name in tracked}
    assert expected - set(wheels["unrender"].namelist()) == set()


def test_the_wheels_carry_nothing_else(wheels: dict[str, zipfile.ZipFile]) -> None:
    tops = {wheel: {name.split("/")[0] for name in wheels[wheel].namelist()} for wheel in wheels}
    packages = {wheel: {top for top in tops[wheel] if not top.endswith(".dist-info")} for wheel in wheels}
    assert packages == {
        "unrender": {"unrender", "unrender_blender_addon"},
        "unrender_protocol": {"unrender_protocol"},
    }


def test_the_wheels_name_their_licences(wheels: dict[str, zipfile.ZipFile]) -> None:
    assert metadata(wheels["unrender"])["License-Expression"] == "Apache-2.0 AND GPL-3.0-or-later"
    assert metadata(wheels["unrender_protocol"])["License-Expression"] == "Apache-2.0"
    assert "unrender_blender_addon/blender_addon/LICENSE" in wheels["unrender"].namelist()
    for wheel in wheels.values():
        assert any(name.endswith("LICENSE") and ".dist-info/" in name for name in wheel.namelist())


def test_both_distributions_have_one_version(wheels: dict[str, zipfile.ZipFile], checkout: Path) -> None:
    required = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]["dependencies"]
    protocol = metadata(wheels["unrender_protocol"])["Version"]
    assert f"unrender-protocol=={protocol}" in required
