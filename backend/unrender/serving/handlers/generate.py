# SPDX-License-Identifier: Apache-2.0
"""The job `generate`: shapes from a trained model."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unrender.errors import UserError
from unrender.geometry.textured_shape import TexturedShape
from unrender.serving.handlers.parameters import check_mesh, check_range, check_shape
from unrender.serving.job_kinds import JobOutput, JobWork
from unrender.storage import data_home

if TYPE_CHECKING:
    from unrender.meshing import MeshSettings

MOST_SHAPES = 64


@dataclass(frozen=True, slots=True)
class GenerateParameters:
    """`count` meshes of one model: shape i of seed s is the same as shape 0 of seed s + i.

    threshold, max_faces, smoothing, resolution: how voxels become a mesh; models that make surfaces pass over them, for
    a panel may send its sliders whatever the model. smooth: false means a smoothing of 0, whatever `smoothing` says;
    add-ons before that setting send it. towards: of models that make surfaces, another seed, to whose shape the shapes
    lead in equal steps.
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
    towards: int | None = None

    def __post_init__(self) -> None:
        check_range("count", self.count, 1, MOST_SHAPES)
        check_shape(self.seed, self.variety)
        if self.towards is not None:
            check_shape(self.towards, self.variety)
        check_mesh(self.threshold, self.smoothing, self.resolution, self.max_faces)


def generate(parameters: GenerateParameters, work: JobWork) -> JobOutput:
    """Shapes from a trained model: `vertices_{i}` float32 [N, 3] in world units, `faces_{i}` int32 [F, 3] outward.

    Those with a texture have also `uv_{i}` float32 [M, 2], u to the right and v up, `uv_faces_{i}` int32 [F, 3], and
    `texture_{i}` uint8 [h, w, 3], sRGB, row 0 at the top.
    """
    from unrender.methods.generate import generate_shapes, makes_voxels
    from unrender.methods.grid_cache import grid_cache
    from unrender.methods.models import list_models, model_named

    model = model_named(parameters.model, list_models())
    if parameters.towards is not None and makes_voxels(model):
        raise UserError(  # it would be meshed anew as that of its seed
            f"The model {model.name!r} makes voxels, and shapes between two seeds of it cannot be kept as objects.",
            "Take a model of textured meshes, or generate with another seed.",
        )
    made = generate_shapes(
        model,
        parameters.seed,
        parameters.count,
        parameters.variety,
        _mesh_settings(parameters) if makes_voxels(model) else None,
        progress=work.progress,
        cancelled=work.cancelled,
        cache=grid_cache(data_home()),
        towards=parameters.towards,
    )
    arrays: dict[str, np.ndarray] = {}
    shapes = []
    for index, shape in enumerate(made):
        mesh = shape.mesh if isinstance(shape, TexturedShape) else shape
        arrays[f"vertices_{index}"], arrays[f"faces_{index}"] = mesh.vertices, mesh.faces
        if isinstance(shape, TexturedShape):
            arrays[f"uv_{index}"], arrays[f"uv_faces_{index}"] = shape.uv, shape.uv_faces
            arrays[f"texture_{index}"] = shape.texture
        seed = parameters.seed if parameters.towards is not None else parameters.seed + index
        name = shape_name(model.name, parameters.seed, index, parameters.towards)
        shapes.append({"index": index, "seed": seed, "name": name})
    result = {"model": model.name, "model_hash": model.hash, "method": model.method, "shapes": shapes}
    return JobOutput(result, arrays)


def _mesh_settings(parameters: GenerateParameters) -> "MeshSettings":
    from unrender.meshing import MeshSettings

    smoothing = parameters.smoothing if parameters.smooth else 0.0
    return MeshSettings(parameters.threshold, smoothing, parameters.resolution, parameters.max_faces)


def shape_name(model: str, seed: int, index: int = 0, towards: int | None = None) -> str:
    """What shape `index` of a model from a seed on is called: `chairs-32`, 7 -> `chair_0007`; on the way towards
    another seed, 9 -> `chair_0007_0009_00`."""
    word = re.match(r"[A-Za-z_]*", model)
    noun = (word.group() if word else "").strip("_").lower()
    if noun.endswith("toes"):  # tomatoes, potatoes
        noun = noun.removesuffix("es")
    elif noun.endswith("ies") and len(noun) > 4:  # berries, cherries
        noun = noun.removesuffix("ies") + "y"
    elif len(noun) > 3 and not noun.endswith("ss"):
        noun = noun.removesuffix("s")
    if towards is not None:
        return f"{noun or 'shape'}_{seed:04d}_{towards:04d}_{index:02d}"
    return f"{noun or 'shape'}_{seed + index:04d}"
