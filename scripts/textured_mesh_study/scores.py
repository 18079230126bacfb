# SPDX-License-Identifier: Apache-2.0
"""The figures of a finished training: all that `unrender evaluate` has of it."""

from pathlib import Path
from typing import Any

from scripts.textured_mesh_study.cells import Cell
from unrender.methods.models import find_model
from unrender.methods.textured_mesh_gan.measuring.measures import measure
from unrender.methods.textured_mesh_gan.measuring.metric_list import ALL

_PICTURES = 500  # generated


def figures(cell: Cell, run: Path, inverted: int) -> dict[str, Any]:
    """inverted: pictures that are inverted of a training on objects with known shapes."""
    record = measure(find_model(str(run)), cell.data, (ALL,), _PICTURES, inverted=inverted)
    record["real"].pop("pictures")  # where they lay says nothing to anybody else
    return record
