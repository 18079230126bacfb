# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/results/textured_mesh_gan.md, from the figures that the trainings left."""

from collections.abc import Sequence
from pathlib import Path

from scripts.studies.pages import fill_page, scale, write_sheets
from scripts.studies.runner import Study
from scripts.studies.tables import Figures, Value, figures_table
from scripts.textured_mesh_study.cells import Cell


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
    """Fill the marked places of a Markdown page, `<!-- ablations PRESET-IMAGES apples -->` to `<!-- end -->`.

    A mark names a table, the scale and the pictures, for a table of all `VALUES`; or a table, the scale and `sheets`;
    or `diverged` and the scale.
    """
    figures = study.figures()

    def fill(what: str, more: Sequence[str]) -> str:
        if what == "diverged":
            return diverged(cells, figures)
        if list(more) != ["sheets"]:
            return figures_table(cells, figures, what, more[0], VALUES)
        picture = page.with_suffix("") / f"{scale(study)}-{what}.png"
        rows = [(f"{cell.column}, {cell.row}", cell.training) for cell in cells if (cell.table, cell.seed) == (what, 0)]
        if not write_sheets(study, rows, picture):
            return "Not run."
        return f"![A sample of every training of this table]({picture.parent.name}/{picture.name})"

    fill_page(study, page, fill)


def diverged(cells: Sequence[Cell], figures: Figures) -> str:
    """What the trainings that were stopped said, as a list."""
    said = {cell.training: figures.get(cell.training, {}).get("diverged", "") for cell in cells}
    lines = [f"- {cell.row}, {cell.column}, seed {cell.seed}: {said[cell.training]}" for cell in cells]
    return "\n".join(line for cell, line in zip(cells, lines, strict=True) if said[cell.training]) or "None."
