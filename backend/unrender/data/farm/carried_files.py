# SPDX-License-Identifier: Apache-2.0
"""Files that a data set is made from, carried to machines that do not see this one's disk."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from unrender.errors import DataError

MOST_BYTES = 1024**3
_TEXTURES = (".png", ".jpg", ".jpeg", ".tga", ".bmp", ".tif", ".tiff", ".mtl", ".bin")


@dataclass(frozen=True, slots=True)
class CarriedTree:
    """A file or folder. names: how this machine's programs call it; files: content by path relative to `folder`;
    target: what stands at the name, relative to `folder` ("." for the folder itself)."""

    names: tuple[str, ...]
    files: dict[str, bytes]
    target: str

    @property
    def size(self) -> int:
        return sum(map(len, self.files.values()))


def carry(given: Iterable[str], most: int = MOST_BYTES) -> tuple[list[CarriedTree], list[str]]:
    """Read the files and folders that have these names; others are no paths, and ignored.

    A single mesh brings the pictures and materials that lie in its folder. Returns the trees, and the names of those
    with more than `most` bytes, which machines must see for themselves. Raises DataError for what cannot be read.
    """
    trees, large = [], []
    for name in dict.fromkeys(given):
        path = Path(name)
        if not path.exists():
            continue
        resolved = path.resolve()
        root = resolved if resolved.is_dir() else resolved.parent
        files = _read(_below(root) if resolved.is_dir() else _with_companions(resolved), root, most)
        if files is None:
            large.append(str(resolved))
        else:
            target = "." if resolved.is_dir() else resolved.name
            trees.append(CarriedTree(tuple(dict.fromkeys((name, str(path), str(resolved)))), files, target))
    return trees, large


def unpack(tree: CarriedTree, folder: Path) -> dict[str, str]:
    """Write the files below a new folder; returns where each name is then."""
    folder.mkdir(parents=True)
    for name, content in tree.files.items():
        relative = PurePosixPath(name)
        if relative.is_absolute() or ".." in relative.parts:
            raise DataError(f"A file cannot be carried as {name!r}.")
        path = folder.joinpath(*relative.parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {name: str(folder / tree.target) for name in tree.names}


def translate(name: str, places: dict[str, str]) -> str:
    """What was carried under this name, or lies in what was, as it is called here; other names stay."""
    for known, place in places.items():
        if name == known:
            return place
        for separator in {"/", os.sep}:
            if name.startswith(known + separator):
                return str(Path(place).joinpath(*PurePath(name[len(known) + 1 :]).parts))
    return name


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(parent) / name


def _with_companions(path: Path) -> Iterator[Path]:
    yield path
    for other in sorted(path.parent.iterdir()):
        if other != path and other.suffix.lower() in _TEXTURES and other.is_file():
            yield other


def _read(paths: Iterator[Path], root: Path, most: int) -> dict[str, bytes] | None:
    """Content by relative path; None as soon as it is too much."""
    files: dict[str, bytes] = {}
    left = most
    for path in paths:
        try:
            left -= path.stat().st_size
            if left < 0:
                return None
            files[path.relative_to(root).as_posix()] = path.read_bytes()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    return files
