# SPDX-License-Identifier: Apache-2.0
"""What the two zips hold, and that the same sources give the same bytes."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from unrender.errors import PackagingError
from unrender.packaging import BuiltPackage, PackageKind, build_packages
from unrender.packaging.addon_source import find_addon_source, is_excluded
from unrender.packaging.manifest import manifest_mistakes

Wheels = tuple[Path, Mapping[str, str]]


def build(out: Path, source: Path | None, wheels: Wheels, only: PackageKind | None = None) -> list[BuiltPackage]:
    folder, pinned = wheels
    return build_packages(out, only, folder, source, pinned)


@pytest.fixture
def built(tmp_path: Path, source: Path, wheels: Wheels) -> Mapping[PackageKind, zipfile.ZipFile]:
    (source / "panels" / "__pycache__").mkdir()
    (source / "panels" / "__pycache__" / "status.cpython-311.pyc").write_bytes(b"x")
    (source / ".hidden").write_text("x")
    (source / "old.zip").write_bytes(b"x")
    return {package.kind: zipfile.ZipFile(package.path) for package in build(tmp_path / "out", source, wheels)}


def test_the_names_tell_version_and_kind(tmp_path: Path, source: Path, wheels: Wheels) -> None:
    packages = build(tmp_path / "new" / "out", source, wheels)
    assert [package.path.name for package in packages] == [
        "unrender-0.1.0-extension.zip",
        "unrender-0.1.0-legacy.zip",
    ]
    assert [package.bytes for package in packages] == [package.path.stat().st_size for package in packages]


def test_one_of_them_can_be_asked_for(tmp_path: Path, source: Path, wheels: Wheels) -> None:
    (package,) = build(tmp_path / "out", source, wheels, PackageKind.LEGACY)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [package.path.name]


def test_the_same_sources_give_the_same_bytes(tmp_path: Path, source: Path, wheels: Wheels) -> None:
    first = build(tmp_path / "first", source, wheels)
    for path in source.rglob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o600)
    second = build(tmp_path / "second", source, wheels)
    assert [package.path.read_bytes() for package in first] == [package.path.read_bytes() for package in second]
    (source / "panels" / "status.py").write_text("LABEL = 2\n")
    third = build(tmp_path / "third", source, wheels)
    assert {package.sha256 for package in first} & {package.sha256 for package in third} == set()


def test_the_extension_is_flat_and_lists_wheels_of_both_pythons_for_all_platforms(
    built: Mapping[PackageKind, zipfile.ZipFile], wheels: Wheels
) -> None:
    extension = built[PackageKind.EXTENSION]
    names = extension.namelist()
    manifest = tomllib.loads(extension.read("blender_manifest.toml").decode())
    assert manifest_mistakes(manifest, names) == []
    assert manifest["platforms"] == ["linux-x64", "macos-arm64", "macos-x64", "windows-x64"]
    assert sorted(path.removeprefix("./") for path in manifest["wheels"]) == [
        name for name in names if "wheels" in name
    ]
    expected = {f"wheels/{name}" for name in wheels[1] if "-cp310-" not in name}
    assert {name for name in names if "wheels" in name and "protocol" not in name} == expected
    assert [name for name in names if "wheels/" not in name] == [
        "__init__.py",
        "blender_manifest.toml",
        "panels/status.py",
    ]
    assert b"bl_info" not in extension.read("__init__.py")


def test_the_legacy_zip_has_one_folder_with_libraries_for_each_python_and_platform(
    built: Mapping[PackageKind, zipfile.ZipFile],
) -> None:
    names = built[PackageKind.LEGACY].namelist()
    assert {name.split("/")[0] for name in names} == {"unrender"}
    assert [name for name in names if "/libraries/" not in name] == [
        "unrender/__init__.py",
        "unrender/panels/status.py",
    ]
    folders = {name.split("/")[2] for name in names if "/libraries/" in name}
    systems = ("linux-x64", "windows-x64", "macos", "macos-x64", "macos-arm64")
    assert folders == {"any", *(f"cp{python}-{system}" for python in (310, 311) for system in systems)}
    assert "unrender/libraries/any/unrender_protocol/version.py" in names
    assert "unrender/libraries/cp310-windows-x64/pyzmq.py" in names


def test_the_legacy_zip_says_what_it_is_in_a_way_that_blender_reads_without_running_it(
    built: Mapping[PackageKind, zipfile.ZipFile],
) -> None:
    text = built[PackageKind.LEGACY].read("unrender/__init__.py").decode()
    # As addon_utils does: from the line that starts with bl_info to the next empty one.
    lines = text.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("bl_info"))
    end = lines.index("", begin)
    (assignment,) = ast.parse("\n".join(lines[begin:end])).body
    assert isinstance(assignment, ast.Assign)
    information = ast.literal_eval(assignment.value)
    assert information["name"] == "Unrender"
    assert (information["version"], information["blender"]) == ((0, 1, 0), (3, 4, 0))
    assert text.index("from __future__") < text.index("bl_info") < text.index("REGISTERED")


def test_numpy_is_in_neither(built: Mapping[PackageKind, zipfile.ZipFile]) -> None:
    assert not [name for package in built.values() for name in package.namelist() if "numpy" in name]


def test_the_real_sources_pass_blenders_own_checker(blender_python: Path, tmp_path: Path, wheels: Wheels) -> None:
    (package,) = build(tmp_path, None, wheels, PackageKind.EXTENSION)
    find = "import importlib.util as u, pathlib; print(pathlib.Path(u.find_spec('bpy').origin).parent)"
    found = subprocess.run([str(blender_python), "-c", find], capture_output=True, text=True, check=True)
    (checker,) = Path(found.stdout.strip()).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    command = [str(blender_python), str(checker), "validate", str(package.path)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_real_sources_are_packed_without_the_installer_and_without_caches(tmp_path: Path, wheels: Wheels) -> None:
    (package,) = build(tmp_path, None, wheels, PackageKind.EXTENSION)
    packed = set(zipfile.ZipFile(package.path).namelist())
    source = find_addon_source()
    modules = {path.relative_to(source).as_posix() for path in source.rglob("*.py")} - {"installer.py"}
    assert {name for name in packed if not name.startswith("wheels/")} - modules == {"LICENSE", "blender_manifest.toml"}
    assert modules <= packed


@pytest.mark.parametrize(
    ("path", "pattern", "excluded"),
    [
        ("panels/__pycache__/a.pyc", "__pycache__/", True),
        ("__pycache__", "__pycache__/", False),
        ("a/b.pyc", "*.pyc", True),
        ("old.zip", "/*.zip", True),
        ("examples/old.zip", "/*.zip", False),
        ("tests/a.py", "/tests/", True),
        ("scene/tests/a.py", "/tests/", False),
        (".git/config", ".*", True),
        ("panels/status.py", "status", False),
    ],
)
def test_what_a_pattern_excludes(path: str, pattern: str, excluded: bool) -> None:
    assert is_excluded(path, [pattern]) is excluded


class TestBadInput:
    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path: Path, source: Path, wheels: Wheels) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(PackagingError, match=r"file.*cannot be written.*--out"):
            build(tmp_path / "file" / "out", source, wheels)

    def test_a_wrong_manifest_stops_the_build(self, tmp_path: Path, source: Path, wheels: Wheels) -> None:
        manifest = source / "blender_manifest.toml"
        manifest.write_text(manifest.read_text().replace("3D shapes", "3D shapes."))
        with pytest.raises(PackagingError, match=r"tagline is 'Generate 3D shapes\.'"):
            build(tmp_path / "out", source, wheels)
        assert not (tmp_path / "out").exists()

    def test_an_init_without_a_place_for_bl_info_stops_the_build(
        self, tmp_path: Path, source: Path, wheels: Wheels
    ) -> None:
        (source / "__init__.py").write_text("def register(): pass\n")
        with pytest.raises(PackagingError, match="no place for bl_info"):
            build(tmp_path / "out", source, wheels, PackageKind.LEGACY)

    def test_a_failed_build_leaves_the_zip_of_before(self, tmp_path: Path, source: Path, wheels: Wheels) -> None:
        (package,) = build(tmp_path / "out", source, wheels, PackageKind.LEGACY)
        before = package.path.read_bytes()
        next(wheels[0].glob("*cp310*")).write_bytes(b"damaged")
        with pytest.raises(PackagingError, match="not the file that was pinned"):
            build(tmp_path / "out", source, wheels, PackageKind.LEGACY)
        assert package.path.read_bytes() == before


def test_an_installed_backend_builds_the_same_zips(
    checkout: Path, tmp_path: Path, wheels: Wheels, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(tmp_path)]
    subprocess.run([*pip, str(checkout)], check=True, timeout=300)
    (wheel,) = tmp_path.glob("unrender-*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    code = (
        "import json, sys; from pathlib import Path; from unrender.packaging import build, build_packages;"
        "print(build.__file__); pinned = json.loads(sys.argv[3]);"
        "print([p.sha256 for p in build_packages(Path(sys.argv[1]), None, Path(sys.argv[2]), None, pinned)])"
    )
    arguments = [str(tmp_path / "out"), str(wheels[0]), json.dumps(dict(wheels[1]))]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    run = [sys.executable, "-c", code, *arguments]
    answer = subprocess.run(run, env=environment, capture_output=True, text=True, check=True, timeout=120)
    place, hashes = answer.stdout.splitlines()
    assert Path(place).is_relative_to(tmp_path)
    assert ast.literal_eval(hashes) == [package.sha256 for package in build(tmp_path / "here", None, wheels)]
