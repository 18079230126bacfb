# SPDX-License-Identifier: Apache-2.0
"""The study behind docs/results/textured_mesh_gan.md: its cells, and the page that it fills."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.studies.runner import Study
from scripts.studies.tables import fill_marks
from scripts.textured_mesh_study.cells import ABLATIONS, TABLES, VIEWS, all_cells
from scripts.textured_mesh_study.page import write_page
from unrender.methods.textured_mesh_gan.config.settings import load_config
from unrender.training.sheet_grid import GAP_GREY

DATA = {"apples": Path("photos"), "mushrooms": Path("set")}


def test_every_cell_is_a_training_whose_settings_exist() -> None:
    cells = all_cells(DATA, 2)
    assert len(cells) == 2 * 2 * (len(ABLATIONS) + len(VIEWS))
    assert [cell.seed for cell in cells] == sorted(cell.seed for cell in cells), "every first seed before any second"
    whole = [cell for cell in cells if cell.row in ("full", "as of the pictures")]
    assert len({cell.training for cell in whole}) == 2 * 2, "both tables have it of one training"
    assert len({cell.training for cell in cells}) == len(cells) - len(whole) // 2
    for cell in cells:
        config = load_config("textured-photos-64", cell.settings)
        assert (config == load_config("textured-photos-64", (f"seed={cell.seed}",))) == (
            cell.row in ("full", "as of the pictures", "all round")
        )


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Two finished trainings, one of which was stopped."""
    made = Study(tmp_path / "study", "textured-photos-64", 20_000, (), "textured_mesh_gan")
    (made.folder / "sheets").mkdir(parents=True)
    full, none = (cell for cell in all_cells(DATA, 1) if cell.row in ("full", "no pyramid") and cell.column == "apples")
    lines = [
        {"training": full.training, "kid": 0.0123, "hollowness": 0.1, "diverged": ""},
        {"training": none.training, "kid": 0.5, "diverged": "Shapes are flat."},
    ]
    made.figures_path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    sheet = np.full((2 * 36 - 4, 3 * 36 - 4, 3), 200, np.uint8)
    sheet[32:36], sheet[:, 32:36], sheet[:, 68:72] = GAP_GREY, GAP_GREY, GAP_GREY
    Image.fromarray(sheet).save(made.folder / "sheets" / f"{full.training}.png")
    return made


def test_figures_go_to_their_marks_and_the_rest_stays(study: Study, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    scale = "textured-photos-64-20000"
    marks = [f"ablations {scale} apples", f"ablations {scale} sheets", f"diverged {scale}"]
    marks.append(f"views {scale} mushrooms")
    places = "\n\n".join(f"<!-- {mark} -->\nold\n<!-- end -->" for mark in [*marks, "other x y"])
    page.write_text(f"Words.\n\n{places}", encoding="utf-8")
    write_page(study, all_cells(DATA, 1), page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("Words.")
    assert "| | KID | hollowness |" in text, "figures that no training has are left out"
    assert "| full | 0.0123 | 0.10 |" in text
    assert "\n\nOne seed each.\n" in text
    assert "- no pyramid, apples, seed 0: Shapes are flat." in text
    assert f"<!-- views {scale} mushrooms -->\n\nNot run.\n" in text
    assert "<!-- other x y -->\nold\n" in text, "a mark of another scale"
    assert f"](page/{scale}-ablations.png)" in text
    assert (tmp_path / "page" / f"{scale}-ablations.png").is_file()
    assert (tmp_path / "page" / f"{scale}.jsonl").is_file()


def test_the_page_asks_for_what_there_is(checkout: Path) -> None:
    page = checkout / "docs" / "results" / "textured_mesh_gan.md"
    marks = re.findall(r"<!-- (\w[\w .-]*) -->\n.*?<!-- end -->", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(marks) > 8
    for mark in marks:
        what, _, *figure = mark.split()
        assert what in (*TABLES, "diverged")
        assert what == "diverged" or figure[0] in ("apples", "mushrooms", "cars", "sheets")


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Nothing here.\n", encoding="utf-8")
    fill_marks(page, lambda mark: "never")
    assert page.read_text(encoding="utf-8") == "Nothing here.\n"
