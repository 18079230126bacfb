# SPDX-License-Identifier: GPL-3.0-or-later
"""Further forms of a finished folder of images, written beside it.

A writer is a function of (folder, plan, records, views); each of its files appears in one step, and the same records
give the same bytes.
"""

from __future__ import annotations

import importlib.util

from ..manifest import DatasetError
from ..plan import DatasetPlan
from .coco import write_coco
from .hdf5 import write_hdf5
from .nerf import write_nerf
from .webdataset import write_webdataset


def _write_nothing_more(*about: object) -> None:
    """The folder is there already."""


WRITERS = {
    "folder": _write_nothing_more,
    "webdataset": write_webdataset,
    "hdf5": write_hdf5,
    "coco": write_coco,
    "nerf": write_nerf,
}


def check_writers(names: tuple[str, ...], plan: DatasetPlan) -> None:
    """Raise DatasetError, before anything is rendered, for a writer that is unknown or cannot write this plan."""
    unknown = [name for name in names if name not in WRITERS]
    if unknown:
        raise DatasetError(f"There is no writer {', '.join(unknown)}; expected some of {', '.join(WRITERS)}.")
    if "hdf5" in names and importlib.util.find_spec("h5py") is None:
        raise DatasetError(
            "The writer hdf5 needs h5py, which this Python lacks; install it (pip install h5py), or use another writer."
        )
    if "nerf" in names and not plan.field_of_view and not plan.camera_digest:
        raise DatasetError("The writer nerf needs a perspective camera; add --field-of-view, for example 40.")
    if "coco" in names and plan.background != "transparent" and "mask" not in plan.passes:
        raise DatasetError("The writer coco needs the masks of the objects; add the pass mask.")
    if ("coco" in names and plan.image_format == "exr") and "mask" not in plan.passes:
        raise DatasetError("The writer coco reads masks from PNG files; add the pass mask.")
