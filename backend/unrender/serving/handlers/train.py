# SPDX-License-Identifier: Apache-2.0
"""The job `train`: from pictures to a model."""

import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from unrender.atomic_file import write_atomically
from unrender.data.datasets import datasets_home
from unrender.errors import CancelledError, DataError, UserError
from unrender.serving.handlers.client_words import say_for_clients
from unrender.serving.handlers.parameters import check_choice, check_name, check_range, check_setting, toml_value
from unrender.serving.handlers.rendering import CAMERAS
from unrender.serving.handlers.training_pictures import ObjectViews, PictureStore
from unrender.serving.job_kinds import JobOutput, JobWork
from unrender.serving.previews import read_picture, run_arrays, run_curves, run_scores
from unrender.storage import data_home
from unrender.training.progress import Progress, ProgressCallback
from unrender.training.run_folder import RunFolder


@dataclass(frozen=True, slots=True)
class TrainParameters:
    """A run `name` of `method` with the preset `config`; `overrides` are settings by their dotted names.

    resume: continue the run of that name from its newest checkpoint, with the pictures that it has, if there is one.
    dataset: train on this data set; otherwise on what came with the job: pictures, or objects, which are rendered
    first. images, cameras: of objects, how many pictures of all of them together, and from where.
    """

    method: str
    config: str
    name: str
    overrides: dict = field(default_factory=dict)
    resume: bool = False
    dataset: str = ""
    images: int = 2000
    cameras: str = "iggan"

    def __post_init__(self) -> None:
        for key in ("method", "config", "name"):
            check_name(key, getattr(self, key))
        if self.dataset:
            check_name("dataset", self.dataset)
        check_range("images", self.images, 16, 20_000)
        check_choice("cameras", self.cameras, CAMERAS)
        for key, value in self.overrides.items():
            check_setting(key, value)


class RunExistsError(UserError):
    """A training that would write over another."""

    tag = "run_exists"


def train(parameters: TrainParameters, work: JobWork) -> JobOutput:
    """Train, and keep what is trained on with the run; afterwards it is a model.

    The result names the run and holds its newest scores; `sample` uint8 [H, W, 3] is its newest sheet of samples,
    `scores` float32 [N, 2] all its evaluations.
    """
    from unrender.methods import check_run, image_size, view_settings
    from unrender.methods import train as train_method

    run = _run_folder(parameters)
    mine = work.folder / "run_begun"  # so that a job that the server was killed under knows its own run again
    if run.exists() and not (parameters.resume or mine.exists()):
        raise RunExistsError(f"There is a run called {parameters.name!r} already.", "Choose another name.")
    show = _Shown(run, work.progress)
    logging.getLogger("unrender").addHandler(show.noting)
    show(Progress("pictures", 0, 0))
    overrides = _assignments(parameters.overrides)
    is_new = not run.exists()
    try:
        check_run(parameters.method, run.path)
        size = image_size(parameters.method, str(run.config_path) if not is_new else parameters.config, overrides)
        store = PictureStore(run)
        if is_new and not mine.exists():
            _keep(parameters, work.arrays, store)
        write_atomically(mine, Path.touch)
        views = ObjectViews(parameters.images, size, parameters.cameras)
        pictures = store.pictures(views, replace(work, progress=show))
        known = _assignments(view_settings(parameters.method, pictures.settings)) if is_new else ()
        train_method(
            parameters.method,
            parameters.config,
            pictures.folder,
            run.path,
            known + overrides,
            not is_new,
            show,
            work.cancelled,
        )
    except CancelledError:
        raise  # what there is stays: the client may resume
    except UserError as error:
        _forget_unbegun(parameters, run)
        say_for_clients(error, run.path / "pictures", datasets_home() / parameters.dataset, run.path)
        raise
    except BaseException:
        _forget_unbegun(parameters, run)
        raise
    finally:
        logging.getLogger("unrender").removeHandler(show.noting)
    return _trained(run, parameters.name)


def newest_of_training(parameters: TrainParameters) -> dict[str, np.ndarray]:
    """The newest sheet and scores of a job that does not report at the moment."""
    return run_arrays(_run_folder(parameters))


def _run_folder(parameters: TrainParameters) -> RunFolder:
    return RunFolder(data_home() / "runs" / parameters.name)


def _keep(parameters: TrainParameters, arrays: Mapping[str, np.ndarray], store: PictureStore) -> None:
    """Put what the job brings to train on beside its run."""
    if parameters.resume and not arrays and not parameters.dataset:
        return  # it was stopped before its run began, and is continued
    store.clear()
    if parameters.dataset:
        if arrays:
            raise DataError("Both a data set and pictures came with the job.", "Train on one of them.")
        store.keep_dataset(parameters.dataset)
    elif any(name.startswith("vertices_") for name in arrays):
        store.keep_objects(arrays)
    else:
        store.keep_pictures(arrays)


def _forget_unbegun(parameters: TrainParameters, run: RunFolder) -> None:
    """Leave nothing of a training that failed before it began; what was paused earlier stays."""
    if not run.exists() and not parameters.resume:
        shutil.rmtree(run.path, ignore_errors=True)


class _Notes(logging.Handler):
    """Keeps what the training warns of, each sentence once: such as views that no picture shows."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.sentences: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        sentence = record.getMessage()
        if sentence not in self.sentences:
            self.sentences.append(sentence)


class _Shown:
    """Passes reports on, with all scores and curves where there are new ones; the first with what was left earlier."""

    def __init__(self, run: RunFolder, progress: ProgressCallback) -> None:
        self._run, self._progress = run, progress
        self._left = run_arrays(run)
        self.noting = _Notes(logging.WARNING)
        self._stamp = self._read_stamp()

    def __call__(self, report: Progress) -> None:
        left, self._left = self._left, {}
        stamp = self._read_stamp()
        scores = left.get("scores")
        curves = {name.removeprefix("curve_"): left[name] for name in left if name.startswith("curve_")}
        if stamp != self._stamp:
            self._stamp, scores, curves = stamp, run_scores(self._run), run_curves(self._run)
        preview = left.get("preview") if report.preview is None else report.preview
        notes = tuple(self.noting.sentences)
        self._progress(replace(report, preview=preview, scores=scores, curves=curves, notes=notes))

    def _read_stamp(self) -> tuple[int, int]:
        try:
            status = self._run.metrics_path.stat()
        except OSError:
            return 0, 0
        return status.st_size, status.st_mtime_ns


def _trained(run: RunFolder, name: str) -> JobOutput:
    """What a training job gives: plain facts, the newest picture, the scores."""
    newest = (run.metrics()[-1:] or [{}])[0]
    result = {"run": name} | {key: newest[key] for key in ("images", "seconds", "kid") if key in newest}
    arrays: dict[str, np.ndarray] = {"scores": run_scores(run)}
    arrays |= {f"curve_{name}": curve for name, curve in run_curves(run).items()}
    sample = run.newest_sample()
    sheet = None if sample is None else read_picture(sample)
    if sheet is not None:
        arrays["sample"] = sheet
    return JobOutput(result, arrays)


def _assignments(settings: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{key}={toml_value(value)}" for key, value in settings.items())
