# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/results/iggan.md, from the figures that the trainings left."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from scripts.iggan_tables.cells import CLASSES, METHODS, RELATED, SETS, Cell
from scripts.studies.pages import fill_page, scale, write_sheets
from scripts.studies.runner import Study
from scripts.studies.tables import Figures, Value, table


def by_threshold_half(name: str) -> Value:
    """A metric at the threshold 0.5."""
    return lambda figures: figures.get(name)


def by_best_threshold(name: str) -> Value:
    """A metric at the threshold that was best on the validation split; pictures have no threshold."""
    return lambda figures: figures.get(f"{name}_best", figures.get(name))


def ordering(cells: Sequence[Cell], figures: Figures, value: Value) -> str:
    """The paper's claims, each with what was found, as a Markdown table; a claim whose cells are missing is open."""
    lines = ["| claim of the paper | here |", "|---|---|"]
    for claim, verdict in _claims(cells, figures, value):
        lines.append(f"| {claim} | {verdict} |")
    return "\n".join(lines)


def _claims(cells: Sequence[Cell], figures: Figures, value: Value) -> list[tuple[str, str]]:
    def means(*places: tuple[str, str, str]) -> tuple[float, ...] | None:
        """Of each (table, row, column), over the seeds that all of them have: one seed's luck is in all or in none."""
        by_seed = [
            {
                cell.seed: number
                for cell in cells
                if (cell.table, cell.row, cell.column) == place and cell.training in figures
                if (number := value(figures[cell.training])) is not None
            }
            for place in places
        ]
        seeds = set.intersection(*(set(found) for found in by_seed))
        return tuple(statistics.mean(found[seed] for seed in seeds) for found in by_seed) if seeds else None

    claims = []
    for baseline in list(METHODS)[1:]:
        verdicts = []
        for column in [f"{shapes} {data_set}" for shapes in CLASSES for data_set in SETS] + ["chair lvp"]:
            if both := means(("methods", "IG-GAN", column), ("methods", baseline, column)):
                verdicts.append((column, both[0] < both[1]))
        claims.append((f"IG-GAN beats {baseline} on every data set", _tally(verdicts)))
    for baseline in list(METHODS)[1:]:
        verdicts = []
        for shapes in CLASSES:
            places = [
                ("methods", row, f"{shapes} {size}") for size in ("unlimited", "500") for row in ("IG-GAN", baseline)
            ]
            if four := means(*places):
                verdicts.append((shapes, four[3] / four[2] > four[1] / four[0]))
        claims.append((f"The lead over {baseline}, as a ratio, grows from unlimited to 500", _tally(verdicts)))
    for path in ("continuous", "threshold-conditioned", "straight-through"):
        found = []
        for shapes in ("chair", "bathtub"):
            if both := means(*(("matching", row, f"{shapes} {path}") for row in ("full", "no DOM"))):
                found.append(f"{shapes}: {both[1] / both[0]:.2f} times the full recipe's")
        claims.append((f"Without DOM clearly worse, {path} gradients", "; ".join(found) or "not run"))
    found, frozen = [], []
    for shapes in ("chair", "bathtub"):
        tables = "related class" if RELATED[shapes] == "table" else "tables"
        if both := means(*(("proxy", row, f"{shapes} trained on") for row in ("cubes", tables))):
            found.append(f"{shapes}: {100.0 * (both[0] / both[1] - 1.0):+.0f}%")
        rows = ("same class", "related class", "cubes")
        if still := means(*(("proxy", row, f"{shapes} frozen") for row in rows)):
            frozen.append(f"{shapes}: worst is {rows[still.index(max(still))]}")
    claims.append(("Pre-training on cubes within 15% of tables", "; ".join(found) or "not run"))
    claims.append(("A frozen proxy of cubes is worst", "; ".join(frozen) or "not run"))
    return claims


def _tally(verdicts: list[tuple[str, bool]]) -> str:
    if not verdicts:
        return "not run"
    held = [name for name, holds in verdicts if holds]
    broken = [name for name, holds in verdicts if not holds]
    text = f"holds on {len(held)} of {len(verdicts)}"
    return text + (f"; not on {', '.join(broken)}" if broken else "")


_VALUES = {
    "fid": (by_threshold_half("fid"), 2),
    "fid-best": (by_best_threshold("fid"), 2),
    "kid": (by_threshold_half("kid"), 3),
    "kid-best": (by_best_threshold("kid"), 3),
    "hull": (by_threshold_half("visual_hull_gap"), 3),
    "minutes": (by_threshold_half("minutes"), 1),
}


def write_page(study: Study, cells: Sequence[Cell], page: Path) -> None:
    """Fill the marked places of a Markdown page, `<!-- methods PRESET-IMAGES fid -->` to `<!-- end -->`.

    A mark names a table, the scale and a figure; or `ordering`, the scale and a figure; or `sheets` and the scale.
    """
    figures = study.figures()

    def fill(what: str, more: Sequence[str]) -> str:
        if what == "sheets":
            picture = page.with_suffix("") / f"{scale(study)}-sheets.png"
            rows = [
                (f"{shapes}, {method}", cell.training)
                for shapes in CLASSES
                for method in METHODS
                for cell in cells
                if (cell.table, cell.row, cell.column, cell.seed) == ("methods", method, f"{shapes} 500", 0)
            ]
            if not write_sheets(study, rows, picture):
                return "Not run."
            return f"![Samples of every method and class, one row each]({picture.parent.name}/{picture.name})"
        if what == "ordering":
            return ordering(cells, figures, _VALUES[more[0]][0])
        return table(cells, figures, what, *_VALUES[more[0]])

    fill_page(study, page, fill)
