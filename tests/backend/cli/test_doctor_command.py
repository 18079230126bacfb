# SPDX-License-Identifier: Apache-2.0
"""What doctor finds, and that no engine can take it down."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unrender.cli import diagnosis
from unrender.cli.engine_probe import EngineReport, probe_engine

Unrender = Callable[..., Any]


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> dict[str, EngineReport]:
    """What the probes of the engines say; doctor finds a Blender that is not run."""
    from unrender.renderers.off_the_shelf import discovery

    reports = {engine: EngineReport(engine, "module 5.0.1", 1.5) for engine in ("cycles", "eevee", "workbench")}
    reports["opengl"] = EngineReport("opengl", seconds=0.5, device="a graphics card")
    monkeypatch.setattr(diagnosis, "probe_engine", lambda engine: reports[engine])
    blender = discovery.BlenderInstallation("module", ("python",), "5.0.1")
    monkeypatch.setattr(discovery, "find_blender", lambda: blender)
    return reports


def findings(outcome: Any) -> dict[str, dict[str, Any]]:
    return {finding["name"]: finding for finding in json.loads(outcome.out)["findings"]}


def test_everything_works(unrender: Unrender, model: Path, engines: dict[str, EngineReport]) -> None:
    outcome = unrender("doctor", "--json")
    found = findings(outcome)
    assert outcome.code == 0, outcome.out
    assert json.loads(outcome.out)["works"] is True
    assert found["packages"]["facts"]["torch"] == found["torch"]["facts"]["version"]
    assert "stools-8" in found["models"]["facts"]["models"]
    assert found["cycles"]["facts"]["seconds"] == 1.5
    assert found["opengl"]["facts"] == {"seconds": 0.5, "device": "a graphics card"}
    assert found["data home"]["facts"]["free_bytes"] > 0
    assert found["server"]["facts"]["address"] is None
    assert found["device"]["facts"]["kind"] in ("cpu", "cuda", "mps")


def test_an_optional_engine_that_fails_is_advice(unrender: Unrender, engines: dict[str, EngineReport]) -> None:
    engines["eevee"] = EngineReport("eevee", problem="ended its process (exit code -6)")
    outcome = unrender("doctor")
    assert outcome.code == 0
    assert "--  eevee: ended its process (exit code -6)" in outcome.out
    assert "ok  cycles" in outcome.out


def test_missing_opengl_is_advice(unrender: Unrender, engines: dict[str, EngineReport]) -> None:
    engines["opengl"] = EngineReport("opengl", problem="No OpenGL.", hint="Install a driver.")
    outcome = unrender("doctor")
    assert outcome.code == 0
    assert "--  opengl: No OpenGL.\n      Install a driver." in outcome.out


def test_cycles_is_essential(unrender: Unrender, engines: dict[str, EngineReport]) -> None:
    engines["cycles"] = EngineReport("cycles", problem="rendered nothing", hint="Install another Blender.")
    outcome = unrender("doctor")
    assert outcome.code == 1
    assert "!!  cycles: rendered nothing\n      Install another Blender." in outcome.out


def test_no_blender_is_named_with_what_to_do(
    unrender: Unrender, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UNRENDER_BLENDER", str(tmp_path / "blender"))
    monkeypatch.setattr(diagnosis, "_CHECKS", {"blender": diagnosis._blender})
    outcome = unrender("doctor", "--json")
    assert outcome.code == 1
    (finding,) = json.loads(outcome.out)["findings"]
    assert str(tmp_path / "blender") in finding["detail"]
    assert finding["advice"]


def test_a_data_home_that_cannot_be_written(unrender: Unrender, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    home.write_text("a file where the folder should be")
    monkeypatch.setattr(diagnosis, "_CHECKS", {"data home": diagnosis._data_home})
    outcome = unrender("doctor")
    assert outcome.code == 1
    assert "cannot be written" in outcome.out
    assert "Set UNRENDER_HOME" in outcome.out


def test_a_check_that_fails_hides_no_other(unrender: Unrender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "_CHECKS", {"first": lambda: 1 // 0, "data home": diagnosis._data_home})
    found = findings(unrender("doctor", "--json"))
    assert found["first"]["state"] == "broken"
    assert found["data home"]["state"] == "works"


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("kill -ABRT $$", "ended its process (exit code -6)"),
        ("exit 3", "ended its process (exit code 3)"),
        ("sleep 60", "did not render one small image within 1 s"),
        ('echo noise; echo \'{"engine": "eevee", "problem": "no driver"}\'; echo more; kill -SEGV $$', "no driver"),
    ],
)
def test_an_engine_that_dies_or_hangs_is_a_report(
    script: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text(f"#!/bin/sh\n{script.replace('sleep', 'exec sleep')}\n")
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    report = probe_engine("eevee", seconds=1.0)
    assert not report.works
    assert report.problem == problem


def test_cycles_renders_the_probe(blender_python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNRENDER_BLENDER", str(blender_python))
    report = probe_engine("cycles")
    assert report.works, report
    assert report.blender.startswith("module ")
    assert report.seconds > 0


def test_opengl_renders_the_probe_without_a_blender(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNRENDER_BLENDER", str(tmp_path / "missing"))
    report = probe_engine("opengl")
    assert report.works, report
    assert report.device
    assert report.blender == ""
