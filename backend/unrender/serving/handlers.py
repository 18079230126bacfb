# SPDX-License-Identifier: Apache-2.0
"""The kinds of jobs that clients may ask for. A closed list; no parameter is ever a path or code."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unrender.atomic_file import write_atomically
from unrender.errors import DataError, UnknownModelError
from unrender.serving.job_kinds import JobKind, JobKinds, JobOutput, JobWork
from unrender.storage import data_home

MOST_SHAPES = 64
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_KEY = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*")


@dataclass(frozen=True, slots=True)
class GenerateParameters:
    """`count` meshes of one model: shape i of seed s is the same as shape 0 of seed s + i."""

    model: str
    seed: int = 0
    count: int = 1
    threshold: float = 0.5
    variety: float = 1.0
    max_faces: int | None = None
    smooth: bool = True

    def __post_init__(self) -> None:
        _expect("seed", self.seed, 0, 2**31 - 1)
        _expect("count", self.count, 1, MOST_SHAPES)
        _expect("threshold", self.threshold, 0.01, 0.99)
        _expect("variety", self.variety, 0.0, 2.0)
        if self.max_faces is not None:
            _expect("max_faces", self.max_faces, 100, 10_000_000)


@dataclass(frozen=True, slots=True)
class TrainParameters:
    """A run `name` of `method` with the preset `config`; `overrides` are settings by their dotted names."""

    method: str
    config: str
    name: str
    overrides: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("method", "config", "name"):
            if not _NAME.fullmatch(getattr(self, key)):
                raise ValueError(f"{key} is {getattr(self, key)!r:.80}, but letters, digits, - and _ were expected")
        for key, value in self.overrides.items():
            if not _KEY.fullmatch(key) or _toml(value) is None:
                raise ValueError(f"the override {key!r:.80} is not a setting with a number, a word or a list of them")


def job_kinds() -> JobKinds:
    """All kinds of jobs of this program, by name."""
    return {
        "generate": JobKind(
            GenerateParameters, generate, lane="short", stays_warm=True, preload=("unrender.methods.generate",)
        ),
        "train": JobKind(TrainParameters, train, lane="long", silence_limit=3600.0),
    }


def generate(parameters: GenerateParameters, work: JobWork) -> JobOutput:
    """Meshes from a trained model: `vertices_{i}` float32 [N, 3] in world units, `faces_{i}` int32 [F, 3] outward."""
    from unrender.methods.generate import generate_meshes
    from unrender.methods.models import list_models

    # From the list, not by `find_model`: a name from the wire must not be taken for a path.
    models = {model.name: model for model in list_models()}
    if parameters.model not in models:
        raise UnknownModelError(
            f"There is no model {parameters.model!r:.80}.", f"Known here: {', '.join(sorted(models)) or 'none'}."
        )
    model = models[parameters.model]
    meshes = generate_meshes(
        model,
        parameters.seed,
        parameters.count,
        threshold=parameters.threshold,
        variety=parameters.variety,
        max_faces=parameters.max_faces,
        smooth=parameters.smooth,
        progress=work.progress,
        cancelled=work.cancelled,
    )
    arrays: dict[str, np.ndarray] = {}
    shapes = []
    for index, mesh in enumerate(meshes):
        arrays[f"vertices_{index}"] = mesh.vertices
        arrays[f"faces_{index}"] = mesh.faces
        seed = parameters.seed + index
        shapes.append({"index": index, "seed": seed, "name": shape_name(model.name, seed)})
    result = {"model": model.name, "model_hash": model.hash, "method": model.method, "shapes": shapes}
    return JobOutput(result, arrays)


def shape_name(model: str, seed: int) -> str:
    """What an object of a model is called: `chairs-32`, 7 -> `chair_0007`."""
    word = re.match(r"[A-Za-z_]*", model)
    noun = (word.group() if word else "").strip("_").lower()
    noun = noun.removesuffix("s") if len(noun) > 3 and not noun.endswith("ss") else noun
    return f"{noun or 'shape'}_{seed:04d}"


def train(parameters: TrainParameters, work: JobWork) -> JobOutput:
    """Train on the pictures `images` uint8 [N, H, W, 3 or 4] that came with the job; the run is a model afterwards."""
    from unrender.methods import train as train_method

    folder = work.folder / "images"
    if not folder.exists():
        _write_images(work.arrays, folder)
    run = data_home() / "runs" / parameters.name
    assignments = tuple(f"{key}={_toml(value)}" for key, value in parameters.overrides.items())
    resume = work.attempt > 1 and (run / "config.toml").is_file()
    train_method(parameters.method, parameters.config, folder, run, assignments, resume, work.progress, work.cancelled)
    return JobOutput({"run": parameters.name})


def _write_images(arrays: Mapping[str, np.ndarray], folder: Path) -> None:
    images = arrays.get("images")
    if (
        images is None
        or images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[3] not in (3, 4)
        or not len(images)
    ):
        came = "none" if images is None else f"{images.dtype} {list(images.shape)}"
        raise DataError(f"The pictures to train on came as {came}, but uint8 [N, H, W, 3 or 4] was expected.")
    unfinished = folder.with_name("images.unfinished")
    unfinished.mkdir(parents=True, exist_ok=True)
    for index, image in enumerate(images):
        write_atomically(unfinished / f"{index:06d}.png", partial(Image.fromarray(image).save, format="PNG"))
    unfinished.rename(folder)


def _expect(name: str, value: int | float, low: int | float, high: int | float) -> None:
    if not low <= value <= high:  # written so that not-a-number fails too
        raise ValueError(f"{name} is {value}, but {low} to {high} was expected")


def _toml(value: Any) -> str | None:
    """A setting's value in TOML, None if it may not be one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value) if abs(value) < 1e15 else None
    if isinstance(value, str):
        return f'"{value}"' if _NAME.fullmatch(value) else None
    if isinstance(value, list | tuple):
        items = [_toml(item) for item in value]
        return None if None in items else f"[{', '.join(item for item in items if item is not None)}]"
    return None
