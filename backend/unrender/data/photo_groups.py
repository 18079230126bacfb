# SPDX-License-Identifier: Apache-2.0
"""Which photos show the same thing, and which things are kept for evaluation: split by thing, never by photo."""

import hashlib
import math
import re
from pathlib import PurePosixPath

from unrender.data.face_folders import is_thousands

_COUNTER = re.compile(r"[ _.\-]*\(?\d+\)?$")


def group_photos(sources: tuple[str, ...]) -> tuple[str, ...]:
    """The group of each photo, given paths relative to their folder with forward slashes.

    Where photos lie in several folders, a folder is a group; else photos whose names differ in the number at their end
    alone are one (`apple-7_012.jpg` and `apple-7_013.jpg`), unless that would make one group of all: then every photo
    is a group of its own, as it is in the folders of a thousand that FFHQ has.
    """
    if is_thousands(sources):
        return sources
    folders = tuple(PurePosixPath(source).parent.as_posix() for source in sources)
    if len(set(folders)) > 1:
        return folders
    names = tuple(PurePosixPath(source).stem for source in sources)
    prefixes = tuple(_COUNTER.sub("", name) for name in names)
    return prefixes if len(set(prefixes)) > 1 else names


def held_out_groups(groups: tuple[str, ...], share: float) -> frozenset[str]:
    """The groups to keep for evaluation: that share of them, rounded up, but never all; chosen by their names alone."""
    if not 0.0 <= share < 1.0:
        raise ValueError(f"held_out is {share}, but 0 to below 1 was expected")
    names = sorted(set(groups), key=lambda name: hashlib.sha256(name.encode()).digest())
    return frozenset(names[: min(math.ceil(share * len(names)), len(names) - 1)])
