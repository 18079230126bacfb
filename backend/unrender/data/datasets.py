# SPDX-License-Identifier: Apache-2.0
"""Rendered data sets by name: the folders under `datasets` in the data home, and what they say of themselves."""

import json
import re
from pathlib import Path
from typing import Any

from unrender.errors import DataError, UserError
from unrender.storage import data_home

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_RECORD = "dataset.json"  # what was asked for
_MANIFEST = "manifest.jsonl"  # what there is


class UnknownDatasetError(UserError):
    """No data set of that name."""

    tag = "unknown_dataset"


def datasets_home() -> Path:
    """The folder that holds the data sets of this user."""
    return data_home() / "datasets"


def list_datasets() -> list[str]:
    """The names of the data sets that can be trained on, sorted; one that is being rendered is not among them."""
    home = datasets_home()
    if not home.is_dir():
        return []
    return sorted(path.name for path in home.iterdir() if NAME.fullmatch(path.name) and _is_whole(path))


def find_dataset(name: str) -> Path:
    """The folder of a data set. A name is never taken for a path. Raises UnknownDatasetError."""
    known = list_datasets()
    if name not in known:
        raise UnknownDatasetError(
            f"There is no data set {name!r:.80}.",
            f"Known here: {', '.join(known)}." if known else "Render one first.",
        )
    return datasets_home() / name


def view_settings(folder: Path) -> dict[str, Any]:
    """The law of the data set's views as settings of a training by their dotted names; empty where it tells none.

    Raises DataError where the record is damaged.
    """
    try:
        plan = json.loads((folder / _RECORD).read_text(encoding="utf-8"))["plan"]
        law = {
            f"views.{name}": [float(plan[name][0]), float(plan[name][1])]
            for name in ("azimuth_degrees", "elevation_degrees")
            if name in plan
        }
        return law | ({"views.width": float(plan["width"])} if law else {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DataError(
            f"The record of the data set {folder.name!r} is damaged ({_RECORD}: {error}).", "Render it again."
        ) from error


def _is_whole(folder: Path) -> bool:
    return (folder / _RECORD).is_file() and (folder / _MANIFEST).is_file()
