# SPDX-License-Identifier: Apache-2.0
"""The manifest is one that Blender's own checker accepts, and the versions agree."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from pathlib import Path

from unrender_protocol.version import PACKAGE_VERSION


def test_blenders_own_checker_accepts_the_manifest(checkout: Path, blender_python: Path) -> None:
    find = "import importlib.util as u, pathlib; print(pathlib.Path(u.find_spec('bpy').origin).parent)"
    found = subprocess.run([str(blender_python), "-c", find], capture_output=True, text=True, check=True)
    (checker,) = Path(found.stdout.strip()).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    command = [str(blender_python), str(checker), "validate", str(checkout / "blender_addon")]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_versions_agree_and_there_is_no_bl_info(checkout: Path) -> None:
    manifest = tomllib.loads((checkout / "blender_addon" / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert manifest["version"] == PACKAGE_VERSION
    source = (checkout / "blender_addon" / "operators" / "connect.py").read_text(encoding="utf-8")
    assert f'VERSION = "{PACKAGE_VERSION}"' in source
    tree = ast.parse((checkout / "blender_addon" / "__init__.py").read_text(encoding="utf-8"))
    assert "bl_info" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
