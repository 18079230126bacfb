# SPDX-License-Identifier: Apache-2.0
"""One cell of the gradient study at toy size, and the page from it."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPTS)
    module = importlib.import_module("gradient_study")
    sizes = ("resolution=8", "image_size=16", "generator.channels=[8]", "discriminator.channels=[4,8]")
    tiny = module.Scale("iggan-16", 64, 16, ("renderer.kind=ray_march", *sizes))
    monkeypatch.setattr(module, "SCALES", {"16": tiny})
    for name, value in (("PICTURES", 16), ("EVALUATIONS", 2), ("AUDITS", (1, 2)), ("AUDITED", 4), ("EXACT", 1)):
        monkeypatch.setattr(module, name, value)
    return module


@pytest.mark.slow
def test_a_cell_is_run_once_and_the_page_shows_it(
    study: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["gradient_study.py", str(tmp_path / "runs"), "--cells", "16/chair/max/continuous+band/seed0"]
    monkeypatch.setattr(sys, "argv", arguments)
    study.main()
    record_path = tmp_path / "runs" / "16/chair/max/continuous+band/seed0" / study.RECORD
    record = json.loads(record_path.read_text(encoding="utf-8"))
    assert [point["images"] for point in record["curve"]] == [32, 64]
    assert record["exact"]["continuous+8 levels uniform"] <= 1.0
    written = record_path.stat().st_mtime_ns
    study.main()
    assert record_path.stat().st_mtime_ns == written  # finished cells are skipped

    page = importlib.import_module("gradient_study_page")
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "gradients.md").write_text("# Words\n<!-- kid -->\nold\n<!-- end -->\nmore\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["gradient_study_page.py", str(tmp_path / "runs"), str(docs)])
    page.main()
    text = (docs / "gradients.md").read_text(encoding="utf-8")
    assert "old" not in text
    assert "| max | continuous+band | 1 |" in text
    assert text.startswith("# Words\n")
    assert text.endswith("<!-- end -->\nmore\n")
    assert {path.name for path in (docs / "gradients").iterdir()} == {"kid_chair_16.png", "audit_chair_16.png"}
