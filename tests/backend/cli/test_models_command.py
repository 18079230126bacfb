# SPDX-License-Identifier: Apache-2.0
"""The list of models."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Unrender = Callable[..., Any]


def test_a_run_is_listed_shown_and_removed(unrender: Unrender, model: Path) -> None:
    listed = json.loads(unrender("models", "list", "--json").out)["models"]
    (summary,) = [entry for entry in listed if entry["name"] == "stools-8"]
    assert summary["method"] == "voxel_gan"
    assert len(summary["hash"]) == 16
    assert "stools-8" in unrender("models", "list").out
    assert "description: Stools for tests" in unrender("models", "show", "stools-8").out
    assert json.loads(unrender("models", "show", model, "--json").out) == summary

    assert unrender("models", "remove", "stools-8", "--yes").code == 0
    assert not model.exists()
    assert "stools-8" not in unrender("models", "list").out


def test_a_run_elsewhere_is_not_removed(unrender: Unrender, model: Path, tmp_path: Path) -> None:
    elsewhere = model.rename(tmp_path / "stools-8")
    outcome = unrender("models", "remove", elsewhere, "--yes")
    assert outcome.code == 1
    assert "is not one of the runs in" in outcome.err
    assert (elsewhere / "model.safetensors").exists()


def test_an_unknown_model(unrender: Unrender) -> None:
    outcome = unrender("models", "show", "sofas")
    assert outcome.code == 1
    assert "no model 'sofas'" in outcome.err
