# SPDX-License-Identifier: Apache-2.0
"""What a `train` job trains on: pictures that came with it, a data set by name, or objects that are rendered first.

All of it is kept with the run, so that a training that was paused, or whose server was killed, goes on with it:
`pictures/`, or `dataset.txt` with the name, or until they are rendered `objects.npz` and `pictures.rendering/`.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unrender.atomic_file import write_atomically
from unrender.data.dataset_rendering import DatasetRequest
from unrender.data.datasets import find_dataset, view_settings
from unrender.data.given_objects import read_objects, save_objects
from unrender.errors import DataError
from unrender.methods.models import method_of
from unrender.serving.handlers.rendering import render_pictures
from unrender.serving.job_kinds import JobWork
from unrender.serving.pictures import save_pictures
from unrender.training.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class TrainingPictures:
    """A folder, and what is known of its views as settings by their dotted names."""

    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectViews:
    """How objects are rendered to be trained on: `images` of all of them together, of `size` pixels a side."""

    images: int
    size: int
    cameras: str


class PictureStore:
    """The pictures of one run."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._pictures = run.path / "pictures"
        self._dataset = run.path / "dataset.txt"
        self._objects = run.path / "objects.npz"
        self._rendering = run.path / "pictures.rendering"

    def clear(self) -> None:
        """Remove what a job left that was stopped before its run began."""
        for path in (self._pictures, self._rendering):
            shutil.rmtree(path, ignore_errors=True)
        for path in (self._dataset, self._objects):
            path.unlink(missing_ok=True)

    def keep_dataset(self, name: str) -> None:
        """Train on a data set, which stays where it is. Raises UnknownDatasetError."""
        find_dataset(name)
        write_atomically(self._dataset, lambda path: _write_text(path, name))

    def keep_pictures(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Train on the pictures of a job's request (see `unrender.serving.pictures`). Raises DataError."""
        save_pictures(arrays, self._pictures)

    def keep_objects(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Train on renders of the objects of a job's request (see `given_objects`). Raises BadMeshError."""
        save_objects(read_objects(arrays), self._objects)

    def pictures(self, views: ObjectViews, work: JobWork) -> TrainingPictures:
        """What was kept, objects rendered. Raises DataError where nothing was, BlenderNotFoundError, CancelledError."""
        if self._dataset.is_file():
            folder = find_dataset(self._dataset.read_text(encoding="utf-8"))
            return TrainingPictures(folder, view_settings(folder))
        if self._objects.is_file() and not self._pictures.is_dir():
            self._render(views, work)
        if self._pictures.is_dir():
            return TrainingPictures(self._pictures, view_settings(self._pictures))
        if self._run.exists():
            raise DataError(
                f"The run {self._run.path.name!r} was begun from the command line, with pictures of its own.",
                f"Continue it there: unrender train {method_of(self._run.path)} --resume.",
            )
        raise DataError(f"There is no training {self._run.path.name!r} to continue.", "Start it anew, with pictures.")

    def _render(self, views: ObjectViews, work: JobWork) -> None:
        with np.load(self._objects, allow_pickle=False) as file:
            count = len(file.files) // 2
        request = DatasetRequest(
            "objects",
            count=count,
            views=-(-views.images // count),
            size=views.size,
            cameras=views.cameras,
            objects=str(self._objects),
        )
        render_pictures(request, self._rendering, work)
        self._rendering.rename(self._pictures)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
