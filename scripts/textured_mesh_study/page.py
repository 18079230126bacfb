# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/results/textured_mesh_gan.md, from the figures that the trainings left."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from scripts.studies.runner import Study
from scripts.studies.tables import Figures, Value, figures_table, fill_marks
from scripts.textured_mesh_study.cells import Cell
from unrender.training.sheet_grid import GAP, grid_cells

_LABEL = 190  # pixels left of a row of samples


def _by(name: str) -> Value:
    return lambda figures: figures.get(name)


# By the headings of the tables: the figure, and its decimal places.
VALUES: dict[str, tuple[Value, int]] = {
    "KID": (_by("kid"), 4),
    "share of the frame": (_by("mask_area"), 3),
    "depth over width": (_by("depth_range"), 2),
    "hollowness": (_by("hollowness"), 2),
    "change with the view": (_by("view_variance"), 4),
    "identity": (_by("identity_share"), 2),
    "IoU": (_by("shape_iou"), 3),
    "sphere's": (_by("shape_iou_sphere"), 3),
    "error of depth": (_by("shape_depth_error"), 4),
    "the sphere's": (_by("shape_depth_error_sphere"), 4),
}


def write_page(study: Study, cells: Sequence[Cell], page: Path) -> None:
    """Fill the marked places of a Markdown page, `<!-- ablations PRESET-IMAGES apples -->` to `<!-- end -->`, and put
    what they rest on beside it.

    A mark names a table, the scale and the pictures, for a table of all `VALUES`; or a table, the scale and `sheets`;
    or `diverged` and the scale. Text outside the marks stays.
    """
    figures = study.figures()
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{study.preset}-{study.images}"
    shutil.copy(study.figures_path, folder / f"{name}.jsonl")

    def fill(mark: str) -> str | None:
        what, scale, *rest = mark.split()
        if scale != name:
            return None
        if what == "diverged":
            return diverged(cells, figures)
        if rest == ["sheets"]:
            picture = folder / f"{name}-{what}.png"
            if not write_sheets(study, cells, what, picture):
                return "Not run."
            return f"![A sample of every training of this table]({folder.name}/{picture.name})"
        return figures_table(cells, figures, what, rest[0], VALUES)

    fill_marks(page, fill)


def diverged(cells: Sequence[Cell], figures: Figures) -> str:
    """What the trainings that were stopped said, as a list."""
    said = {cell.training: figures.get(cell.training, {}).get("diverged", "") for cell in cells}
    lines = [f"- {cell.row}, {cell.column}, seed {cell.seed}: {said[cell.training]}" for cell in cells]
    return "\n".join(line for cell, line in zip(cells, lines, strict=True) if said[cell.training]) or "None."


def write_sheets(study: Study, cells: Sequence[Cell], name: str, picture: Path) -> bool:
    """The first row of the last sheet of every training of a table, of the first seed; whether there is any."""
    rows = []
    for cell in cells:
        sheet = study.folder / "sheets" / f"{cell.training}.png"
        if (cell.table, cell.seed) == (name, 0) and sheet.is_file():
            rows.append((f"{cell.column}, {cell.row}", grid_cells(np.array(Image.open(sheet).convert("RGB")))[0]))
    if not rows:
        return False
    height = rows[0][1][0].shape[0]
    canvas = Image.new("RGB", (_LABEL + len(rows[0][1]) * (height + GAP), len(rows) * (height + GAP)), "white")
    draw = ImageDraw.Draw(canvas)
    for index, (label, tiles) in enumerate(rows):
        top = index * (height + GAP)
        draw.text((6, top + height // 2 - 6), label, fill="black")
        for place, tile in enumerate(tiles):
            canvas.paste(Image.fromarray(tile), (_LABEL + place * (height + GAP), top))
    canvas.save(picture)
    return True
