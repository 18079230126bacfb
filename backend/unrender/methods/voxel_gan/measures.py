# SPDX-License-Identifier: Apache-2.0
"""Measures of a trained voxel GAN: pictures against pictures, and what its grids look like."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from unrender.errors import CancelledError
from unrender.methods.models import Model
from unrender.methods.voxel_gan.black_box import BlackBox
from unrender.methods.voxel_gan.evaluation import Evaluation
from unrender.methods.voxel_gan.pictures import load_pictures
from unrender.methods.voxel_gan.rendering import build_renderer
from unrender.methods.voxel_gan.sampling import load_generator, read_model_config, sample_occupancy
from unrender.metrics.feature_classifier import load_feature_classifier
from unrender.training.progress import CancelCheck, Progress, ProgressCallback

_BATCH = 32


def measure(
    model: Model,
    data: Path,
    count: int,
    seed: int,
    threshold: float,
    progress: ProgressCallback,
    cancelled: CancelCheck,
) -> dict[str, Any]:
    """KID against the pictures of a folder, and statistics of the grids; shape i has the seed `seed + i`.

    Raises CheckpointError, ConfigurationError, DataError, BlenderNotFoundError, CancelledError.
    """
    config = read_model_config(model.path)
    generator = load_generator(model.path, model.weights)
    evaluation = Evaluation(load_feature_classifier(), load_pictures(data, config).images)
    cameras = config.views.sample(count, torch.Generator().manual_seed(seed))
    images, statistics = [], []
    started = time.monotonic()
    renderer = build_renderer(config)
    try:
        black_box = BlackBox(renderer, config.lighting, config.photos.encoding)
        for first in range(0, count, _BATCH):
            if cancelled():
                raise CancelledError(f"Stopped after {first} of {count} shapes.")
            last = min(first + _BATCH, count)
            grids = np.stack([sample_occupancy(generator, seed + i) for i in range(first, last)])
            statistics += [_grid_statistics(grid, threshold) for grid in grids]
            solid = torch.from_numpy(grids[:, None] > threshold)
            images.append(black_box.render(solid, cameras[first:last]))
            eta = (time.monotonic() - started) / last * (count - last)
            progress(Progress("evaluate", last, count, eta))
    finally:
        renderer.close()
    names = ("full_share", "grey_share", "pieces", "empty_share")
    means = dict(zip(names, np.mean(statistics, axis=0).tolist(), strict=True))
    return {"model": model.name, "count": count, "seed": seed, "threshold": threshold} | (
        evaluation.score(torch.cat(images)) | means
    )


def _grid_statistics(grid: np.ndarray, threshold: float) -> tuple[float, float, float, float]:
    solid = grid > threshold
    grey = (grid > 0.1) & (grid < 0.9)
    return solid.mean(), grey.mean(), float(ndimage.label(solid)[1]), float(not solid.any())
