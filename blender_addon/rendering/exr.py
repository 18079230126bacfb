# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the uncompressed multilayer EXR files that Blender writes; Blender's Python has no library for them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

_MAGIC = 20000630
_TYPES = {0: np.dtype("<u4"), 1: np.dtype("<f2"), 2: np.dtype("<f4")}


class ExrError(ValueError):
    """The file is no uncompressed scan-line EXR; the message says what it is."""


def read_exr(path: Path) -> dict[str, np.ndarray]:
    """All passes by name (`Combined`, `Depth`, ...), float32 [H, W, C], row 0 at the top.

    Channels of a pass come in Blender's order: R G B A, X Y Z (V as well), or a single one. Raises ExrError.
    """
    content = path.read_bytes()
    if len(content) < 8 or struct.unpack_from("<I", content)[0] != _MAGIC:
        raise ExrError(f"{path} is no EXR file")
    attributes, position = _read_header(content)
    if attributes["compression"] != b"\0":
        raise ExrError(f"{path} is compressed; expected codec NONE")
    left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    channels = _read_channels(attributes["channels"])
    row = np.dtype([("y", "<i4"), ("nbytes", "<i4"), *((name, kind, (width,)) for name, kind in channels)])
    first = struct.unpack_from("<Q", content, position)[0]
    if first + height * row.itemsize > len(content):
        raise ExrError(f"{path} ends after {len(content)} bytes; expected {first + height * row.itemsize}")
    rows = np.frombuffer(content, row, height, first)
    return _group(rows, [name for name, _ in channels])


def _read_header(content: bytes) -> tuple[dict[str, bytes], int]:
    """Attributes by name, and where the table of row offsets starts."""
    attributes: dict[str, bytes] = {}
    position = 8
    while content[position] != 0:
        name, position = _read_text(content, position)
        _, position = _read_text(content, position)
        (size,) = struct.unpack_from("<i", content, position)
        attributes[name] = content[position + 4 : position + 4 + size]
        position += 4 + size
    return attributes, position + 1


def _read_channels(content: bytes) -> list[tuple[str, np.dtype]]:
    channels, position = [], 0
    while content[position] != 0:
        name, position = _read_text(content, position)
        (kind,) = struct.unpack_from("<i", content, position)
        channels.append((name, _TYPES[kind]))
        position += 16
    return channels


def _read_text(content: bytes, position: int) -> tuple[str, int]:
    end = content.index(0, position)
    return content[position:end].decode("utf-8"), end + 1


def _group(rows: np.ndarray, names: list[str]) -> dict[str, np.ndarray]:
    """Join channels `Layer.Pass.R` ... to passes."""
    passes: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        label, _, component = name.rpartition(".")
        passes.setdefault(label.rpartition(".")[2], []).append(("RGBAXYZV".find(component), name))
    return {
        label: np.stack([rows[name].astype(np.float32) for _, name in sorted(members)], axis=-1)
        for label, members in passes.items()
    }
