# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/results/textured_mesh_gan.md, from the figures that the trainings left."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from scripts.studies.runner import Study
from scripts.studies.tables import Figures, Value, fill_marks, table
from scripts.textured_mesh_study.cells import Cell
from unrender.training.sheet_grid import GAP, grid_cells

_LABEL = 190  # pixels left of a row of samples


def _by(name: str) -> Value:
    return lambda figures: figures.get(name)


# By the words that the page marks a table with: the figure, and its decimal places.
VALUES: dict[str, tuple[Value, int]] = {
    "kid": (_by("kid"), 4),
    "fid": (_by("fid"), 2),
    "precision": (_by("precision"), 2),
    "recall": (_by("recall"), 2),
    "mask-area": (_by("mask_area"), 3),
    "depth-range": (_by("depth_range"), 2),
    "hollowness": (_by("hollowness"), 2),
    "view-variance": (_by("view_variance"), 4),
    "identity-share": (_by("identity_share"), 2),
    "identity-recall": (_by("identity_recall"), 2),
    "view-turn": (_by("view_turn_degrees"), 0),
    "depth-error": (_by("shape_depth_error"), 4),
    "depth-error-sphere": (_by("shape_depth_error_sphere"), 4),
    "iou": (_by("shape_iou"), 3),
    "iou-sphere": (_by("shape_iou_sphere"), 3),
    "mmd-iou": (_by("set_mmd_iou"), 3),
    "mmd-iou-sphere": (_by("set_sphere_iou"), 3),
    "minutes": (_by("minutes"), 1),
}


def write_page(study: Study, cells: Sequence[Cell], page: Path) -> None:
    """Fill the marked places of a Markdown page, `<!-- ablations PRESET-IMAGES kid -->` to `<!-- end -->`, and put what
    they rest on beside it.

    A mark names a table, the scale and a figure of `VALUES`; or a table, the scale and `sheets`; or `diverged` and the
    scale. Text outside the marks stays.
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
        return table(cells, figures, what, *VALUES[rest[0]])

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
