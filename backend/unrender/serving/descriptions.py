# SPDX-License-Identifier: Apache-2.0
"""What the server tells clients of itself: its devices, its limits, its models with small pictures."""

import io
import time
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from unrender import __version__
from unrender.serving.devices import ComputeDevice
from unrender.serving.job_kinds import JobKinds
from unrender_protocol.codec import DEFAULT_LIMITS
from unrender_protocol.messages import Device, ModelSummary, ServerLimits, Welcome

_THUMBNAIL_PIXELS = 64
_THUMBNAIL_BYTES = 6 * 1024
_PICTURES_BYTES = 40 * 1024  # all thumbnails together: the list travels in a header of at most 64 KiB
_MODELS_LISTED = 64
_LONGEST_DESCRIPTION = 200
_SECONDS_FRESH = 10.0  # the list of models is read, and its weights are hashed, at most this often


class ServerDescriptions:
    """The server's devices and kinds of jobs, and the models that are on disk when somebody asks."""

    def __init__(self, devices: list[ComputeDevice], kinds: JobKinds) -> None:
        self._devices = tuple(Device(d.name, d.kind, d.total_memory, d.free_memory) for d in devices)
        self._kinds = tuple(sorted(kinds))
        self._models: tuple[ModelSummary, ...] = ()
        self._read = float("-inf")

    def welcome(self, protocol: int) -> Welcome:
        """The answer to a client that is let in."""
        limits = ServerLimits(DEFAULT_LIMITS.array_bytes, DEFAULT_LIMITS.message_bytes, DEFAULT_LIMITS.arrays)
        device = self._devices[0].name
        return Welcome(protocol, __version__, device, self._devices, self._kinds, limits, self.models())

    def models(self) -> tuple[ModelSummary, ...]:
        """The models, each with a PNG of at most 64 x 64 pixels where it has one and there is room."""
        if time.monotonic() - self._read > _SECONDS_FRESH:
            self._models = _summaries()
            self._read = time.monotonic()
        return self._models

    def expire(self) -> None:
        """Read the models again when somebody asks: a job has ended, and may have made one."""
        self._read = float("-inf")


def _summaries() -> tuple[ModelSummary, ...]:
    from unrender.methods.models import list_models

    room = _PICTURES_BYTES
    summaries = []
    for model in list_models()[:_MODELS_LISTED]:
        details: dict[str, Any] = {}
        picture = thumbnail(model.path)
        if picture is not None and len(picture) <= room:
            details["thumbnail"] = picture
            room -= len(picture)
        description = str(model.card.get("description", ""))[:_LONGEST_DESCRIPTION]
        summaries.append(ModelSummary(model.name, model.method, model.hash, description, details))
    return tuple(summaries)


def thumbnail(folder: Path) -> bytes | None:
    """A small PNG of a model's preview picture, or of the newest sample sheet of a run; None without one."""
    samples = sorted((folder / "samples").glob("*.png"))
    for path in (folder / "preview.png", *samples[-1:]):
        try:
            with Image.open(path) as image:
                image.thumbnail((_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS))
                stream = io.BytesIO()
                image.convert("RGB").quantize(64).save(stream, "PNG", optimize=True)
        except (OSError, UnidentifiedImageError, ValueError):
            continue
        if stream.tell() <= _THUMBNAIL_BYTES:
            return stream.getvalue()
    return None
