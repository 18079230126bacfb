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
from .states import TrainingMethod, TrainingPreset

if TYPE_CHECKING:
    import numpy as np

    from .session import Session

# What a generator trains that does not say so itself, because it is older.
METHOD = "voxel_gan"
USUAL_METHODS = (TrainingMethod("iggan", "IG-GAN", METHOD, "Solid shapes, learned through Blender's own renderer"),)
USUAL_PRESETS = (
    TrainingPreset("iggan-photos-32", METHOD, "Photos of one kind of thing on a plain background", "photos"),
    TrainingPreset("iggan-32", METHOD, "Pictures with transparency, such as renders of models", "renders"),
)
RECOMMENDED: Mapping[str, Mapping[str, str]] = {  # of each method, for photos and for renders
    METHOD: {"photos": "iggan-photos-32", "renders": "iggan-32"},
    "textured_mesh_gan": {"photos": "textured-photos-64", "renders": "textured-mushrooms-64"},
}
_ADVICE: Mapping[tuple[str, str], str] = {  # by method, and what is learned from
    ("textured_mesh_gan", "PHOTOS"): (
        "Photos are taken as they are: no masks, and backgrounds may differ. "
        "Each shows one whole object in the middle, about equally large in all of them"
    ),
    ("textured_mesh_gan", "DATASET"): "Only data sets that were rendered with colours have some to learn",
    ("textured_mesh_gan", "OBJECTS"): (
        "Objects are rendered without their materials, so only their shape is learned. "
        "To learn their colours too, render them into a folder and train on these"
    ),
}
_SHEETS: Mapping[str, str] = {  # by method
    "textured_mesh_gan": (
        "Each row: a picture, its normals, texture and background, then five other sides. The last row: your pictures"
    ),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Parameters of the `train` job: the new model's name, the preset, and settings by their dotted names.

    `dataset` names a rendered data set at the generator, which is trained on instead of what is sent. Of objects that
    are sent, `images` pictures are rendered, all of them together, from where `cameras` says; None leaves the usual.
    """

    name: str
    preset: str = RECOMMENDED[METHOD]["photos"]
    overrides: Mapping[str, Any] = field(default_factory=dict)
    dataset: str = ""
    method: TrainingMethod = USUAL_METHODS[0]
    images: int | None = None
    cameras: str | None = None

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
        "method": settings.method.method,
        "config": settings.preset,
        "name": settings.name,
        "overrides": {**settings.method.overrides, **settings.overrides},
        "resume": folder is None and meshes is None and not settings.dataset,
    }
    if settings.dataset:  # older generators refuse a word that they do not know
        parameters["dataset"] = settings.dataset
    if meshes is not None:
        asked = {"images": settings.images, "cameras": settings.cameras}
        parameters |= {name: value for name, value in asked.items() if value is not None}
    load = None if folder is None else partial(read_photos, folder)
    return session.submit("train", f"Training {settings.name}", parameters, meshes, import_when_done=False, load=load)


def training_methods(session: Session) -> tuple[TrainingMethod, ...]:
    """The methods that can be chosen from."""
    server = session.state.server
    return server.methods if server is not None and server.methods else USUAL_METHODS


def method_named(session: Session, name: str) -> TrainingMethod:
    """The method of that name; the first for want of it."""
    methods = training_methods(session)
    return next((method for method in methods if method.name == name), methods[0])


def training_presets(session: Session, method: TrainingMethod, pictures: str) -> tuple[TrainingPreset, ...]:
    """The presets of a method that can be chosen from, those first that suit the pictures ("photos" or "renders")."""
    server = session.state.server
    known = server.presets if server is not None and server.presets else USUAL_PRESETS
    fitting = [preset for preset in known if preset.method == method.method]
    recommended = _recommended(method, pictures)

    def order(preset: TrainingPreset) -> tuple[bool, bool, str]:
        return preset.name != recommended, preset.pictures != pictures, preset.name

    return tuple(sorted(fitting, key=order))


def usual_preset(session: Session, method: TrainingMethod, pictures: str) -> str:
    """The name of the preset that is chosen where nobody chooses: the first that suits, empty where there is none."""
    names = (preset.name for preset in training_presets(session, method, pictures))
    return next(names, _recommended(method, pictures))


def training_advice(method: TrainingMethod, source: str) -> str:
    """What a method makes of what is learned from (as in `properties.TRAIN_SOURCES`), where that is not plain."""
    return _ADVICE.get((method.method, source), "")


def sheet_words(job: Job) -> str:
    """What the columns of a training's sheet are, where one does not see it."""
    return _SHEETS.get(str(job.parameters.get("method", "")), "")


def _recommended(method: TrainingMethod, pictures: str) -> str:
    return RECOMMENDED.get(method.method, {}).get(pictures, "")


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
