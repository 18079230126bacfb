# SPDX-License-Identifier: Apache-2.0
"""Every mistake in a manifest is one sentence, and Blender's own checker agrees that it is one."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from unrender.errors import PackagingError
from unrender.packaging.manifest import build_manifest, check_manifest, manifest_mistakes, read_manifest

RIGHT: dict[str, Any] = {
    "schema_version": "1.0.0",
    "id": "unrender",
    "version": "0.1.0",
    "name": "Unrender",
    "tagline": "Generate 3D shapes",
    "maintainer": "Somebody",
    "type": "add-on",
    "blender_version_min": "4.2.0",
    "license": ["SPDX:GPL-3.0-or-later"],
    "permissions": {"network": "Talk to the generator"},
}
REQUIRED = [key for key in RIGHT if key != "permissions"]
BOTH_REFUSE = [
    pytest.param({"schema_version": "one"}, "expected 1.0.0", id="schema"),
    pytest.param({"id": "rt-ext"}, "a Python name", id="id-with-dash"),
    pytest.param({"id": "un__render"}, "single underscores", id="id-with-two-underscores"),
    pytest.param({"version": "0.1"}, "such as 1.2.3", id="short-version"),
    pytest.param({"tagline": "Generate 3D shapes."}, "without punctuation", id="tagline-with-full-stop"),
    pytest.param({"tagline": "x" * 65}, "at most 64", id="long-tagline"),
    pytest.param({"tagline": ""}, "at most 64", id="empty-tagline"),
    pytest.param({"name": " Unrender"}, "without blanks", id="name-with-blank"),
    pytest.param({"type": "plugin"}, "expected add-on", id="type"),
    pytest.param({"blender_version_min": "4.2"}, "three numbers", id="short-blender-version"),
    pytest.param({"license": []}, "SPDX", id="no-licence"),
    pytest.param({"copyright": ["Somebody"]}, "year and name", id="copyright-without-year"),
    pytest.param({"tags": []}, "a list of tags", id="no-tags"),
    pytest.param({"permissions": {"telepathy": "Read minds"}}, "a table of camera", id="unknown-permission"),
    pytest.param({"permissions": {"files": "Save meshes."}}, "without punctuation", id="permission-with-full-stop"),
    pytest.param({"wheels": ["./wheels/zmq.whl"]}, "zmq.whl is not named", id="wheel-name"),
    pytest.param({"wheels": [".\\wheels\\a-1-py3-none-any.whl"]}, "forward slashes", id="wheel-with-backslashes"),
]
ONLY_WE_REFUSE = [
    pytest.param({"license": ["GPL"]}, "SPDX:GPL-3.0-or-later", id="licence-without-spdx"),
    pytest.param({"platforms": ["amiga"]}, "linux-x64", id="unknown-platform"),
    pytest.param({"licence": ["SPDX:MIT"]}, "The key licence is not one that Blender knows", id="unknown-key"),
    pytest.param({"wheels": "a-1-py3-none-any.whl"}, "expected a list of paths", id="wheels-as-text"),
    pytest.param({"wheels": ["../a-1-py3-none-any.whl"]}, "inside the package", id="wheel-outside"),
]


@pytest.fixture(scope="session")
def accepted_by_blender(blender_python: Path) -> Callable[[Path], bool]:
    find = "import importlib.util as u, pathlib; print(pathlib.Path(u.find_spec('bpy').origin).parent)"
    found = subprocess.run([str(blender_python), "-c", find], capture_output=True, text=True, check=True)
    (checker,) = Path(found.stdout.strip()).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py")

    def accepted(folder: Path) -> bool:
        command = [str(blender_python), str(checker), "validate", str(folder)]
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0

    return accepted


def written(folder: Path, manifest: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").touch()
    (folder / "blender_manifest.toml").write_text(tomli_w.dumps(manifest))
    return folder


@pytest.mark.parametrize(("change", "sentence"), [*BOTH_REFUSE, *ONLY_WE_REFUSE])
def test_a_mistake_is_one_sentence(change: dict[str, Any], sentence: str) -> None:
    (mistake,) = manifest_mistakes({**RIGHT, **change})
    assert sentence in mistake
    assert mistake.endswith(".")


@pytest.mark.parametrize(("change", "sentence"), BOTH_REFUSE)
def test_blender_refuses_it_too(
    change: dict[str, Any], sentence: str, accepted_by_blender: Callable[[Path], bool], tmp_path: Path
) -> None:
    assert not accepted_by_blender(written(tmp_path / "addon", {**RIGHT, **change}))


def test_both_accept_the_right_one(accepted_by_blender: Callable[[Path], bool], tmp_path: Path) -> None:
    assert manifest_mistakes(RIGHT) == []
    assert accepted_by_blender(written(tmp_path / "addon", RIGHT))


@pytest.mark.parametrize("key", REQUIRED)
def test_a_missing_key_is_named(key: str) -> None:
    manifest = {name: value for name, value in RIGHT.items() if name != key}
    assert manifest_mistakes(manifest) == [f"The key {key} is missing."]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(PackagingError, match=r"here\.toml: id is .*version is "):
        check_manifest({**RIGHT, "id": "a-b", "version": "1"}, "here.toml")


def test_a_wheel_has_to_be_in_the_package() -> None:
    manifest = {**RIGHT, "wheels": ["./wheels/a-1-py3-none-any.whl"]}
    assert manifest_mistakes(manifest, ["wheels/a-1-py3-none-any.whl"]) == []
    (mistake,) = manifest_mistakes(manifest, ["__init__.py"])
    assert "is not in the package" in mistake


@pytest.mark.parametrize("text", ["id = ", "\xff"], ids=["toml", "encoding"])
def test_a_file_that_is_no_manifest_is_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "blender_manifest.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(PackagingError, match="cannot be read"):
        read_manifest(path)


def test_a_built_manifest_is_the_source_with_wheels_and_without_what_concerns_building() -> None:
    source = {**RIGHT, "build": {"paths_exclude_pattern": ["x"]}}
    built = tomllib.loads(build_manifest(source, ["./wheels/a-1-py3-none-any.whl"], ["linux-x64"]).decode())
    assert built == {**RIGHT, "wheels": ["./wheels/a-1-py3-none-any.whl"], "platforms": ["linux-x64"]}
