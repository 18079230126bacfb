# SPDX-License-Identifier: Apache-2.0
"""The trainings behind docs/results/iggan.md, and its tables.

    python -m scripts.iggan_tables run --out STUDY --preset iggan-32 --images 8000 --minutes 30
    python -m scripts.iggan_tables score --out STUDY --preset iggan-32 --images 8000
    python -m scripts.iggan_tables page --out STUDY --to docs/results/iggan.md

`run` may be called again and again: it goes on where it stopped, every first seed before any second one. `page` writes
the tables of what is finished by then, with the figures and sample sheets beside them.
"""

import argparse
import sys
from pathlib import Path

from scripts.iggan_tables.cells import all_cells
from scripts.studies.runner import Study, run
from scripts.studies.scoring import score_all

_TABLES = ("methods", "matching", "proxy", "options", "render_net")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("run", "score", "page", "list"))
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument("--preset", default="iggan-32", help="the scale")
    parser.add_argument("--images", type=int, default=8000, help="real images shown to each training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tables", nargs="+", choices=_TABLES, default=_TABLES)
    parser.add_argument("--columns", nargs="+", help="only columns that contain one of these words, such as 500")
    parser.add_argument("--rows", nargs="+", help="only these rows")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="key=value for every training")
    parser.add_argument("--jobs", type=int, default=2, help="trainings side by side")
    parser.add_argument("--minutes", type=float, default=30.0, help="then stop; the next call goes on")
    parser.add_argument("--to", type=Path, help="the Markdown page")
    arguments = parser.parse_args()
    study = Study(arguments.out, arguments.preset, arguments.images, tuple(arguments.settings))
    cells = [
        cell
        for cell in all_cells(arguments.seeds)
        if cell.table in arguments.tables
        and (arguments.rows is None or cell.row in arguments.rows)
        and (arguments.columns is None or any(word in cell.column for word in arguments.columns))
    ]
    if arguments.action == "run":
        try:
            left = run(study, cells, arguments.jobs, arguments.minutes)
        except KeyboardInterrupt:
            return 130
        print(f"{left} trainings left")
        return 3 if left else 0
    if arguments.action == "score":
        from scripts.iggan_tables.scores import figures

        score_all(study, cells, arguments.minutes, figures)
        return 0
    if arguments.action == "list":
        done = study.trained()
        for cell in cells:
            print(
                "done" if cell.training in done else "    ", cell.training, cell.table, cell.row, cell.column, sep="  "
            )
        return 0
    if arguments.to is None:
        parser.error("page needs --to, the Markdown page")
    from scripts.iggan_tables.page import write_page

    write_page(study, cells, arguments.to)
    return 0


if __name__ == "__main__":
    sys.exit(main())
