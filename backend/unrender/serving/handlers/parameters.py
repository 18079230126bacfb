# SPDX-License-Identifier: Apache-2.0
"""What the parameters of several kinds of jobs are checked by; all raise ValueError with what was expected."""

import re
from collections.abc import Sequence
from typing import Any

from unrender.data.datasets import NAME

_KEY = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*")


def check_range(name: str, value: int | float, low: int | float, high: int | float) -> None:
    """Refuse a number outside of `low` to `high`."""
    if not low <= value <= high:  # written so that not-a-number fails too
        raise ValueError(f"{name} is {value}, but {low} to {high} was expected")


def check_shape(seed: int, variety: float) -> None:
    """Refuse what no generator is asked for."""
    check_range("seed", seed, 0, 2**31 - 1)
    check_range("variety", variety, 0.0, 2.0)


def check_mesh(threshold: float, smoothing: float, resolution: int, max_faces: int | None) -> None:
    """Refuse what no mesh is made with (see `unrender.meshing.MeshSettings`)."""
    check_range("threshold", threshold, 0.01, 0.99)
    check_range("smoothing", smoothing, 0.0, 1.0)
    check_range("resolution", resolution, 1, 2)
    if max_faces is not None:
        check_range("max_faces", max_faces, 100, 10_000_000)


def check_name(name: str, value: str) -> None:
    """Refuse what could be a path: a name becomes that of a folder."""
    if not NAME.fullmatch(value):
        raise ValueError(f"{name} is {value!r:.80}, but letters, digits, - and _ were expected")


def check_choice(name: str, value: str, known: Sequence[str]) -> None:
    """Refuse a word that is not on the list."""
    if value not in known:
        raise ValueError(f"{name} is {value!r:.80}, but one of {', '.join(known)} was expected")


def check_setting(key: str, value: Any) -> None:
    """Refuse what is no setting of a method by its dotted name."""
    if not _KEY.fullmatch(key) or toml_value(value) is None:
        raise ValueError(f"the override {key!r:.80} is not a setting with a number, a word or a list of them")


def toml_value(value: Any) -> str | None:
    """A setting's value in TOML, None if it may not be one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value) if abs(value) < 1e15 else None
    if isinstance(value, str):
        return f'"{value}"' if NAME.fullmatch(value) else None
    if isinstance(value, list | tuple):
        items = [toml_value(item) for item in value]
        return None if None in items else f"[{', '.join(item for item in items if item is not None)}]"
    return None
