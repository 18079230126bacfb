# SPDX-License-Identifier: Apache-2.0
"""The ablations of the textured-mesh GAN: trainings of equal length, and the tables of what they come to.

    python -m scripts.textured_mesh_study run   --out STUDY --data apples=PHOTOS mushrooms=SET --minutes 60
    python -m scripts.textured_mesh_study score --out STUDY --data apples=PHOTOS mushrooms=SET
    python -m scripts.textured_mesh_study page  --out STUDY --data apples=PHOTOS mushrooms=SET \\
        --to docs/results/textured_mesh_gan.md

`run` may be called again and again: it goes on where it stopped, every first seed before any second one, also after
Ctrl-C or SIGTERM. Sets that `unrender render-dataset` made of procedural objects are scored by their shapes too.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

from scripts.studies.runner import Study, run
from scripts.studies.scoring import score_all
from scripts.textured_mesh_study.cells import TABLES, all_cells

_INTERRUPTED = 130
_SETTINGS = ("torch_threads=1", "evaluate_minutes=1000", "sample_minutes=1000")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("run", "score", "page", "list"))
    parser.add_argument("--out", type=Path, required=True, help="folder of the study")
    parser.add_argument("--data", nargs="+", required=True, type=_named, metavar="NAME=FOLDER", help="the pictures")
    parser.add_argument("--preset", default="textured-photos-64", help="the scale")
    parser.add_argument("--images", type=int, default=20_000, help="real pictures shown to each training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--rows", nargs="+", help="only these rows")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="key=value for every training")
    parser.add_argument("--jobs", type=int, default=1, help="trainings side by side, of one thread each")
    parser.add_argument("--minutes", type=float, default=30.0, help="then stop; the next call goes on")
    parser.add_argument("--inverted", type=int, default=24, help="pictures inverted of each training, for its shapes")
    parser.add_argument("--to", type=Path, help="the Markdown page")
    arguments = parser.parse_args()
    settings = (*_SETTINGS, *arguments.settings)
    study = Study(arguments.out, arguments.preset, arguments.images, settings, "textured_mesh_gan")
    cells = [
        cell
        for cell in all_cells(dict(arguments.data), arguments.seeds)
        if cell.table in arguments.tables and (arguments.rows is None or cell.row in arguments.rows)
    ]
    if arguments.action == "run":
        try:
            left = run(study, cells, arguments.jobs, arguments.minutes)
        except KeyboardInterrupt:
            return _INTERRUPTED
        print(f"{left} trainings left")
        return 3 if left else 0
    if arguments.action == "score":
        from scripts.textured_mesh_study.scores import figures

        score_all(study, cells, arguments.minutes, partial(figures, inverted=arguments.inverted))
        return 0
    if arguments.action == "list":
        done = study.trained()
        for cell in cells:
            print("done" if cell.training in done else "    ", cell.training, cell.title, sep="  ")
        return 0
    if arguments.to is None:
        parser.error("page needs --to, the Markdown page")
    from scripts.textured_mesh_study.page import write_page

    write_page(study, cells, arguments.to)
    return 0


def _named(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not name or not equals or not folder:
        raise argparse.ArgumentTypeError(f"{text!r} came; expected NAME=FOLDER, such as fruit=PHOTOS")
    return name, Path(folder)


if __name__ == "__main__":
    sys.exit(main())
