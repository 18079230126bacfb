# SPDX-License-Identifier: Apache-2.0
"""Who may import whom is a fact of the code, not a hope; the contracts stand in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

LINTER = Path(sys.executable).with_name("lint-imports")


def lint(configuration: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(LINTER), "--no-cache", "--config", str(configuration)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_every_contract_is_kept(checkout: Path) -> None:
    result = lint(checkout / "pyproject.toml", checkout)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_method_package_is_in_the_contract_of_independence(checkout: Path) -> None:
    contracts = tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    listed = {name for contract in contracts if contract["type"] == "independence" for name in contract["modules"]}
    packages = (checkout / "backend" / "unrender" / "methods").glob("*/__init__.py")
    assert listed == {f"unrender.methods.{path.parent.name}" for path in packages}


@pytest.fixture(scope="module")
def bare(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all modules, in which nothing imports anything: it keeps every contract."""
    folder = tmp_path_factory.mktemp("bare")
    for package in ("backend/unrender", "protocol/unrender_protocol", "blender_addon"):
        source = checkout / package
        for module in source.rglob("*.py"):
            copy = folder / source.name / module.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.touch()
    kept = lint(checkout / "pyproject.toml", folder)
    assert kept.returncode == 0, kept.stdout + kept.stderr
    return folder


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        pytest.param("unrender/geometry/__init__.py", "unrender.renderers", id="upwards"),
        pytest.param("unrender/renderers/__init__.py", "bpy", id="backend-to-blender"),
        pytest.param("unrender/methods/voxel_gan/config/__init__.py", "unrender.methods.voxel_gan.game", id="rooms"),
        pytest.param("unrender/serving/__init__.py", "unrender.methods.voxel_gan.game.fakes", id="past-the-doors"),
        pytest.param("blender_addon/connection/__init__.py", "torch", id="addon-to-torch"),
        pytest.param("unrender_protocol/__init__.py", "unrender.errors", id="protocol-to-backend"),
    ],
)
def test_the_contracts_notice_a_forbidden_import(checkout: Path, bare: Path, importer: str, imported: str) -> None:
    (bare / importer).write_text(f"import {imported}\n")
    try:
        broken = lint(checkout / "pyproject.toml", bare)
    finally:
        (bare / importer).write_text("")
    assert broken.returncode != 0
    assert imported in broken.stdout
