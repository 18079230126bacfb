# SPDX-License-Identifier: Apache-2.0
"""The extension's manifest: read, checked against Blender's schema 1.0.0, and written for a build."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from unrender.errors import PackagingError
from unrender.packaging.wheel_names import parse_wheel_name

Manifest = Mapping[str, Any]

_LONGEST_LINE = 64
_PERMISSIONS = frozenset({"files", "network", "clipboard", "camera", "microphone"})
_PLATFORMS = frozenset({"linux-x64", "linux-arm64", "windows-x64", "windows-arm64", "macos-x64", "macos-arm64"})
_SEMANTIC_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_SPDX = re.compile(r"SPDX:[0-9A-Za-z][0-9A-Za-z.+-]*( (AND|OR|WITH) [0-9A-Za-z][0-9A-Za-z.+-]*)*")
_COPYRIGHT = re.compile(r"\d{4}(-\d{4})? \S.*")

Rule = Callable[[Any], str]  # returns what was expected, or nothing where the value is right


def read_manifest(path: Path) -> dict[str, Any]:
    """Read and check a source manifest.

    Raises:
        PackagingError: naming every mistake.
    """
    try:
        manifest = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PackagingError(f"{path} cannot be read: {error}.", "Correct it, or install unrender again.") from error
    check_manifest(manifest, str(path))
    return manifest


def check_manifest(manifest: Manifest, origin: str, files: Sequence[str] | None = None) -> None:
    """Raise PackagingError with all mistakes of a manifest, if it has any; see `manifest_mistakes`."""
    mistakes = manifest_mistakes(manifest, files)
    if mistakes:
        raise PackagingError(f"{origin}: {' '.join(mistakes)}", "Correct the manifest.")


def build_manifest(source: Manifest, wheels: Sequence[str], platforms: Sequence[str]) -> bytes:
    """The manifest of a build: the source's, with wheels and platforms, without what only concerns building."""
    kept = {key: value for key, value in source.items() if key != "build"}
    # Tables come last in TOML; the writer sees to that.
    return tomli_w.dumps({**kept, "platforms": list(platforms), "wheels": list(wheels)}).encode()


def manifest_mistakes(manifest: Manifest, files: Sequence[str] | None = None) -> list[str]:
    """One sentence for each mistake.

    Args:
        files: paths in the build; where given, the wheels have to be among them.
    """
    mistakes = []
    for key, rule in _REQUIRED.items():
        if key not in manifest:
            mistakes.append(f"The key {key} is missing.")
        elif expected := rule(manifest[key]):
            mistakes.append(f"{key} is {manifest[key]!r}; expected {expected}.")
    for key, rule in _OPTIONAL.items():
        if key in manifest and (expected := rule(manifest[key])):
            mistakes.append(f"{key} is {manifest[key]!r}; expected {expected}.")
    mistakes += [
        f"The key {key} is not one that Blender knows."
        for key in manifest
        if key not in _REQUIRED and key not in _OPTIONAL and key not in {"wheels", "build"}
    ]
    return mistakes + _wheel_mistakes(manifest.get("wheels", []), files)


def _wheel_mistakes(wheels: Any, files: Sequence[str] | None) -> list[str]:
    if not isinstance(wheels, list) or not all(isinstance(wheel, str) for wheel in wheels):
        return [f"wheels is {wheels!r}; expected a list of paths."]
    mistakes = []
    for wheel in wheels:
        if "\\" in wheel or wheel.startswith("/") or ".." in wheel.split("/"):
            mistakes.append(f"The wheel {wheel} is not a path with forward slashes inside the package.")
            continue
        try:
            parse_wheel_name(wheel.rsplit("/", 1)[-1])
        except ValueError as error:
            mistakes.append(f"The wheel {error}.")
        if files is not None and wheel.removeprefix("./") not in files:
            mistakes.append(f"The wheel {wheel} is not in the package.")
    return mistakes


def _text(value: Any) -> str:
    ok = isinstance(value, str) and value and value == value.strip() and value.isprintable()
    return "" if ok else "a line of text without blanks around it"


def _short_line(value: Any) -> str:
    ok = not _text(value) and len(value) <= _LONGEST_LINE and (value[-1].isalnum() or value[-1] in ")]}")
    return "" if ok else f"at most {_LONGEST_LINE} characters without punctuation at the end"


def _identifier(value: Any) -> str:
    ok = isinstance(value, str) and value.isidentifier() and "__" not in value and value == value.strip("_")
    return "" if ok else "a Python name with single underscores inside"


def _version(value: Any) -> str:
    return "" if isinstance(value, str) and _SEMANTIC_VERSION.fullmatch(value) else "a version such as 1.2.3"


def _blender_version(value: Any) -> str:
    ok = isinstance(value, str) and re.fullmatch(r"\d+\.\d+\.\d+", value)
    return "" if ok else "three numbers such as 4.2.0"


def _schema(value: Any) -> str:
    return "" if value == "1.0.0" else "1.0.0"


def _type(value: Any) -> str:
    return "" if value == "add-on" else "add-on"


def _list_of(is_right: Callable[[str], object], expected: str) -> Rule:
    def rule(value: Any) -> str:
        ok = isinstance(value, list) and value and all(isinstance(item, str) and is_right(item) for item in value)
        return "" if ok else expected

    return rule


def _permissions(value: Any) -> str:
    ok = isinstance(value, dict) and set(value) <= _PERMISSIONS and not any(map(_short_line, value.values()))
    names = ", ".join(sorted(_PERMISSIONS))
    return "" if ok else f"a table of {names}, each with a reason of {_short_line('')}"


_REQUIRED: Mapping[str, Rule] = {
    "schema_version": _schema,
    "id": _identifier,
    "version": _version,
    "name": _text,
    "tagline": _short_line,
    "maintainer": _text,
    "type": _type,
    "blender_version_min": _blender_version,
    "license": _list_of(_SPDX.fullmatch, "a list such as SPDX:GPL-3.0-or-later"),
}
_OPTIONAL: Mapping[str, Rule] = {
    "blender_version_max": _blender_version,
    "website": _text,
    "copyright": _list_of(_COPYRIGHT.fullmatch, "a list of year and name"),
    "tags": _list_of(str.strip, "a list of tags"),
    "platforms": _list_of(_PLATFORMS.__contains__, f"a list of {', '.join(sorted(_PLATFORMS))}"),
    "permissions": _permissions,
}
