# SPDX-License-Identifier: Apache-2.0
"""The figures of the finished trainings, against renders of objects that no training saw."""

import json
import time

from scripts.iggan_tables.cells import Cell
from scripts.studies.runner import Study
from unrender.methods.models import find_model
from unrender.methods.voxel_gan.measuring.measures import measure

_IMAGES = 1000  # generated, and as many real ones
_METRICS = ("fid", "kid", "precision-recall", "grids", "visual-hull")
_PICTURES = ("fid", "kid", "precision-recall")  # all that images without shapes have


def score_all(study: Study, cells: list[Cell], minutes: float) -> None:
    """Measure every finished training that has no figures yet, until the time is up; the next call goes on.

    Every training is compared with held-out objects of its class, seen as its own view law says, at the threshold 0.5
    and at the one that is best on a validation split.
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
            metrics = _PICTURES if "route=image" in cell.settings else _METRICS
            record |= measure(
                find_model(str(folder)), shapes=cell.shapes, metrics=metrics, count=_IMAGES, threshold="best"
            )
        with study.figures_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        print(f"{cell.training}: {time.monotonic() - started:.0f} s, FID {record.get('fid')}", flush=True)
