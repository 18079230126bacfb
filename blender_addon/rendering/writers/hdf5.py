# SPDX-License-Identifier: GPL-3.0-or-later
"""`dataset.h5`: all images and passes as arrays; needs h5py."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..exr import read_exr
from ..plan import DatasetPlan, Views
from ..png import read_png


def write_hdf5(out: Path, plan: DatasetPlan, records: list[dict], views: Views) -> None:
    """Write `images` [N, H, W, C], each pass [N, H, W, ...], `object`, `index`, `intrinsics` [N, 3, 3] and
    `opencv_world_to_camera` [N, 4, 4]; the plan and the names of the objects are attributes and `name`."""
    import h5py

    temporary = out / ".dataset.h5"
    try:
        with h5py.File(temporary, "w", track_order=True) as file:
            file.attrs["plan"] = json.dumps(plan.record())
            for name, paths in _columns(records).items():
                first = _read(out / paths[0])
                kind = {"dtype": first.dtype, "chunks": (1, *first.shape), "compression": "gzip", "track_times": False}
                column = file.create_dataset(name, (len(paths), *first.shape), **kind)
                for position, path in enumerate(paths):
                    column[position] = _read(out / path)
            seen = [views.view(record["index"], record["class"]).facts() for record in records]
            for name in ("index", "object"):
                _plain(file, name, np.array([record[name] for record in records], np.int64))
            for name in ("intrinsics", "opencv_world_to_camera"):
                _plain(file, name, np.array([facts[name] for facts in seen], np.float64))
            for name in ("name", "class"):
                _plain(file, name, np.array([record[name].encode() for record in records], "S"))
        temporary.replace(out / "dataset.h5")
    finally:
        temporary.unlink(missing_ok=True)


def _plain(file: object, name: str, values: np.ndarray) -> None:
    file.create_dataset(name, data=values, track_times=False)


def _columns(records: list[dict]) -> dict[str, list[str]]:
    columns = {"images": [record["file"] for record in records]}
    for name in records[0].get("passes", {}) if records else ():
        # "index" is taken by the number of the image
        columns["part_index" if name == "index" else name] = [record["passes"][name] for record in records]
    return columns


def _read(path: Path) -> np.ndarray:
    pixels = next(iter(read_exr(path).values())) if path.suffix == ".exr" else read_png(path)
    return pixels[:, :, 0] if pixels.shape[-1] == 1 else pixels
