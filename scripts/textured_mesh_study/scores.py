# SPDX-License-Identifier: Apache-2.0
"""The figures of the finished trainings: all that `unrender evaluate` has of them."""

import json
import time
from collections.abc import Sequence

from scripts.studies.runner import Study
from scripts.textured_mesh_study.cells import Cell
from unrender.methods.models import find_model
from unrender.methods.textured_mesh_gan.measuring.measures import measure
from unrender.methods.textured_mesh_gan.measuring.metric_list import ALL

_PICTURES = 500  # generated


def score_all(study: Study, cells: Sequence[Cell], minutes: float, inverted: int) -> None:
    """Measure every finished training that has no figures yet, until the time is up; the next call goes on.

    inverted: pictures that are inverted of each training on objects with known shapes.
    """
    deadline = time.monotonic() + 60.0 * minutes
    trained, figures = study.trained(), study.figures()
    for cell in {cell.training: cell for cell in cells}.values():
        if cell.training not in trained or cell.training in figures or time.monotonic() > deadline:
            continue
        started = time.monotonic()
        record = dict(trained[cell.training])
        folder = study.run_folder(cell)
        if (folder / "checkpoints").is_dir():
            record |= measure(find_model(str(folder)), cell.data, (ALL,), _PICTURES, inverted=inverted)
            record["real"].pop("pictures")  # where they lay says nothing to anybody else
        with study.figures_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        print(f"{cell.training}: {time.monotonic() - started:.0f} s, KID {record.get('kid')}", flush=True)
