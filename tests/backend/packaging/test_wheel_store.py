# SPDX-License-Identifier: Apache-2.0
"""Wheels come from pip once, are what was pinned, and are used again; every failure is one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from unrender.errors import PackagingError
from unrender.packaging.wheel_store import collect_wheels

Wheels = tuple[Path, Mapping[str, str]]


@pytest.fixture
def index(wheels: Wheels, monkeypatch: pytest.MonkeyPatch) -> Wheels:
    """pip finds the wheels in a folder, and asks no network."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels[0]))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return wheels


def one_of(pinned: Mapping[str, str], part: str) -> dict[str, str]:
    name = next(name for name in pinned if part in name)
    return {name: pinned[name]}


def test_pip_fetches_wheels_of_other_systems_and_they_are_kept(
    index: Wheels, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, pinned = index
    collected = collect_wheels(["cp313"], pinned=pinned)
    assert [path.name for path in collected] == [name for name in sorted(pinned) if "-cp313-" in name or "abi3" in name]
    assert {path.parent for path in collected} == {home / "wheels"}

    def no_second_call(*_: object, **__: object) -> None:
        raise AssertionError("pip was called although nothing is missing")

    monkeypatch.setattr("unrender.packaging.wheel_store.subprocess.run", no_second_call)
    assert collect_wheels(["cp313"], pinned=pinned) == collected


def test_without_network_and_cache_it_says_what_pip_says(
    index: Wheels, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    with pytest.raises(PackagingError, match=r"cannot be downloaded: pip says: No matching.*--wheels"):
        collect_wheels(["cp310"], pinned=index[1])


def test_a_wheel_that_is_not_the_pinned_one_is_refused_and_removed_from_the_store(index: Wheels, home: Path) -> None:
    pinned = one_of(index[1], "cp310-win_amd64")
    (name,) = pinned
    with pytest.raises(PackagingError, match=rf"{name} is not the file that was pinned.*expected 000"):
        collect_wheels(["cp310"], pinned={name: "000"})
    assert not (home / "wheels" / name).exists()
    assert [path.name for path in collect_wheels(["cp310"], pinned=pinned)] == [name]


def test_a_wrong_wheel_of_the_user_is_refused_and_left_alone(wheels: Wheels) -> None:
    folder, pinned = wheels
    path = folder / next(name for name in pinned if "cp310" in name)
    path.write_bytes(b"something else")
    with pytest.raises(PackagingError, match="Replace it"):
        collect_wheels(["cp310"], folder, pinned)
    assert path.read_bytes() == b"something else"


def test_a_folder_that_lacks_a_wheel_names_it(wheels: Wheels) -> None:
    folder, pinned = wheels
    name = next(name for name in sorted(pinned) if "cp310" in name)
    (folder / name).unlink()
    with pytest.raises(PackagingError, match=rf"lacks 1 of \d+ wheels, {name} first"):
        collect_wheels(["cp310"], folder, pinned)


def test_a_store_that_cannot_be_made_is_named(index: Wheels, home: Path) -> None:
    home.write_text("a file where the folder should be")
    with pytest.raises(PackagingError, match="UNRENDER_HOME"):
        collect_wheels(["cp310"], pinned=index[1])


def test_pip_that_cannot_run_is_a_sentence(index: Wheels, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrender.packaging.wheel_store.sys.executable", "no/such/python")
    with pytest.raises(PackagingError, match="FileNotFoundError"):
        collect_wheels(["cp310"], pinned=index[1])
