# SPDX-License-Identifier: Apache-2.0
"""The source tree of the add-on: beside the checkout's backend, or carried by the installed package."""

import fnmatch
from collections.abc import Sequence
from pathlib import Path

from unrender.errors import PackagingError

MANIFEST = "blender_manifest.toml"


def find_addon_source() -> Path:
    """Return the folder of `blender_addon`. Raises PackagingError where there is none."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parents[1] / "blender_addon", package.parent / "unrender_blender_addon" / "blender_addon"):
        if (folder / MANIFEST).is_file():
            return folder
    raise PackagingError(
        "The add-on's source is neither beside the backend nor in the installed package.",
        "Install unrender again with pip.",
    )


def read_source(folder: Path, exclude: Sequence[str]) -> dict[str, bytes]:
    """The add-on's files by their path, without the manifest and without what `exclude` matches.

    Args:
        exclude: the manifest's `paths_exclude_pattern`, see `is_excluded`.
    """
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: path.read_bytes() for name, path in paths.items() if name != MANIFEST and not is_excluded(name, exclude)
    }


def is_excluded(path: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern matches the file, in the part of gitignore's grammar that Blender's builder shares.

    A slash in front ties the pattern to the root, a slash at the end makes it match folders only; `*` and `?` stay
    within one name.
    """
    names = path.split("/")
    for pattern in patterns:
        candidates = names[:-1] if pattern.endswith("/") else names
        wanted = pattern.rstrip("/")
        if wanted.startswith("/"):
            candidates, wanted = candidates[:1], wanted[1:]
        if any(fnmatch.fnmatchcase(name, wanted) for name in candidates):
            return True
    return False
