# SPDX-License-Identifier: Apache-2.0
"""The systems that Unrender trains, by name. Each lives in a package of its own and is imported when asked for.

Every package has the same doors: `config` with `load_config` and `preset_names`, `training` with `train`, `sampling`
with `load_generator`.
"""

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from unrender.configuration import read_toml
from unrender.errors import ConfigurationError
from unrender.training.progress import CancelCheck, ProgressCallback, ignore_progress, never_cancelled
from unrender.training.run_folder import RunFolder

USUAL_PRESETS: Mapping[str, str] = MappingProxyType(
    {"voxel_gan": "iggan-32", "textured_mesh_gan": "textured-photos-64"}
)
"""The preset of each method that is taken where none is named."""

METHODS = tuple(USUAL_PRESETS)

_NO_SETTINGS = {"textured_mesh_gan": ("views.width",)}  # its frame always just holds the ball that objects are in


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

    config: name of a preset or path of a TOML file; empty for the usual preset. overrides: `key=value` assignments.
    devices: processes on this machine, one per GPU. nodes: machines, each of which calls this. Raises
    ConfigurationError, DataError, BlenderNotFoundError, DivergedError, DiskFullError, DeviceLostError, and
    CancelledError once a checkpoint was saved.
    """
    training = _door(method, "training")
    config = _settings_of(method, config)
    from unrender.training.launch import Layout

    check_run(method, out)
    layout = Layout(devices, nodes)
    run: RunFolder = training.train(config, data, out, overrides, resume, progress, cancelled, layout)
    return run


def check_run(method: str, out: Path) -> None:
    """Raises ConfigurationError where a folder holds a run of another method."""
    from unrender.methods.models import method_of

    if RunFolder(out).exists() and method_of(out) != method:
        raise ConfigurationError(
            f"{out} holds a run of {method_of(out)}, but {method} was asked for.",
            "Name that method, or choose another --out.",
        )


def image_size(method: str, config: str, overrides: tuple[str, ...] = ()) -> int:
    """Pixels per side of the pictures that a training of these settings looks at; raises ConfigurationError."""
    load_config = _door(method, "config").load_config
    size: int = load_config(_settings_of(method, config), overrides).image_size
    return size


def view_settings(method: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Of what a data set says of its views (see `data.datasets.view_settings`), what the method has settings for."""
    return {name: value for name, value in known.items() if name not in _NO_SETTINGS.get(method, ())}


def preset_names(method: str) -> list[str]:
    """The presets of a method, sorted; raises ConfigurationError."""
    names: list[str] = _door(method, "config").preset_names()
    return names


def _settings_of(method: str, config: str) -> str:
    """A preset or a file, the usual preset where none is named; raises ConfigurationError for those of other methods.

    Settings of another method would else be named one by one as unknown.
    """
    owner = method
    if Path(config).suffix == ".toml" and Path(config).is_file():
        owner = str(read_toml(Path(config)).get("method", method))
    elif config not in preset_names(method):
        owner = next((other for other in METHODS if config in preset_names(other)), method)
    if owner != method:
        raise ConfigurationError(
            f"{config} has settings of {owner}, but {method} was asked for.",
            f"Train {owner}, or name one of {', '.join(preset_names(method))}.",
        )
    return config or USUAL_PRESETS[method]


def _door(method: str, name: str) -> Any:
    if method not in METHODS:
        raise ConfigurationError(f"There is no method {method!r}.", f"Methods: {', '.join(METHODS)}.")
    return importlib.import_module(f"{__name__}.{method}.{name}")
