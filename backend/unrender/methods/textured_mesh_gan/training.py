# SPDX-License-Identifier: Apache-2.0
"""Training a textured-mesh GAN from a folder of pictures: config, pictures and loop put together."""

import json
import logging
from pathlib import Path
from typing import Any

import torch

from unrender.configuration import dump_toml
from unrender.data.datasets import view_settings
from unrender.data.image_cache import ImageCache
from unrender.data.rgb_pictures import RgbPictures, RgbSettings, load_rgb_pictures
from unrender.errors import ConfigurationError
from unrender.methods.textured_mesh_gan.config import TexturedMeshGanConfig, load_config, network_threads
from unrender.methods.textured_mesh_gan.method import TexturedMeshGan
from unrender.methods.textured_mesh_gan.sampling import TRAINING_KIND
from unrender.metrics.evaluation import Evaluation
from unrender.metrics.feature_classifier import load_feature_classifier
from unrender.storage import data_home
from unrender.training.devices import Devices
from unrender.training.launch import Layout, launch
from unrender.training.loop import Schedule, TrainingLoop
from unrender.training.progress import CancelCheck, ProgressCallback
from unrender.training.run_folder import RunFolder
from unrender.training.view_checks import view_complaints

_ANGLES = ("views.azimuth_degrees", "views.elevation_degrees")
_MOST_COMPARED = 1000  # training pictures that an evaluation compares with

_log = logging.getLogger(__name__)


def train(
    config_name: str,
    data: Path | None,
    out: Path,
    overrides: tuple[str, ...],
    resume: bool,
    progress: ProgressCallback,
    cancelled: CancelCheck,
    layout: Layout,
) -> RunFolder:
    """Train or continue a run on a folder of pictures; returns its folder.

    Raises ConfigurationError, DataError, CheckpointError, DivergedError, DiskFullError, DeviceLostError, and
    CancelledError once a checkpoint was saved.
    """
    if data is None:
        raise ConfigurationError("No pictures were named.", "Add --data FOLDER, with photographs of one kind of thing.")
    run = RunFolder(out)
    continuing = resume and run.exists()
    if continuing:
        config = load_config(str(run.config_path), overrides)
    else:
        config = load_config(config_name, overrides, known_views(data))
        run.check_new()
    continued_with = " ".join(overrides) if continuing else None
    launch(_train_here, (config, data, out, continued_with), layout, config.precision, progress, cancelled)
    return run


def known_views(folder: Path) -> dict[str, Any]:
    """Where a rendered data set was seen from, as settings; empty for photographs."""
    return {name: value for name, value in view_settings(folder).items() if name in _ANGLES}


def load_pictures(folder: Path, config: TexturedMeshGanConfig) -> RgbPictures:
    """The training pictures of a folder, `[N, 3, image_size, image_size]`; raises DataError."""
    photos = config.photos
    settings = RgbSettings(
        config.image_size, photos.framing, photos.background, config.seed, photos.fill, photos.face_pixels
    )
    return load_rgb_pictures(folder, settings, ImageCache(data_home() / "cache" / "images"))


def _train_here(
    devices: Devices,
    progress: ProgressCallback,
    cancelled: CancelCheck,
    config: TexturedMeshGanConfig,
    folder: Path,
    out: Path,
    continued_with: str | None,
) -> None:
    """The part of one process. continued_with: new settings of a run that was begun earlier; None for a new one."""
    run = RunFolder(out)
    with devices.first_ahead():
        pictures = load_pictures(folder, config)
    if devices.is_first:
        if continued_with is None:
            run.log(f"pictures: {json.dumps(pictures.summary())}")
            run.write_config(dump_toml(config))
        elif continued_with:
            run.log(f"continued with {continued_with}")
    torch.set_num_threads(max(1, network_threads(config) // devices.local_world))
    evaluation = Evaluation(load_feature_classifier(), pictures.examples(_MOST_COMPARED))
    method = TexturedMeshGan(config, evaluation, devices)
    schedule = Schedule(config.checkpoint_minutes, config.sample_minutes, config.evaluate_minutes)
    loop = TrainingLoop(method, pictures, run, TRAINING_KIND, schedule, config.seed, devices)
    if continued_with is not None:
        loop.resume()
    if devices.is_first:
        for sentence in [*view_complaints(config.views, view_settings(folder)), *pictures.complaints()]:
            run.log(sentence)
            _log.warning(sentence)
        run.write_config(dump_toml(config))  # only now is it certain that a resumed run can go on with other settings
    loop.run(progress, cancelled)
