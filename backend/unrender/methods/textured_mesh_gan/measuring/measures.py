# SPDX-License-Identifier: Apache-2.0
"""Measures of a trained textured-mesh GAN."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from unrender.data.known_objects import knows_objects, read_known_objects
from unrender.data.rgb_pictures import RgbPictures
from unrender.data.training_pictures import spread
from unrender.errors import DataError
from unrender.geometry.meshes import Mesh
from unrender.methods.models import Model
from unrender.methods.textured_mesh_gan.measuring.inversion import InversionSettings, Inverter
from unrender.methods.textured_mesh_gan.measuring.metric_list import DEFAULT, possible_metrics
from unrender.methods.textured_mesh_gan.measuring.samples import Sampler
from unrender.methods.textured_mesh_gan.measuring.shapes import SeenShapes, picture_figures, set_figures
from unrender.methods.textured_mesh_gan.measuring.turning import turn_figures
from unrender.methods.textured_mesh_gan.training import load_pictures
from unrender.metrics.features import ImageFeatures
from unrender.metrics.frechet_distance import frechet_distance
from unrender.metrics.kernel_distance import kernel_distance, kernel_distance_deviation
from unrender.metrics.precision_recall import precision_recall
from unrender.training.progress import CancelCheck, ProgressCallback, ignore_progress, never_cancelled
from unrender.training.work import Work

_MOST_REAL = 1000
_TURNED = 24  # objects that are looked at from all sides
_MOST_IN_SETS = 64  # shapes of each side whose distances are taken
_OF_PICTURES = ("fid", "kid", "precision-recall")


def measure(
    model: Model,
    data: Path | None = None,
    metrics: Sequence[str] = DEFAULT,
    count: int = 400,
    seed: int = 0,
    inception: Path | None = None,
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
    inverted: int = 24,
    inversion: InversionSettings | None = None,
) -> dict[str, Any]:
    """The figures of a model, one flat record; sample i has the seed `seed + i`, its view follows from `seed`.

    data: folder of pictures to compare with, which become what training pictures would; "shape" needs one that
    `unrender render-dataset` made of procedural objects. metrics: names of `METRICS`, or "all": those that need a
    folder that is not given are then listed under `skipped`, as of the default ones, with the reason. count: generated
    pictures. inception: weights of FID's Inception network, for the measures of pictures. inverted: pictures that are
    inverted for "shape". Raises CheckpointError, ConfigurationError, DataError, CancelledError.
    """
    work = Work(progress, cancelled)
    names, skipped = possible_metrics(metrics, data is not None, data is not None and knows_objects(data))
    features = ImageFeatures("srgb", inception)
    sampler = Sampler(model, work)
    record: dict[str, Any] = {
        "model": model.name,
        "hash": model.hash,
        "count": count,
        "seed": seed,
        "features": features.name,
    }
    real = None if data is None else load_pictures(data, sampler.config)
    if real is not None:
        record["real"] = {"pictures": str(data), "count": min(len(real), max(count, _MOST_REAL))}
    figures: dict[str, float | int] = {}
    if real is not None and set(_OF_PICTURES) & set(names):
        wanted = features(real.examples(max(count, _MOST_REAL)))
        figures |= _compare(features(sampler.pictures(count, seed)), wanted, names, seed)
    if "monitors" in names:
        figures |= sampler.monitors()
    if "identity" in names:
        scenes = sampler.scenes(_TURNED, seed)
        figures |= turn_figures(scenes, sampler.maker, sampler.views, sampler.classifier, work)
    if "shape" in names and real is not None and data is not None:
        figures |= _shapes(sampler, data, real, count, seed, inverted, inversion or InversionSettings(), work)
    record |= {name: _rounded(value) for name, value in figures.items()}
    return record | ({"skipped": skipped} if skipped else {})


def _compare(
    fake: Float[Tensor, "N D"], real: Float[Tensor, "M D"], names: Sequence[str], seed: int
) -> dict[str, float]:
    figures: dict[str, float] = {}
    if "fid" in names:
        figures["fid"] = frechet_distance(fake, real)
    if "kid" in names:
        figures["kid"] = kernel_distance(fake, real)
        figures["kid_deviation"] = kernel_distance_deviation(fake, real, seed=seed)
    if "precision-recall" in names:
        figures |= precision_recall(fake, real)._asdict()
    return figures


def _shapes(
    sampler: Sampler,
    data: Path,
    real: RgbPictures,
    count: int,
    seed: int,
    inverted: int,
    settings: InversionSettings,
    work: Work,
) -> dict[str, float | int]:
    """Inverted pictures against the objects on them; generated shapes against others of the class."""
    known = read_known_objects(data)
    place = {name: index for index, name in enumerate(real.sources)}
    shown = [index for index, name in enumerate(known.files) if name in place]
    if not shown:
        raise DataError(f"None of the pictures that {data} has records of is there.", "Render the data set again.")
    chosen = known.chosen([shown[k] for k in spread(len(shown), inverted).tolist()])
    pictures = real.chosen([place[name] for name in chosen.files]).examples(len(chosen))
    inverter = Inverter(sampler.generator, sampler.maker, sampler.views, sampler.classifier, settings, seed, work)
    found = inverter.invert(pictures)
    pixels = pictures.shape[-1]
    with torch.no_grad():
        meshes = sampler.meshes(sampler.generator.scene(found.styles))
    seen = SeenShapes(meshes, found.cameras, pixels, work)
    true = SeenShapes([chosen.mesh(index) for index in range(len(chosen))], chosen.cameras, pixels, work)
    figures: dict[str, float | int] = {
        "shape_pictures": len(chosen),
        "shape_colour_error": math.sqrt(found.error.mean().item()),
    }
    figures |= picture_figures(seen, true)
    compared: list[Mesh] = sampler.meshes(sampler.scenes(min(count, _MOST_IN_SETS), seed))
    return figures | set_figures(compared, sampler.config.views.width, chosen, work)


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
