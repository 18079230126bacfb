# SPDX-License-Identifier: Apache-2.0
"""The job `generate`: meshes from a trained model."""

import re
from dataclasses import dataclass

import numpy as np

from unrender.serving.handlers.parameters import check_mesh, check_range, check_shape
from unrender.serving.job_kinds import JobOutput, JobWork
from unrender.storage import data_home

MOST_SHAPES = 64


@dataclass(frozen=True, slots=True)
class GenerateParameters:
    """`count` meshes of one model: shape i of seed s is the same as shape 0 of seed s + i.

    smooth: false means a smoothing of 0, whatever `smoothing` says; add-ons before that setting send it.
    """

    model: str
    seed: int = 0
    count: int = 1
    threshold: float = 0.5
    variety: float = 1.0
    max_faces: int | None = None
    smooth: bool = True
    smoothing: float = 1.0
    resolution: int = 1

    def __post_init__(self) -> None:
        check_range("count", self.count, 1, MOST_SHAPES)
        check_shape(self.seed, self.variety)
        check_mesh(self.threshold, self.smoothing, self.resolution, self.max_faces)


def generate(parameters: GenerateParameters, work: JobWork) -> JobOutput:
    """Meshes from a trained model: `vertices_{i}` float32 [N, 3] in world units, `faces_{i}` int32 [F, 3] outward."""
    from unrender.meshing import MeshSettings
    from unrender.methods.generate import generate_meshes
    from unrender.methods.grid_cache import grid_cache
    from unrender.methods.models import list_models, model_named

    model = model_named(parameters.model, list_models())
    meshes = generate_meshes(
        model,
        parameters.seed,
        parameters.count,
        parameters.variety,
        MeshSettings(
            parameters.threshold,
            parameters.smoothing if parameters.smooth else 0.0,
            parameters.resolution,
            parameters.max_faces,
        ),
        progress=work.progress,
        cancelled=work.cancelled,
        cache=grid_cache(data_home()),
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
