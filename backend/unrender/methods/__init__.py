# SPDX-License-Identifier: Apache-2.0
"""The systems that Unrender trains, by name. Each lives in a package of its own and is imported when asked for."""

from pathlib import Path

from unrender.errors import ConfigurationError
from unrender.training.progress import CancelCheck, ProgressCallback, ignore_progress, never_cancelled
from unrender.training.run_folder import RunFolder

METHODS = ("voxel_gan",)


def train(
    method: str,
    config: str,
    data: Path | None,
    out: Path,
    overrides: tuple[str, ...] = (),
    resume: bool = False,
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
    devices: int = 1,
    nodes: int = 1,
) -> RunFolder:
    """Train a method from a folder of pictures, or from the objects that its settings name, or continue; returns the
    run's folder.

    config: name of a preset or path of a TOML file. overrides: `key=value` assignments. devices: processes on this
    machine, one per GPU. nodes: machines, each of which calls this. Raises ConfigurationError, DataError,
    BlenderNotFoundError, DivergedError, DiskFullError, DeviceLostError, and CancelledError once a checkpoint was saved.
    """
    _check_method(method)
    from unrender.methods.voxel_gan.training import train as train_voxel_gan
    from unrender.training.launch import Layout

    return train_voxel_gan(config, data, out, overrides, resume, progress, cancelled, Layout(devices, nodes))


def image_size(method: str, config: str, overrides: tuple[str, ...] = ()) -> int:
    """Pixels per side of the pictures that a training of these settings looks at; raises ConfigurationError."""
    _check_method(method)
    from unrender.methods.voxel_gan.config import load_config

    return load_config(config, overrides).image_size


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise ConfigurationError(f"There is no method {method!r}.", f"Methods: {', '.join(METHODS)}.")
