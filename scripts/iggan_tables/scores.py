# SPDX-License-Identifier: Apache-2.0
"""The figures of a finished training, against renders of objects that no training saw."""

from pathlib import Path
from typing import Any

from scripts.iggan_tables.cells import Cell
from unrender.methods.models import find_model
from unrender.methods.voxel_gan.measuring.measures import measure

_IMAGES = 1000  # generated, and as many real ones
_METRICS = ("fid", "kid", "precision-recall", "grids", "visual-hull")
_PICTURES = ("fid", "kid", "precision-recall")  # all that images without shapes have


def figures(cell: Cell, run: Path) -> dict[str, Any]:
    """Compared with held-out objects of the cell's class, seen as the training's own view law says, at the threshold
    0.5 and at the one that is best on a validation split."""
    metrics = _PICTURES if "route=image" in cell.settings else _METRICS
    return measure(find_model(str(run)), shapes=cell.shapes, metrics=metrics, count=_IMAGES, threshold="best")
