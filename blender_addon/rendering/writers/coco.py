# SPDX-License-Identifier: GPL-3.0-or-later
"""`coco.json`: the object of each image as a box and a mask, with run lengths as the COCO tools store them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ..plan import DatasetPlan, Views
from ..png import read_png, replace_file

_COVERED = 128  # of 255: half of a pixel


def write_coco(out: Path, plan: DatasetPlan, records: list[dict], views: Views) -> None:
    """Write images, annotations and categories; an image in which nothing is seen has no annotation."""
    categories = {name: number + 1 for number, name in enumerate(sorted({record["class"] for record in records}))}
    images, annotations = [], []
    for record in records:
        image = {"id": record["index"], "file_name": record["file"], "width": plan.size, "height": plan.size}
        images.append(image | {"object": record["name"]})
        mask = _mask(out, record)
        if mask.any():
            about = {"id": record["index"] + 1, "image_id": record["index"], "category_id": categories[record["class"]]}
            annotations.append(about | annotation(mask))
    facts = {
        "info": {"description": f"Rendered by Unrender from {plan.source}"},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
    }
    replace_file(out / "coco.json", json.dumps(facts).encode())


def annotation(mask: np.ndarray) -> dict:
    """Box, area and run lengths of a mask bool [H, W] that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    return {
        "bbox": [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1],
        "area": int(mask.sum()),
        "iscrowd": 0,
        "segmentation": {"size": list(mask.shape), "counts": encode_runs(run_lengths(mask))},
    }


def run_lengths(mask: np.ndarray) -> list[int]:
    """Lengths of the runs of equal pixels, column by column, beginning with those that are not covered."""
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return [0, *runs] if flat[0] else runs


def encode_runs(runs: list[int]) -> str:
    """Run lengths as text: from the third on the difference to the one before last, five bits per letter from "0" on,
    lowest first, bit 6 while more follow."""
    letters = []
    for position, run in enumerate(runs):
        value = run - runs[position - 2] if position > 2 else run
        while True:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            letters.append(chr(48 + (bits | 32 if more else bits)))
            if not more:
                break
    return "".join(letters)


def _mask(out: Path, record: dict) -> np.ndarray:
    """Covered pixels, from the pass mask where there is one, otherwise from the image's transparency."""
    pixels = read_png(out / record.get("passes", {}).get("mask", record["file"]))
    return pixels[:, :, -1] >= (_COVERED * 257 if pixels.dtype == np.uint16 else _COVERED)
