# SPDX-License-Identifier: Apache-2.0
"""The job `generate`: meshes from a trained model."""

import re
from dataclasses import dataclass

import numpy as np

from unrender.serving.handlers.parameters import check_range
from unrender.serving.job_kinds import JobOutput, JobWork

MOST_SHAPES = 64


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
        check_range("seed", self.seed, 0, 2**31 - 1)
        check_range("count", self.count, 1, MOST_SHAPES)
        check_range("threshold", self.threshold, 0.01, 0.99)
        check_range("variety", self.variety, 0.0, 2.0)
        if self.max_faces is not None:
            check_range("max_faces", self.max_faces, 100, 10_000_000)


def generate(parameters: GenerateParameters, work: JobWork) -> JobOutput:
    """Meshes from a trained model: `vertices_{i}` float32 [N, 3] in world units, `faces_{i}` int32 [F, 3] outward."""
    from unrender.methods.generate import generate_meshes
    from unrender.methods.models import list_models, model_named

    model = model_named(parameters.model, list_models())
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
