# SPDX-License-Identifier: Apache-2.0
"""What the measures say of things whose quality is known: the rows beside which a model's figures can be read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unrender.methods.models import Model
from unrender.methods.voxel_gan.config import VoxelGanConfig
from unrender.methods.voxel_gan.measuring.figures import Figures
from unrender.methods.voxel_gan.measuring.measures import DEFAULT_THRESHOLD
from unrender.methods.voxel_gan.measuring.metric_list import DEFAULT, METRICS, chosen_metrics
from unrender.methods.voxel_gan.measuring.reference import Reference, load_reference, some_grids
from unrender.methods.voxel_gan.measuring.samples import GridSamples, ImageSamples, Samples, draw_samples
from unrender.methods.voxel_gan.networks import build_any_generator
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.pictures.rendering import build_renderer
from unrender.methods.voxel_gan.sampling import read_model_config
from unrender.metrics.features import ImageFeatures
from unrender.training.progress import CancelCheck, ProgressCallback, ignore_progress, never_cancelled
from unrender.training.work import Work


def measure_sanity(
    model: Model,
    data: Path | None = None,
    shapes: str = "",
    metrics: Sequence[str] = DEFAULT,
    count: int = 400,
    seed: int = 0,
    inception: Path | None = None,
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
) -> list[dict[str, Any]]:
    """Records as of `measure` with a `row`: "real" (other real ones), "visual hulls" (of real shapes: what a perfect
    visual hull would score) and "untrained" (the model's generator with fresh weights).

    With the model's renderer, views and reference. Of pictures there are no hulls. Raises as `measure`.
    """
    config = read_model_config(model.path)
    names = chosen_metrics(metrics)
    work = Work(progress, cancelled)
    renderer = build_renderer(config)
    try:
        black_box = BlackBox(renderer, config.lighting, config.photos.encoding)
        reference = load_reference(config, data, shapes, count, count, black_box, work)
        figures = Figures(reference, ImageFeatures(config.photos.encoding, inception), work, seed)
        records = []
        for row, samples in _rows(config, reference, black_box, count, seed, work).items():
            needs = {"images"}
            if samples.grids is not None:
                needs |= {"shapes"} if reference.shapes is None else {"shapes", "real shapes"}
            possible = [name for name in names if METRICS[name].needs in needs]
            facts = {"row": row, "count": len(samples), "seed": seed, "threshold": DEFAULT_THRESHOLD}
            facts |= {"features": figures.features.name, "real": reference.facts}
            records.append(facts | figures.take(samples, DEFAULT_THRESHOLD, possible))
    finally:
        renderer.close()
    return records


def _rows(
    config: VoxelGanConfig, reference: Reference, black_box: BlackBox, count: int, seed: int, work: Work
) -> dict[str, Samples]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = build_any_generator(config).eval().requires_grad_(False)
    untrained = draw_samples(fresh, config, black_box, count, seed, work)
    if reference.other_shapes is None:
        return {"real": ImageSamples(reference.validation), "untrained": untrained}
    from unrender.metrics.visual_hull import visual_hull  # compiles for some seconds when it is first used

    solids = some_grids(reference.other_shapes, count).numpy()
    hulls = [visual_hull(solids[part.start]) for part in work.parts("visual hulls", len(solids), 1)]
    cameras = config.views.sample(len(solids), torch.Generator().manual_seed(seed))
    real, hulled = (
        GridSamples(grids.astype(np.float32), cameras, black_box, work) for grids in (solids, np.stack(hulls))
    )
    return {"real": real, "visual hulls": hulled, "untrained": untrained}
