# SPDX-License-Identifier: Apache-2.0
"""The kinds of jobs that clients may ask for. A closed list; no parameter is ever a path or code."""

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unrender.atomic_file import write_atomically
from unrender.errors import DataError, UnknownModelError, UserError
from unrender.serving.job_kinds import JobKind, JobKinds, JobOutput, JobWork
from unrender.serving.pictures import save_pictures
from unrender.storage import data_home
from unrender.training.progress import Progress
from unrender.training.run_folder import RunFolder

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
    """A run `name` of `method` with the preset `config`; `overrides` are settings by their dotted names.

    `resume`: continue the run of that name from its newest checkpoint, with the pictures that it has, if there is one.
    """

    method: str
    config: str
    name: str
    overrides: dict = field(default_factory=dict)
    resume: bool = False

    def __post_init__(self) -> None:
        for key in ("method", "config", "name"):
            if not _NAME.fullmatch(getattr(self, key)):
                raise ValueError(f"{key} is {getattr(self, key)!r:.80}, but letters, digits, - and _ were expected")
        for key, value in self.overrides.items():
            if not _KEY.fullmatch(key) or _toml(value) is None:
                raise ValueError(f"the override {key!r:.80} is not a setting with a number, a word or a list of them")


class RunExistsError(UserError):
    """A training that would write over another."""

    tag = "run_exists"


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
    if noun.endswith("toes"):  # tomatoes, potatoes
        noun = noun.removesuffix("es")
    elif len(noun) > 3 and not noun.endswith("ss"):
        noun = noun.removesuffix("s")
    return f"{noun or 'shape'}_{seed:04d}"


def train(parameters: TrainParameters, work: JobWork) -> JobOutput:
    """Train on the pictures that came with the job (see `pictures`), which the run keeps; afterwards it is a model.

    The result names the run and holds its newest scores; `sample` uint8 [H, W, 3] is its newest sheet of samples.
    """
    from unrender.methods import train as train_method

    run = RunFolder(data_home() / "runs" / parameters.name)
    pictures = run.path / "pictures"
    mine = work.folder / "run_begun"  # so that a job that the server was killed under knows its own run again
    if run.exists() and not (parameters.resume or mine.exists()):
        raise RunExistsError(f"There is a run called {parameters.name!r} already.", "Choose another name.")
    if run.exists() and not pictures.is_dir():
        raise DataError(
            f"The run {parameters.name!r} was begun from the command line, with pictures of its own.",
            f"Continue it there: unrender train {parameters.method} --resume.",
        )
    if not run.exists():
        shutil.rmtree(pictures, ignore_errors=True)  # of a job that was stopped before its run began
        save_pictures(work.arrays, pictures)
    write_atomically(mine, Path.touch)
    work.progress(Progress("pictures", 0, 0))
    assignments = tuple(f"{key}={_toml(value)}" for key, value in parameters.overrides.items())
    try:
        train_method(
            parameters.method,
            parameters.config,
            pictures,
            run.path,
            assignments,
            run.exists(),
            work.progress,
            work.cancelled,
        )
    except DataError as error:
        raise DataError(error.message.replace(f" in {pictures}", ""), error.hint) from error
    finally:
        if not run.exists():
            shutil.rmtree(run.path, ignore_errors=True)
    return JobOutput(*_trained(run, parameters.name))


def _trained(run: RunFolder, name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a training job gives: plain facts, and the newest picture."""
    scores = run.metrics()[-1:] or [{}]
    result = {"run": name} | {key: scores[0][key] for key in ("images", "seconds", "kid") if key in scores[0]}
    sample = run.newest_sample()
    if sample is None:
        return result, {}
    with Image.open(sample) as picture:
        return result, {"sample": np.asarray(picture.convert("RGB"))}


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
