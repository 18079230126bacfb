# SPDX-License-Identifier: Apache-2.0
"""The manifest is one that Blender's own checker accepts, and the versions agree."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import unrender
from blender_addon import bundled_libraries
from blender_addon.bundled_libraries import library_folders
from unrender.packaging.manifest import read_manifest
from unrender_protocol.version import PACKAGE_VERSION


def test_blenders_own_checker_accepts_the_manifest(checkout: Path, blender_python: Path) -> None:
    find = "import importlib.util as u, pathlib; print(pathlib.Path(u.find_spec('bpy').origin).parent)"
    found = subprocess.run([str(blender_python), "-c", find], capture_output=True, text=True, check=True)
    (checker,) = Path(found.stdout.strip()).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    command = [str(blender_python), str(checker), "validate", str(checkout / "blender_addon")]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_one_version_everywhere(checkout: Path) -> None:
    manifest = tomllib.loads((checkout / "blender_addon" / "blender_manifest.toml").read_text(encoding="utf-8"))
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    source = (checkout / "blender_addon" / "operators" / "connect.py").read_text(encoding="utf-8")
    (add_on,) = re.findall(r'^VERSION = "([^"]+)"$', source, re.MULTILINE)
    (pinned,) = (need for need in project["dependencies"] if need.startswith("unrender-protocol"))
    versions = {
        "manifest": manifest["version"],
        "add-on's report": add_on,
        "distribution": project["version"],
        "its protocol": pinned.removeprefix("unrender-protocol=="),
        "backend": unrender.__version__,
    }
    assert {name: version for name, version in versions.items() if version != PACKAGE_VERSION} == {}


def test_there_is_no_bl_info_in_the_sources(checkout: Path) -> None:
    tree = ast.parse((checkout / "blender_addon" / "__init__.py").read_text(encoding="utf-8"))
    assert "bl_info" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def test_the_manifest_keeps_our_own_rules(checkout: Path) -> None:
    manifest = read_manifest(checkout / "blender_addon" / "blender_manifest.toml")
    assert "wheels" not in manifest
    assert set(manifest["permissions"]) == {"network", "files", "clipboard"}


def test_the_bundled_libraries_are_those_of_this_python_and_system(tmp_path: Path) -> None:
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    for name in ("any", f"{python}-linux-x64", f"{python}-macos", f"{python}-macos-arm64", "cp27-linux-x64"):
        (tmp_path / name).mkdir()
    found = [folder.name for folder in library_folders(tmp_path)]
    assert found[0] == "any"
    system = {"linux": "linux", "darwin": "macos", "win32": "windows"}[sys.platform]
    assert all(name.startswith(f"{python}-{system}") for name in found[1:])
    assert library_folders(tmp_path / "none") == []


def test_bundled_libraries_come_last_on_the_path_and_go_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "any").mkdir()
    monkeypatch.setattr(bundled_libraries, "LIBRARIES", tmp_path)
    monkeypatch.setattr(bundled_libraries, "library_folders", lambda: [tmp_path / "any"])
    before = list(sys.path)
    monkeypatch.setattr(sys, "path", list(before))
    for _ in range(2):  # enabled twice, it is there once
        bundled_libraries.add_to_path()
        assert sys.path == [*before, str(tmp_path / "any")]
    bundled_libraries.take_from_path()
    assert sys.path == before
