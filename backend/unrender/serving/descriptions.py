# SPDX-License-Identifier: Apache-2.0
"""What the server tells clients of itself: its devices, its limits, its models with small pictures, its data sets."""

import time
from typing import Any

import numpy as np

from unrender import __version__
from unrender.data.datasets import list_datasets
from unrender.methods.models import Model, list_models, model_named
from unrender.methods.training_options import METHODS, list_presets
from unrender.serving.devices import ComputeDevice
from unrender.serving.job_kinds import JobKinds
from unrender.serving.previews import model_picture, thumbnail
from unrender_protocol.codec import DEFAULT_LIMITS
from unrender_protocol.messages import (
    MESHES,
    MODEL_PREVIEWS,
    Device,
    ModelSummary,
    ServerLimits,
    TrainingMethod,
    TrainingPreset,
    Welcome,
)

_THUMBNAIL_BYTES = 6 * 1024
_PICTURES_BYTES = 32 * 1024  # all thumbnails together: the list travels in a header of at most 64 KiB
_MODELS_LISTED = 64
_DATASETS_LISTED = 64
_PRESETS_LISTED = 32
_LONGEST_DESCRIPTION = 200
_SECONDS_FRESH = 10.0  # the list of models is read, and its weights are hashed, at most this often


class ServerDescriptions:
    """The server's devices and kinds of jobs, and the models and data sets that are on disk when somebody asks."""

    def __init__(self, devices: list[ComputeDevice], kinds: JobKinds) -> None:
        self._devices = tuple(Device(d.name, d.kind, d.total_memory, d.free_memory) for d in devices)
        self._capabilities = (*sorted(kinds), MODEL_PREVIEWS, MESHES)
        self._models: tuple[Model, ...] = ()
        self._summaries: tuple[ModelSummary, ...] = ()
        self._read = float("-inf")
        self._previews: dict[str, np.ndarray | None] = {}  # by the hash of the model's weights

    def welcome(self, protocol: int) -> Welcome:
        """The answer to a client that is let in."""
        limits = ServerLimits(DEFAULT_LIMITS.array_bytes, DEFAULT_LIMITS.message_bytes, DEFAULT_LIMITS.arrays)
        return Welcome(
            protocol,
            __version__,
            self._devices[0].name,
            self._devices,
            self._capabilities,
            limits,
            self.models(),
            self.datasets(),
            self.methods(),
            self.presets(),
        )

    def models(self) -> tuple[ModelSummary, ...]:
        """The models, each with a PNG of at most 64 x 64 pixels where it has one and there is room."""
        self._refresh()
        return self._summaries

    def datasets(self) -> tuple[str, ...]:
        """The names of the data sets that can be trained on."""
        return tuple(list_datasets()[:_DATASETS_LISTED])

    def methods(self) -> tuple[TrainingMethod, ...]:
        """The methods that can be trained."""
        return tuple(
            TrainingMethod(option.name, option.title, option.method, option.description, dict(option.settings))
            for option in METHODS
        )

    def presets(self) -> tuple[TrainingPreset, ...]:
        """Their presets, those that are on disk now."""
        return tuple(
            TrainingPreset(option.name, option.method, option.description[:_LONGEST_DESCRIPTION], option.pictures)
            for option in list_presets()[:_PRESETS_LISTED]
        )

    def model_preview(self, name: str) -> tuple[str, np.ndarray | None]:
        """The hash of a model's weights, and a picture uint8 [H, W, 3] of at most 256 pixels a side if there is one.

        Raises UnknownModelError.
        """
        self._refresh()
        model = model_named(name, self._models)
        if model.hash not in self._previews:
            hashes = {model.hash for model in self._models}
            self._previews = {hash: kept for hash, kept in self._previews.items() if hash in hashes}
            self._previews[model.hash] = model_picture(model.path, model.method)
        return model.hash, self._previews[model.hash]

    def weights(self, name: str, hash: str) -> tuple[str, bool]:
        """The folder of the model with these weights, empty where there is none; whether any model has that name."""
        self._refresh()
        folder = next((str(model.path) for model in self._models if model.hash == hash), "")
        return folder, any(model.name == name for model in self._models)

    def expire(self) -> None:
        """Read the models again when somebody asks: a job has ended, and may have made one."""
        self._read = float("-inf")

    def _refresh(self) -> None:
        if time.monotonic() - self._read > _SECONDS_FRESH:
            self._models = tuple(list_models()[:_MODELS_LISTED])
            self._summaries = _summaries(self._models)
            self._read = time.monotonic()


def _summaries(models: tuple[Model, ...]) -> tuple[ModelSummary, ...]:
    room = _PICTURES_BYTES
    summaries = []
    for model in models:
        details: dict[str, Any] = {}
        picture = thumbnail(model.path, model.method)
        if picture is not None and len(picture) <= min(room, _THUMBNAIL_BYTES):
            details["thumbnail"] = picture
            room -= len(picture)
        description = str(model.card.get("description", ""))[:_LONGEST_DESCRIPTION]
        summaries.append(ModelSummary(model.name, model.method, model.hash, description, details))
    return tuple(summaries)
