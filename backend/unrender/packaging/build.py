# SPDX-License-Identifier: Apache-2.0
"""From one source tree to two zips: the extension for Blender 4.2 and newer, the add-on for 3.4 to 4.1."""

import hashlib
import pprint
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from unrender.atomic_file import write_atomically
from unrender.errors import PackagingError
from unrender.packaging.addon_source import MANIFEST, find_addon_source, read_source
from unrender.packaging.archives import pack, unpack
from unrender.packaging.manifest import build_manifest, check_manifest, read_manifest
from unrender.packaging.pinned_wheels import PINNED_WHEELS
from unrender.packaging.protocol_wheel import make_protocol_wheel
from unrender.packaging.wheel_names import WheelName, parse_wheel_name
from unrender.packaging.wheel_store import collect_wheels

LEGACY_FOLDER = "unrender"
OLDEST_BLENDER = (3, 4, 0)

Libraries = list[tuple[WheelName, bytes]]  # wheels, with their content

_START_OF_INIT = "from __future__ import annotations\n"


class PackageKind(StrEnum):
    """For which Blenders a zip is: EXTENSION 4.2 and newer, LEGACY 3.4 to 4.1."""

    EXTENSION = "extension"
    LEGACY = "legacy"

    @property
    def pythons(self) -> tuple[str, ...]:
        """The Pythons of those Blenders."""
        return ("cp311", "cp313") if self is PackageKind.EXTENSION else ("cp310", "cp311")


@dataclass(frozen=True, slots=True)
class BuiltPackage:
    """A zip on the disk; bytes: its size; sha256: of its content, in hex."""

    kind: PackageKind
    path: Path
    version: str
    bytes: int
    sha256: str


def build_packages(
    out: Path,
    only: PackageKind | None = None,
    wheels: Path | None = None,
    source: Path | None = None,
    pinned: Mapping[str, str] = PINNED_WHEELS,
) -> list[BuiltPackage]:
    """Build the zips into the folder `out`, which is made; the same input gives the same bytes.

    Args:
        only: one of the two kinds; None: both.
        wheels: folder with the pinned wheels; None: the store in the data home, filled from the network once.
        source: the add-on's folder; None: the one that belongs to this backend.
        pinned: file names and SHA-256 of the wheels; a part of them makes zips for a part of the computers.

    Raises:
        PackagingError: no source, a wrong manifest, no wheels, or a folder that cannot be written.
    """
    source = source or find_addon_source()
    manifest = read_manifest(source / MANIFEST)
    built = []
    for kind in (only,) if only else tuple(PackageKind):
        files = read_source(source, manifest.get("build", {}).get("paths_exclude_pattern", []))
        libraries = _libraries(kind, wheels, pinned)
        pack_up = _extension_files if kind is PackageKind.EXTENSION else _legacy_files
        data = pack(pack_up(files, manifest, libraries))
        path = out / f"{manifest['id']}-{manifest['version']}-{kind.value}.zip"
        try:
            write_atomically(path, partial(_write_readable, data))
        except OSError as error:
            raise PackagingError(f"{path} cannot be written ({error.strerror}).", "Choose another --out.") from error
        built.append(BuiltPackage(kind, path, manifest["version"], len(data), hashlib.sha256(data).hexdigest()))
    return built


def _write_readable(data: bytes, path: Path) -> None:
    path.write_bytes(data)
    path.chmod(0o644)  # a temporary file is its owner's alone; a package is for everybody


def _libraries(kind: PackageKind, folder: Path | None, pinned: Mapping[str, str]) -> Libraries:
    """The wheels that go into a zip, with the one of the protocol."""
    paths = collect_wheels(kind.pythons, folder, pinned)
    filename, content = make_protocol_wheel()
    read = [(parse_wheel_name(path.name), path.read_bytes()) for path in paths]
    return [*read, (parse_wheel_name(filename), content)]


def _extension_files(
    sources: Mapping[str, bytes], manifest: Mapping[str, Any], libraries: Libraries
) -> dict[str, bytes]:
    """Flat, with a manifest that names the wheels; Blender unpacks those that fit its Python and its system."""
    wheels = {f"wheels/{name.filename}": content for name, content in libraries}
    platforms = sorted({platform for name, _ in libraries for platform in name.blender_platforms})
    built = build_manifest(manifest, [f"./{path}" for path in wheels], platforms)
    files = {**sources, **wheels, MANIFEST: built}
    check_manifest(tomllib.loads(built.decode()), MANIFEST, list(files))
    return files


def _legacy_files(sources: Mapping[str, bytes], manifest: Mapping[str, Any], libraries: Libraries) -> dict[str, bytes]:
    """One folder with `bl_info`, and the libraries unpacked for each Python and system; see `bundled_libraries.py`."""
    files = {**sources, "__init__.py": _with_bl_info(sources["__init__.py"].decode(), manifest).encode()}
    for name, content in libraries:
        for path, data in unpack(content).items():
            files[f"libraries/{_library_folder(name)}/{path}"] = data
    return {f"{LEGACY_FOLDER}/{path}": data for path, data in files.items()}


def _library_folder(name: WheelName) -> str:
    """`any`, `cp310-linux-x64`, or `cp310-macos` for a wheel that serves both of its machines."""
    if name.is_pure:
        return "any"
    platforms = name.blender_platforms
    return f"{name.python}-{platforms[0] if len(platforms) == 1 else platforms[0].partition('-')[0]}"


def _with_bl_info(init: str, manifest: Mapping[str, Any]) -> str:
    """The add-on's `__init__.py` with the dictionary that Blender before 4.2 reads without running the file."""
    head, found, rest = init.partition(_START_OF_INIT)
    if not found:
        raise PackagingError("The add-on's __init__.py has no place for bl_info.", f"Start it with {_START_OF_INIT!r}")
    version = tuple(int(part) for part in manifest["version"].partition("-")[0].partition("+")[0].split("."))
    information = {
        "name": manifest["name"],
        "author": manifest["maintainer"],
        "version": version,
        "blender": OLDEST_BLENDER,
        "location": "3D View > Sidebar > Unrender",
        "description": manifest["tagline"],
        "category": "3D View",
    }
    # It has to start a line, and to end with an empty one.
    text = pprint.pformat(information, sort_dicts=False, width=110)
    return f"{head}{found}\nbl_info = {text}\n{rest}"
