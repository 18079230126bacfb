# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for models and data sets that nobody has taken yet. No bpy."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from pathlib import PurePath

LONGEST = 48


def name_from_folder(folder: str, fallback: str) -> str:
    """What a folder is called, as a name: letters, digits, - and _. `Äpfel (2)/` -> `apfel-2`."""
    plain = unicodedata.normalize("NFKD", PurePath(folder.replace("\\", "/").rstrip("/")).name)
    words = re.findall(r"[a-z0-9]+", plain.encode("ascii", "ignore").decode().lower())
    return "-".join(words)[:LONGEST].strip("-") or fallback


def free_name(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or with the first number behind it that makes it free: `plums`, `plums-2`, `plums-3`."""
    if wanted not in taken:
        return wanted
    stem = re.sub(r"-\d+$", "", wanted)
    return next(name for number in range(2, len(taken) + 3) if (name := f"{stem}-{number}") not in taken)


def plural(noun: str) -> str:
    """`chair` -> `chairs`, `couch` -> `couches`; `cubes` stays."""
    if noun.endswith("s"):
        return noun
    return noun + ("es" if noun.endswith(("ch", "sh", "x")) else "s")
