# SPDX-License-Identifier: Apache-2.0
"""The job `render_dataset`: pictures of procedural shapes or of given objects, from views that nobody notes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unrender.data.dataset_rendering import DatasetRequest
from unrender.data.datasets import datasets_home
from unrender.data.given_objects import read_objects, save_objects
from unrender.data.procedural import CLASSES
from unrender.errors import UserError
from unrender.serving.handlers.parameters import check_choice, check_name, check_range
from unrender.serving.handlers.rendering import CAMERAS, check_amount, render_pictures
from unrender.serving.job_kinds import JobOutput, JobWork
from unrender.serving.previews import SHEET_PIXELS, read_picture, shrink

OBJECTS = "objects"
MATERIALS = ("auto", "keep", "clay")


@dataclass(frozen=True, slots=True)
class RenderDatasetParameters:
    """A data set `name`: `views` images of each of `count` shapes of a class, or of each object that came with the job.

    source: a class of procedural shapes, or "objects" (`count` does not matter then). size: pixels per side. samples:
    per pixel. resolution: voxels per side of procedural shapes. cameras: the law that views are drawn from. materials:
    as of `DatasetRequest`; "keep" shows the colours of classes that have some.
    """

    name: str
    source: str
    count: int = 500
    views: int = 1
    seed: int = 0
    size: int = 64
    samples: int = 4
    resolution: int = 32
    cameras: str = "iggan"
    materials: str = "auto"

    def __post_init__(self) -> None:
        check_name("name", self.name)
        check_choice("source", self.source, (*CLASSES, OBJECTS))
        check_choice("cameras", self.cameras, CAMERAS)
        check_choice("materials", self.materials, MATERIALS)
        check_range("count", self.count, 1, 100_000)
        check_range("views", self.views, 1, 10_000)
        check_range("seed", self.seed, 0, 2**31 - 1)
        check_range("size", self.size, 16, 1024)
        check_range("samples", self.samples, 1, 1024)
        check_range("resolution", self.resolution, 8, 128)
        check_amount(self.views * (1 if self.source == OBJECTS else self.count), self.size)


class DatasetExistsError(UserError):
    """A data set that would write over another."""

    tag = "dataset_exists"


def render_dataset(parameters: RenderDatasetParameters, work: JobWork) -> JobOutput:
    """Render into the job's folder, which a cancel removes, and move the data set to its place when it is whole.

    The result names it; `sample` uint8 [H, W, 3] is its contact sheet.
    """
    place = datasets_home() / parameters.name
    if place.exists():
        raise _exists(parameters.name)
    unfinished = work.folder / "dataset"
    request = _request(parameters, work)
    failed = render_pictures(request, unfinished, work)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        unfinished.rename(place)
    except OSError as error:
        if place.exists():  # somebody has made it meanwhile
            raise _exists(parameters.name) from error
        raise
    result: dict[str, Any] = {"dataset": parameters.name, "images": request.images - failed}
    if failed:
        result["failed"] = failed
    sheet = read_picture(place / "contact_sheet.png")
    return JobOutput(result, {} if sheet is None else {"sample": np.ascontiguousarray(shrink(sheet, SHEET_PIXELS))})


def _request(parameters: RenderDatasetParameters, work: JobWork) -> DatasetRequest:
    request = DatasetRequest(
        parameters.source,
        parameters.count,
        parameters.views,
        parameters.seed,
        parameters.size,
        parameters.samples,
        parameters.resolution,
        parameters.cameras,
        materials=parameters.materials,
    )
    if parameters.source != OBJECTS:
        return request
    objects = read_objects(work.arrays)
    try:
        check_amount(len(objects) * parameters.views, parameters.size)
    except ValueError as error:
        raise UserError(f"This is too much: {error}.", "Ask for fewer views or smaller images.") from error
    path = work.folder / "objects.npz"
    save_objects(objects, path)
    return replace(request, count=len(objects), objects=str(path))


def _exists(name: str) -> DatasetExistsError:
    return DatasetExistsError(f"There is a data set called {name!r} already.", "Choose another name.")
