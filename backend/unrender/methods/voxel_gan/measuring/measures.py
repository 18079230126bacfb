# SPDX-License-Identifier: Apache-2.0
"""Measures of a trained voxel GAN of any route: images against images, shapes against shapes, and its proxy."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from unrender.errors import ConfigurationError
from unrender.methods.models import Model
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.measuring.figures import Figures
from unrender.methods.voxel_gan.measuring.metric_list import ALL, DEFAULT, chosen_metrics, obstacle
from unrender.methods.voxel_gan.measuring.proxy_fidelity import proxy_psnr
from unrender.methods.voxel_gan.measuring.reference import load_reference
from unrender.methods.voxel_gan.measuring.samples import GridSamples, draw_samples
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.pictures.rendering import LazyRenderer, build_renderer
from unrender.methods.voxel_gan.sampling import load_any_generator, read_model_config
from unrender.metrics.features import ImageFeatures
from unrender.training.progress import CancelCheck, ProgressCallback, ignore_progress, never_cancelled
from unrender.training.work import Work

DEFAULT_THRESHOLD = 0.5
_VALIDATED = 200  # shapes, and pictures, that a threshold is chosen on
_AUDITED = 96


def measure(
    model: Model,
    data: Path | None = None,
    shapes: str = "",
    metrics: Sequence[str] = DEFAULT,
    count: int = 400,
    seed: int = 0,
    threshold: float | Literal["best"] = DEFAULT_THRESHOLD,
    inception: Path | None = None,
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
) -> dict[str, Any]:
    """The figures of a model, one flat record; sample i has the seed `seed + i`, its view follows from `seed`.

    data, shapes: what to compare with, see `load_reference`. metrics: names of `METRICS`, or "all": those that the
    model does not have are then listed under `skipped`, with the reason. threshold: an occupancy, or "best": figures
    at 0.5 and, with `_best` in their names, at the threshold whose KID to the pictures for validation is lowest.
    inception: weights of FID's Inception network, for all measures of images. Raises CheckpointError,
    ConfigurationError, DataError, BlenderNotFoundError, CancelledError.
    """
    config = read_model_config(model.path)
    names, skipped = possible_metrics(metrics, config, model, real_shapes=data is None)
    features = ImageFeatures(config.photos.encoding, inception)
    generator = load_any_generator(model.weights, config)
    work = Work(progress, cancelled)
    renderer = LazyRenderer(lambda: build_renderer(config))  # pictures of a generator of images need none
    try:
        black_box = BlackBox(renderer, config.lighting, config.photos.encoding)
        validated = _VALIDATED if threshold == "best" and config.route != "image" else 0
        reference = load_reference(config, data, shapes, count, validated, black_box, work)
        samples = draw_samples(generator, config, black_box, count, seed, work)
        figures = Figures(reference, features, work, seed)
        record: dict[str, Any] = {
            "model": model.name,
            "hash": model.hash,
            "count": count,
            "seed": seed,
            "threshold": DEFAULT_THRESHOLD if threshold == "best" else threshold,
            "features": features.name,
            "real": reference.facts,
        }
        record |= figures.take(samples, record["threshold"], names)
        if validated and isinstance(samples, GridSamples):
            record |= _at_best_threshold(figures, samples, names)
        if isinstance(samples, GridSamples) and "proxy" in names:
            record["proxy_psnr"] = round(proxy_psnr(model, config, samples, seed), 3)
    finally:
        renderer.close()
    if "band-audit" in names:
        from unrender.methods.voxel_gan.measuring.audit_report import audit_run

        record["band_audit"] = audit_run(model.path, min(count, _AUDITED), seed=seed)
    return record | ({"skipped": skipped} if skipped else {})


def _at_best_threshold(figures: Figures, samples: GridSamples, metrics: Sequence[str]) -> dict[str, Any]:
    best, tried = figures.best_threshold(samples.first(_VALIDATED))
    at_best = figures.take(samples, best, [name for name in metrics if name != "fid-over-thresholds"])
    of_samples = {f"{name}_best": value for name, value in at_best.items() if not name.endswith("_real")}
    return {"best_threshold": best, "kid_by_threshold": tried} | of_samples


def possible_metrics(
    asked: Sequence[str], config: VoxelGanConfig, model: Model, real_shapes: bool
) -> tuple[list[str], dict[str, str]]:
    """The metrics to take, and those that cannot be taken with the reason.

    Raises ConfigurationError for an unknown name, and for one that was asked for by name and cannot be taken; of "all"
    and of the default ones, those are left out.
    """
    trained = model.weights.parent.name == "checkpoints"
    names = chosen_metrics(asked)
    reasons = {name: obstacle(name, config, trained, real_shapes) for name in names}
    skipped = {name: reason for name, reason in reasons.items() if reason}
    if skipped and ALL not in asked and tuple(asked) != DEFAULT:
        name, reason = next(iter(skipped.items()))
        raise ConfigurationError(
            f"The metric {name!r} cannot be taken of {model.name}: {reason}.", f"Leave it away, or ask for {ALL!r}."
        )
    return [name for name in names if name not in skipped], skipped
