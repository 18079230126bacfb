# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the add-on's ticks, small: every situation is measured in the Blender that is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from unrender.cli.benchmarks.addon_ticks import summarise
from unrender.cli.main import application


def test_every_situation_is_measured(blender_python: Path) -> None:
    options = ["--blender", str(blender_python), "--seconds", "1", "--jobs", "1", "--count", "2", "--resolution", "16"]
    ran = CliRunner().invoke(application, ["bench", "addon-ticks", "--json", *options])
    assert ran.exit_code == 0, ran.output
    report = json.loads(ran.stdout.splitlines()[-1])
    assert {"idle", "connected", "training streams", "import"} <= set(report["ticks"])
    assert report["ticks"]["import"]["count"] == 2
    assert report["window"] is False


def test_lengths_are_summarised_as_percentiles_and_counts() -> None:
    figures = summarise([1.0, 2.0, 3.0, 11.0, 16.0])
    assert figures == {"count": 5, "p50": 3.0, "p95": pytest.approx(15.0), "max": 16.0, "over_10": 2, "over_15": 1}
