# SPDX-License-Identifier: GPL-3.0-or-later
"""The `train` job: what it takes, and what its list entry is called."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .jobs import UNFINISHED, Job, JobStatus

if TYPE_CHECKING:
    import numpy as np

    from .session import Session

METHOD = "voxel_gan"
PRESETS = (
    ("iggan-photos-32", "Plain background", "Photos of one kind of thing on a plain background"),
    ("iggan-32", "Transparent background", "Pictures with transparency, such as renders of models"),
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Parameters of the `train` job: the new model's name, the preset, and settings by their dotted names.

    `dataset` names a rendered data set at the generator, which is trained on instead of what is sent.
    """

    name: str
    preset: str = PRESETS[0][0]
    overrides: Mapping[str, Any] = field(default_factory=dict)
    dataset: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"The name {self.name!r:.80} is not possible: use letters, digits, - and _")


def submit_training(
    session: Session,
    settings: TrainingSettings,
    folder: Path | None = None,
    meshes: Mapping[str, np.ndarray] | None = None,
) -> bytes:
    """Queue the job; returns its id at once.

    The photos under `folder` are read by a thread and sent, or the `meshes` (see `scene.sent_meshes`), which the
    generator renders. With neither and without a data set, the run of that name at the generator goes on where it
    stopped, with the pictures that it has.
    """
    from .photo_files import read_photos

    parameters = {
        "method": METHOD,
        "config": settings.preset,
        "name": settings.name,
        "overrides": dict(settings.overrides),
        "resume": folder is None and meshes is None and not settings.dataset,
    }
    if settings.dataset:  # older generators refuse a word that they do not know
        parameters["dataset"] = settings.dataset
    load = None if folder is None else partial(read_photos, folder)
    return session.submit("train", f"Training {settings.name}", parameters, meshes, import_when_done=False, load=load)


def read_overrides(text: str) -> dict[str, Any]:
    """Settings as a person writes them: `total_images=20000 renderer.kind=ray_march generator.channels=[64,32,16]`.

    Raises:
        ValueError: with a sentence.
    """
    overrides: dict[str, Any] = {}
    for assignment in text.split():
        key, equals, value = assignment.partition("=")
        if not key or not equals or not value:
            raise ValueError(f"{assignment!r} is no setting: write key=value, without spaces in it")
        try:
            overrides[key] = json.loads(value)
        except json.JSONDecodeError:
            overrides[key] = value
    return overrides


def trained_model(job: Job) -> str:
    """The name of the model that a training makes; empty for other jobs."""
    if job.kind != "train":
        return ""
    return str(job.result.get("run", job.parameters.get("name", "")))


def running_training(session: Session) -> Job | None:
    """The newest training that has not ended."""
    going = (*UNFINISHED, JobStatus.DETACHED)
    return next((job for job in reversed(session.jobs.values()) if job.kind == "train" and job.status in going), None)
