# SPDX-License-Identifier: Apache-2.0
"""`unrender addon`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.backend.cli.conftest import Outcome
from unrender.packaging import BuiltPackage, PackageKind, installation

Unrender = Callable[..., Outcome]


@pytest.fixture
def outcomes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets every Blender end in turn like this."""

    def become(*done: bool) -> None:
        results = [installation.Outcome(f"blender{i}", "4.5.0", ok, "said this") for i, ok in enumerate(done)]
        monkeypatch.setattr(installation, "install", lambda *_: results)
        monkeypatch.setattr(installation, "uninstall", lambda *_: results)

    return become


@pytest.mark.parametrize("command", ["install", "uninstall"])
@pytest.mark.parametrize(("done", "code"), [((True, True), 0), ((True, False), 3), ((False, False), 1)])
def test_the_exit_code_tells_all_some_or_none(
    unrender: Unrender, outcomes: Callable[..., None], command: str, done: tuple[bool, ...], code: int
) -> None:
    outcomes(*done)
    result = unrender("addon", command, "--blender", "blender")
    assert result.code == code
    assert result.out.splitlines() == [f"Blender 4.5.0 (blender{i}): said this." for i in range(2)]


def test_the_outcomes_as_json(unrender: Unrender, outcomes: Callable[..., None]) -> None:
    outcomes(True)
    result = unrender("addon", "install", "--blender", "blender", "--json")
    expected = {"program": "blender0", "version": "4.5.0", "ok": True, "message": "said this"}
    assert json.loads(result.out) == {"blenders": [expected]}


def test_no_blender_says_how_to_go_on(unrender: Unrender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unrender.renderers.off_the_shelf.discovery.find_executables", list)
    result = unrender("addon", "install")
    assert result.code == 1
    assert "No Blender was found" in result.err
    assert "addon build --out DIR" in result.err


def test_every_blender_that_is_found_is_served(
    unrender: Unrender, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served: list[str] = []
    monkeypatch.setattr("unrender.renderers.off_the_shelf.discovery.find_executables", lambda: ["a", "b"])
    monkeypatch.setattr(installation, "uninstall", lambda blenders: served.extend(blenders) or [])
    unrender("addon", "uninstall")
    assert served == ["a", "b"]


def test_built_zips_are_told_with_size_and_hash(
    unrender: Unrender, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built = BuiltPackage(PackageKind.LEGACY, tmp_path / "a.zip", "0.1.0", 7_200_000, "ab" * 32)
    monkeypatch.setattr("unrender.cli.addon.build_packages", lambda *_: [built])
    assert unrender("addon", "build", "--out", tmp_path).out == f"{tmp_path / 'a.zip'}  7.2 MB  sha256 {'ab' * 8}\n"
    (package,) = json.loads(unrender("addon", "build", "--out", tmp_path, "--json").out)["packages"]
    assert package == {
        "kind": "legacy",
        "path": str(tmp_path / "a.zip"),
        "version": "0.1.0",
        "bytes": 7_200_000,
        "sha256": "ab" * 32,
    }


def test_a_folder_without_wheels_is_one_sentence(unrender: Unrender, tmp_path: Path) -> None:
    result = unrender("addon", "build", "--out", tmp_path / "out", "--wheels", tmp_path)
    assert result.code == 1
    assert f"{tmp_path} lacks" in result.err
    assert "Traceback" not in result.err


def test_an_unknown_kind_is_wrong_usage(unrender: Unrender, tmp_path: Path) -> None:
    assert unrender("addon", "build", "--out", tmp_path, "--only", "wheel").code == 2
