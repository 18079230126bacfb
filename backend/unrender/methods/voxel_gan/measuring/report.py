# SPDX-License-Identifier: Apache-2.0
"""A run on one page: figures and what they mean, curves, samples, what they are nearest to."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unrender.atomic_file import write_atomically
from unrender.methods.models import EVALUATIONS, Model
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.measuring.metric_list import FIGURES, METRICS
from unrender.methods.voxel_gan.measuring.reference import load_reference
from unrender.methods.voxel_gan.measuring.samples import draw_samples
from unrender.methods.voxel_gan.measuring.turnaround import render_turnaround
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.pictures.loading import load_pictures, render_examples
from unrender.methods.voxel_gan.pictures.rendering import build_renderer
from unrender.methods.voxel_gan.sampling import load_any_generator, read_model_config
from unrender.metrics.features import ImageFeatures
from unrender.storage import writable_data_home
from unrender.training.html_page import curve, curves, details, page, paragraph, picture, shown, table
from unrender.training.progress import CancelCheck, ProgressCallback, ignore_progress, never_cancelled
from unrender.training.run_folder import RunFolder
from unrender.training.sheets import picture_grid
from unrender.training.work import Work

PAGE = "report.html"
_SHOWN, _COLUMNS = 32, 8
_COMPARED, _NEAREST = 8, 4
_MOST_TRAINED_ON = 1000
_TURNED = 4
_FACTS = ("model", "row", "hash", "count", "seed", "threshold", "features", "real", "skipped", "band_audit")
_CURVES = (
    *("kid", "fid", "generator_loss", "discriminator_loss", "proxy_loss", "proxy_psnr", "matching_loss", "diversity"),
    *("occupancy", "grey_share", "coverage", "audit_correlation", "augmentation", "step_seconds"),
)


def write_report(
    model: Model,
    data: Path | None,
    shapes: str,
    records: Sequence[dict[str, Any]],
    seed: int = 0,
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
) -> Path:
    """Write `report.html` into the run's folder, or below the data home for a bundled model; returns its path.

    data, shapes: as in `measure`. records: of `measure`, the model's first, then those of `measure_sanity`. Raises as
    `measure`, and NotWritableError.
    """
    config = read_model_config(model.path)
    work = Work(progress, cancelled)
    samples, nearest = _samples_and_nearest(model, config, data, shapes, records[0]["threshold"], seed, work)
    sections = [
        ("Figures", _figures(records)),
        ("Thresholds", _thresholds(records[0])),
        ("Training", _training(model)),
        ("Samples", picture(samples, f"{_SHOWN} samples, seeds from {seed}, each from a view of its own")),
        ("From every side", _turnaround(model, config, records[0]["threshold"], seed)),
        ("Nearest to them", nearest),
        ("Gradients", _band_audit(records[0])),
        ("All evaluations", _earlier(model)),
        ("Settings", details("config.toml", (model.path / "config.toml").read_text(encoding="utf-8"))),
    ]
    subtitle = f"{model.method}, route {config.route}, {config.resolution}³ voxels, {config.image_size}² images"
    html = page(model.name, f"{subtitle}, weights {model.hash}", sections)
    target = _target(model)
    write_atomically(target, lambda path: _write_text(path, html))
    return target


def _target(model: Model) -> Path:
    if model.weights.parent.name == "checkpoints":
        return model.path / PAGE
    folder = writable_data_home() / "reports"
    folder.mkdir(exist_ok=True)
    return folder / f"{model.name}.html"


def _figures(records: Sequence[dict[str, Any]]) -> str:
    names = [name for name in records[0] if name not in _FACTS and isinstance(records[0][name], int | float)]
    names = [name for name in names if name != "best_threshold" and not name.endswith("_best")]
    heads = ["", f"at {shown(records[0]['threshold'])}"]
    columns = [records[0]]
    if "best_threshold" in records[0]:
        heads.append(f"at {shown(records[0]['best_threshold'])} (best)")
        columns.append({name: records[0].get(f"{name}_best") for name in names})
    heads += [record["row"] for record in records[1:]]
    columns += records[1:]
    rows = [[name, *[column.get(name) for column in columns], FIGURES.get(name, "")] for name in names]
    facts = records[0]
    about = f"{facts['count']} samples against {json.dumps(facts['real'])}; features {facts['features']}."
    left_out = "".join(paragraph(f"{name}: not taken, {reason}.") for name, reason in facts.get("skipped", {}).items())
    return paragraph(about) + table([*heads, "what it is"], rows) + left_out


def _thresholds(record: dict[str, Any]) -> str:
    tried = record.get("kid_by_threshold")
    if not tried:
        return ""
    return curves(
        [curve("KID on pictures for validation, by threshold", [float(name) for name in tried], [*tried.values()])]
    )


def _training(model: Model) -> str:
    lines = RunFolder(model.path).metrics()
    drawn = []
    for name in _CURVES:
        known = [line for line in lines if isinstance(line.get(name), int | float)]
        drawn.append(curve(name, [line["images"] for line in known], [line[name] for line in known]))
    drawn = [figure for figure in drawn if figure]
    return (paragraph("By real images shown.") + curves(drawn)) if drawn else ""


def _samples_and_nearest(
    model: Model, config: VoxelGanConfig, data: Path | None, shapes: str, threshold: float, seed: int, work: Work
) -> tuple[NDArray[np.uint8], str]:
    renderer = build_renderer(config)
    try:
        black_box = BlackBox(renderer, config.lighting, config.photos.encoding)
        generator = load_any_generator(model.weights, config)
        images = draw_samples(generator, config, black_box, _SHOWN, seed, work).images(threshold)
        known, what = _trained_on(config, data, shapes, black_box, work)
    finally:
        renderer.close()
    rows = _with_nearest(images[:_COMPARED], known, ImageFeatures(config.photos.encoding))
    sheet = picture(
        picture_grid(rows, _NEAREST + 1, config.photos.encoding),
        f"Left: a sample. Right of it: the nearest of {len(known)} {what}, by features. A copy beside every sample "
        "would say that the model remembers instead of generating.",
    )
    return picture_grid(images, _COLUMNS, config.photos.encoding), sheet


def _trained_on(
    config: VoxelGanConfig, data: Path | None, shapes: str, black_box: BlackBox, work: Work
) -> tuple[Float[Tensor, "N 2 H W"], str]:
    if data is not None:
        return load_pictures(data, config, "train").images, "pictures of the folder"
    if config.data.shapes and not shapes:
        images = render_examples(config, black_box, _MOST_TRAINED_ON, work.progress, work.cancelled)
        return images, "renders of training objects"
    return load_reference(config, None, shapes, _SHOWN, 0, black_box, work).images, "renders of real objects"


def _with_nearest(
    samples: Float[Tensor, "S 2 H W"], known: Float[Tensor, "N 2 H W"], features: ImageFeatures
) -> Float[Tensor, "T 2 H W"]:
    distances = torch.cdist(features(samples), features(known))
    nearest = distances.topk(min(_NEAREST, len(known)), largest=False).indices
    return torch.cat([torch.cat([sample[None], known[near]]) for sample, near in zip(samples, nearest, strict=True)])


def _turnaround(model: Model, config: VoxelGanConfig, threshold: float, seed: int) -> str:
    if config.route == "image":
        return ""
    return picture(
        render_turnaround(model, seed, _TURNED, threshold), f"{_TURNED} samples, 45 degrees from view to view"
    )


def _band_audit(record: dict[str, Any]) -> str:
    if "band_audit" not in record:
        return ""
    with Image.open(record["band_audit"]["picture"]) as image:
        return picture(np.asarray(image.convert("RGB")), METRICS["band-audit"].meaning)


def _earlier(model: Model) -> str:
    path = model.path / EVALUATIONS
    if not path.is_file():
        return ""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    names = ("hash", "count", "seed", "threshold", "features", "fid", "kid", "fid_best", "kid_best")
    return table(names, [[line.get(name) for name in names] for line in lines])


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
