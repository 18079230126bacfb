# SPDX-License-Identifier: Apache-2.0
"""Training a voxel GAN from a folder of pictures: config, data, renderer and loop put together."""

import dataclasses
import json
import logging
from pathlib import Path

import torch

from unrender.configuration import dump_toml
from unrender.data.datasets import view_settings
from unrender.data.image_folder import ImageSet
from unrender.data.photo_tone import fit_lighting
from unrender.data.training_pictures import StillPictures, TrainingPictures
from unrender.methods.voxel_gan.config import VoxelGanConfig, load_config, network_threads
from unrender.methods.voxel_gan.method import VoxelGan
from unrender.methods.voxel_gan.pictures.black_box import BlackBox
from unrender.methods.voxel_gan.pictures.checks import complaints
from unrender.methods.voxel_gan.pictures.loading import (
    load_config_for_data,
    load_pictures,
    picture_folder,
    render_examples,
    render_pictures,
    voxelise_pretraining_shapes,
)
from unrender.methods.voxel_gan.pictures.rendering import training_renderer
from unrender.methods.voxel_gan.sampling import TRAINING_KIND
from unrender.metrics.evaluation import Evaluation
from unrender.metrics.feature_classifier import load_feature_classifier
from unrender.training.devices import Devices
from unrender.training.launch import Layout, launch
from unrender.training.loop import Schedule, TrainingLoop
from unrender.training.progress import CancelCheck, ProgressCallback
from unrender.training.run_folder import RunFolder

_log = logging.getLogger(__name__)
_FITTED_LIGHTS = 4  # of two the edges of their shadows show: a crease, which a generator shapes its surfaces around
_MOST_COMPARED = 1000  # renders of known objects that an evaluation compares with


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
    """Train or continue a run, on a folder of pictures or, without one, on renders of the objects that the settings
    name; returns its folder.

    Raises ConfigurationError, DataError, BlenderNotFoundError, DivergedError, DiskFullError, DeviceLostError, and
    CancelledError once a checkpoint was saved.
    """
    run = RunFolder(out)
    continuing = resume and run.exists()
    if continuing:
        config = load_config(str(run.config_path), overrides)
    else:
        config = load_config_for_data(config_name, data, overrides)
        run.check_new()
    folder = picture_folder(data, config)
    continued_with = " ".join(overrides) if continuing else None
    launch(_train_here, (config, folder, out, continued_with), layout, config.precision, progress, cancelled)
    return run


def _train_here(
    devices: Devices,
    progress: ProgressCallback,
    cancelled: CancelCheck,
    config: VoxelGanConfig,
    folder: Path | None,
    out: Path,
    continued_with: str | None,
) -> None:
    """The part of one process. continued_with: new settings of a run that was begun earlier; None for a new one."""
    run = RunFolder(out)
    with devices.first_ahead():
        photos = None if folder is None else load_pictures(folder, config, "train")
    if photos is not None and continued_with is None:
        config = _with_fitted_light(config, photos, run, devices)
    if devices.is_first:
        _note_beginning(run, config, photos, continued_with)
    torch.set_num_threads(config.torch_threads or max(1, network_threads(config) // devices.local_world))
    renderer = training_renderer(config)
    pictures: TrainingPictures | None = None
    try:
        black_box = BlackBox(renderer, config.lighting, config.photos.encoding)
        if photos is not None:
            pictures = StillPictures(photos.images)
            compared = photos.images
            if folder is not None and config.photos.held_out > 0.0:
                compared = load_pictures(folder, config, "held_out").images
        else:
            with devices.first_ahead():
                pictures = render_pictures(config, black_box, progress, cancelled)
                compared = render_examples(config, black_box, _MOST_COMPARED, progress, cancelled)
        if continued_with is None:
            with devices.first_ahead():
                voxelise_pretraining_shapes(config, progress, cancelled)
        evaluation = Evaluation(load_feature_classifier(), compared)
        method = VoxelGan(config, black_box, evaluation, devices)
        schedule = Schedule(config.checkpoint_minutes, config.sample_minutes, config.evaluate_minutes)
        loop = TrainingLoop(method, pictures, run, TRAINING_KIND, schedule, config.seed, devices)
        if continued_with is not None:
            loop.resume()
        if devices.is_first:
            _complain(run, complaints(config, len(pictures), photos, {} if folder is None else view_settings(folder)))
            run.write_config(
                dump_toml(config)
            )  # only now is it certain that a resumed run can go on with other settings
        loop.run(progress, cancelled)
    finally:
        if pictures is not None:
            pictures.close()
        renderer.close()


def _note_beginning(
    run: RunFolder, config: VoxelGanConfig, photos: ImageSet | None, continued_with: str | None
) -> None:
    if continued_with:
        run.log(f"continued with {continued_with}")
    if continued_with is None:
        if photos is not None:
            run.log(f"pictures: {json.dumps(photos.summary())}")
        run.write_config(dump_toml(config))


def _complain(run: RunFolder, sentences: list[str]) -> None:
    """Say what is odd about the pictures, in the log and aloud."""
    for sentence in sentences:
        run.log(sentence)
        _log.warning(sentence)


def _with_fitted_light(config: VoxelGanConfig, pictures: ImageSet, run: RunFolder, devices: Devices) -> VoxelGanConfig:
    """Light and exposure of the black box as in the photographs: else the generator roughens surfaces to match their
    tone."""
    if not (config.renderer.fit_to_photos and pictures.framed_by_object > 0):
        return config
    tone = fit_lighting(pictures.images, config.photos.encoding, _FITTED_LIGHTS)
    if devices.is_first:
        run.log(f"light fitted to the photographs: {json.dumps(tone.summary())}")
    return dataclasses.replace(config, lighting=tone.lighting)
