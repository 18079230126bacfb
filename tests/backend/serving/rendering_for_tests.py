# SPDX-License-Identifier: Apache-2.0
"""The real kinds of jobs, with ellipses instead of what Blender renders; imported by the job processes of the tests.

UNRENDER_TEST_SECONDS: how long every image takes. UNRENDER_TEST_FAILS: "all" for images that cannot be rendered, "die"
for a Blender that crashes after three.
"""

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unrender.data.dataset_rendering import DatasetRequest
from unrender.errors import CancelledError, RenderError
from unrender.serving.handlers import RenderDatasetParameters, TrainParameters, job_kinds, rendering
from unrender.serving.job_kinds import JobKinds, JobOutput, JobWork


def kinds_without_blender() -> JobKinds:
    """All kinds of jobs of this program, but that their data sets come from here."""
    kinds = job_kinds()
    return {
        **kinds,
        "render_dataset": replace(kinds["render_dataset"], run=run_render_dataset),
        "train": replace(kinds["train"], run=run_train),
    }


def run_render_dataset(parameters: RenderDatasetParameters, work: JobWork) -> JobOutput:
    rendering.render_dataset = draw_dataset
    return job_kinds()["render_dataset"].run(parameters, work)


def run_train(parameters: TrainParameters, work: JobWork) -> JobOutput:
    rendering.render_dataset = draw_dataset
    return job_kinds()["train"].run(parameters, work)


def draw_dataset(
    request: DatasetRequest,
    out: Path,
    workers: int,
    threads: int,
    resume: bool,
    on_record: Callable[[dict[str, Any]], None],
    cancelled: Callable[[], bool],
) -> int:
    """What `unrender.data.dataset_rendering.render_dataset` does, without rendering."""
    assert resume
    if request.source == "objects":
        with np.load(request.objects) as file:
            given = [file[f"vertices_{index}"] for index in range(len(file.files) // 2)]
        assert len(given) == request.count
        assert all(np.linalg.norm(vertices, axis=1).max() < 0.5 for vertices in given)
    (out / "images").mkdir(parents=True, exist_ok=True)
    plan = {
        "azimuth_degrees": [-180.0, 180.0],
        "elevation_degrees": [10.0, 50.0],
        "width": 1.1,
        "asked": [request.count, request.views, request.lights, request.cameras],
    }
    (out / "dataset.json").write_text(json.dumps({"plan": plan}))
    failure, failed = os.environ.get("UNRENDER_TEST_FAILS", ""), 0
    for index in range(request.images):
        path = out / "images" / f"{index:06d}.png"
        if path.exists():
            continue
        if cancelled():
            raise CancelledError("Rendering was stopped.")
        time.sleep(float(os.environ.get("UNRENDER_TEST_SECONDS", "0")))
        if failure == "die" and index == 3:
            raise RenderError("Blender ended with exit code 11.")
        if failure == "all":
            failed += 1
            on_record({"failed": index, "tag": "render_failed", "message": "no light"})
            continue
        Image.fromarray(ellipse(index, request.size), "RGBA").save(path.with_suffix(".half"), "PNG")
        path.with_suffix(".half").replace(path)
        on_record({"index": index, "file": f"images/{path.name}"})
    records = [{"index": int(path.stem), "file": f"images/{path.name}"} for path in sorted(out.glob("images/*.png"))]
    (out / "manifest.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    Image.new("RGB", (640, 320), (45, 45, 45)).save(out / "contact_sheet.png")
    return failed


def ellipse(index: int, size: int) -> np.ndarray:
    """Grey on transparent ground, every one of other proportions."""
    random = np.random.default_rng(index)
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    width, height = random.uniform(0.3, 0.8, 2)
    inside = (columns / width) ** 2 + (rows / height) ** 2 < 1
    grey = (160 * inside).astype(np.uint8)
    return np.dstack([grey, grey, grey, (255 * inside).astype(np.uint8)])
