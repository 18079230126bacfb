# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands behind the objects: nothing, a colour, or pictures of a folder."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from .manifest import DatasetError
from .png import decode_srgb

TRANSPARENT = "transparent"
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".exr", ".hdr")


def check_background(text: str) -> str:
    """The hash of a folder's list of pictures; empty for a colour or nothing. Raises DatasetError for anything else."""
    if text == TRANSPARENT or _COLOUR.fullmatch(text):
        return ""
    if not Path(text).is_dir():
        raise DatasetError(
            f"background is {text!r}; expected {TRANSPARENT}, a colour such as #808080, or a folder of pictures."
        )
    facts = [(path.relative_to(text).as_posix(), path.stat().st_size) for path in _pictures(Path(text))]
    if not facts:
        raise DatasetError(f"The folder {text} holds no pictures for the background.")
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


class Backgrounds:
    """Puts images onto their background; which picture an image gets follows from (seed, index)."""

    def __init__(self, text: str, size: int, seed: int) -> None:
        self._size, self._seed = size, seed
        self._colour, self._pictures = None, []
        if _COLOUR.fullmatch(text):
            self._colour = decode_srgb(np.array([int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]))
        elif text != TRANSPARENT:
            self._pictures = _pictures(Path(text))

    @property
    def is_transparent(self) -> bool:
        return self._colour is None and not self._pictures

    def behind(self, rgba: np.ndarray, image: int) -> np.ndarray:
        """Linear premultiplied [H, W, 4] over its background, opaque."""
        if self.is_transparent:
            return rgba
        behind = self._colour if self._colour is not None else self._picture(image)
        opaque = np.ones_like(rgba)
        opaque[..., :3] = rgba[..., :3] + (1.0 - np.clip(rgba[..., 3:], 0.0, 1.0)) * behind
        return opaque

    def _picture(self, image: int) -> np.ndarray:
        generator = np.random.Generator(np.random.PCG64([self._seed, image, 4]))
        return load_picture(self._pictures[int(generator.integers(len(self._pictures)))], self._size)


@lru_cache(maxsize=32)
def load_picture(path: Path, size: int) -> np.ndarray:
    """The middle square of a picture, linear, float32 [size, size, 3]. Raises DatasetError where it cannot be read."""
    import bpy

    try:
        picture = bpy.data.images.load(str(path))
        width, height, channels = *picture.size, picture.channels
        flat = np.empty(width * height * channels, np.float32)
        picture.pixels.foreach_get(flat)
    except (RuntimeError, TypeError, ValueError) as error:
        raise DatasetError(f"The background {path} cannot be read ({str(error).strip()}).") from None
    is_linear = picture.is_float
    bpy.data.images.remove(picture)
    if not width * height:
        raise DatasetError(f"The background {path} cannot be read.")
    values = flat.reshape(height, width, channels)[::-1]
    values = values[..., :3] if channels >= 3 else np.repeat(values[..., :1], 3, axis=-1)
    side = min(width, height)
    top, left = (height - side) // 2, (width - side) // 2
    square = values[top : top + side, left : left + side].astype(np.float64)
    linear = square if is_linear else decode_srgb(square)
    return _resample(_resample(linear, size).transpose(1, 0, 2), size).transpose(1, 0, 2).astype(np.float32)


def _resample(values: np.ndarray, size: int) -> np.ndarray:
    """Area average of the rows, [N, ...] to [size, ...]; exact for any ratio."""
    edges = np.linspace(0.0, len(values), size + 1)
    sums = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0)])
    whole = np.minimum(edges.astype(np.int64), len(values) - 1)
    part = (edges - whole).reshape(-1, *[1] * (values.ndim - 1))
    at_edges = sums[whole] + part * values[whole]
    return np.diff(at_edges, axis=0) * (size / len(values))


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _PICTURES and path.is_file())
