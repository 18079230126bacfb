# SPDX-License-Identifier: Apache-2.0
"""Tables of figures, and the marked places of a Markdown page that they go to."""

import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from unrender.atomic_file import write_atomically

_ONE_SEED = " (one seed)"

Figures = dict[str, dict[str, Any]]  # by the name of the training
Value = Callable[[dict[str, Any]], float | None]


class Cell(Protocol):
    """table, row, column: where the figure of a training stands."""

    @property
    def table(self) -> str: ...

    @property
    def row(self) -> str: ...

    @property
    def column(self) -> str: ...

    @property
    def training(self) -> str: ...


def table(cells: Sequence[Cell], figures: Figures, name: str, value: Value, digits: int = 1) -> str:
    """A Markdown table of one study: rows and columns as the cells name them, `mean (lowest..highest; seeds)` inside.

    An empty cell was not run; rows and columns of which nothing was are named below the table.
    """
    chosen = [cell for cell in cells if cell.table == name]
    if not any(cell.training in figures for cell in chosen):
        return "Not run."
    rows, columns = (list(dict.fromkeys(getattr(cell, part) for cell in chosen)) for part in ("row", "column"))
    found = {(row, column): cell_values(chosen, figures, row, column, value) for row in rows for column in columns}
    run_rows = [row for row in rows if any(found[row, column] for column in columns)]
    run_columns = [column for column in columns if any(found[row, column] for row in rows)]
    lines = ["| | " + " | ".join(run_columns) + " |", "|---" * (len(run_columns) + 1) + "|"]
    for row in run_rows:
        lines.append(f"| {row} | " + " | ".join(_spread(found[row, column], digits) for column in run_columns) + " |")
    text = _one_seed_each("\n".join(lines), found.values())
    missing = [other for other in [*rows, *columns] if other not in run_rows + run_columns]
    return text + (f"\n\nNot run: {', '.join(missing)}." if missing else "")


def figures_table(
    cells: Sequence[Cell], figures: Figures, name: str, column: str, values: Mapping[str, tuple[Value, int]]
) -> str:
    """The same of one column, with a column for each of several figures instead: by its heading, the figure and its
    decimal places. What no training has is left out."""
    chosen = [cell for cell in cells if (cell.table, cell.column) == (name, column)]
    rows = list(dict.fromkeys(cell.row for cell in chosen))
    found = {
        heading: [(cell_values(chosen, figures, row, column, value), digits) for row in rows]
        for heading, (value, digits) in values.items()
    }
    found = {heading: cells_of for heading, cells_of in found.items() if any(numbers for numbers, _ in cells_of)}
    if not found:
        return "Not run."
    lines = ["| | " + " | ".join(found) + " |", "|---" * (len(found) + 1) + "|"]
    for index, row in enumerate(rows):
        lines.append(f"| {row} | " + " | ".join(_spread(*cells_of[index]) for cells_of in found.values()) + " |")
    return _one_seed_each("\n".join(lines), [numbers for cells_of in found.values() for numbers, _ in cells_of])


def _one_seed_each(text: str, found: Iterable[Sequence[float]]) -> str:
    """Says once what would stand in every cell."""
    if any(len(numbers) > 1 for numbers in found):
        return text
    return text.replace(_ONE_SEED, "") + "\n\nOne seed each."


def cell_values(cells: Sequence[Cell], figures: Figures, row: str, column: str, value: Value) -> list[float]:
    """The figures of all finished seeds of a cell."""
    found = [
        value(figures[cell.training])
        for cell in cells
        if (cell.row, cell.column) == (row, column) and cell.training in figures
    ]
    return [number for number in found if number is not None]


def _spread(values: list[float], digits: int) -> str:
    if not values:
        return ""
    mean = f"{statistics.mean(values):.{digits}f}"
    if len(values) == 1:
        return mean + _ONE_SEED
    return f"{mean} ({min(values):.{digits}f}..{max(values):.{digits}f}; {len(values)})"


def fill_marks(page: Path, fill: Callable[[str], str | None]) -> None:
    """Put what `fill` makes of a mark between `<!-- mark -->` and `<!-- end -->`, wherever a page has one; where it
    makes None, and outside of marks, the text stays."""

    def filled(match: re.Match[str]) -> str:
        text = fill(match.group(1))
        return match.group(0) if text is None else f"<!-- {match.group(1)} -->\n\n{text}\n\n<!-- end -->"

    marked = re.compile(r"<!-- (\w[\w .-]*) -->\n.*?<!-- end -->", re.DOTALL)
    whole = marked.sub(filled, page.read_text(encoding="utf-8"))

    def write(path: Path) -> None:
        path.write_text(whole, encoding="utf-8")

    write_atomically(page, write)
