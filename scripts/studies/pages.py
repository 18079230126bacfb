# SPDX-License-Identifier: Apache-2.0
"""Fills a Markdown page from a study: its tables, and a picture of its samples."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from scripts.studies.runner import Study
from scripts.studies.tables import fill_marks
from unrender.training.sheet_grid import GAP, grid_cells

_LABEL = 190  # pixels left of a row of samples


def fill_page(study: Study, page: Path, fill: Callable[[str, Sequence[str]], str]) -> None:
    """Put text at the marks of a page that are this study's, and the figures which it rests on beside the page.

    fill: of a mark `<!-- WHAT PRESET-IMAGES MORE ... -->`, WHAT and the words after the scale. Marks of another scale,
    and the text outside of marks, stay.
    """
    name = scale(study)
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(study.figures_path, folder / f"{name}.jsonl")

    def filled(mark: str) -> str | None:
        what, of, *more = mark.split()
        return fill(what, more) if of == name else None

    fill_marks(page, filled)


def scale(study: Study) -> str:
    """What the marks of a study are known by, and its files."""
    return f"{study.preset}-{study.images}"


def write_sheets(study: Study, rows: Sequence[tuple[str, str]], picture: Path) -> bool:
    """A picture with a row for each training that left a sheet: the first row of its last one, beside a label. Whether
    there was any.

    rows: labels and names of trainings.
    """
    sheets = [(label, study.folder / "sheets" / f"{training}.png") for label, training in rows]
    shown = [
        (label, grid_cells(np.array(Image.open(sheet).convert("RGB")))[0]) for label, sheet in sheets if sheet.is_file()
    ]
    if not shown:
        return False
    height = shown[0][1][0].shape[0]
    canvas = Image.new("RGB", (_LABEL + len(shown[0][1]) * (height + GAP), len(shown) * (height + GAP)), "white")
    draw = ImageDraw.Draw(canvas)
    for index, (label, tiles) in enumerate(shown):
        top = index * (height + GAP)
        draw.text((6, top + height // 2 - 6), label, fill="black")
        for place, tile in enumerate(tiles):
            canvas.paste(Image.fromarray(tile), (_LABEL + place * (height + GAP), top))
    canvas.save(picture)
    return True
