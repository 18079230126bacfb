# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the uncompressed multilayer EXR files that Blender writes, and those of `write_exr`; Blender's Python has no
library for them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from .exr_writer import ROWS_OF_BLOCK, ZIP, undo_prediction

_MAGIC = 20000630
_SEVERAL_PARTS = 0x1000  # Blender 5 writes each pass as a part of its own
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
    several_parts = bool(struct.unpack_from("<I", content, 4)[0] & _SEVERAL_PARTS)
    headers, position = _read_headers(content, several_parts)
    passes: dict[str, np.ndarray] = {}
    for attributes in headers:
        if attributes["compression"] == bytes([ZIP]) and not several_parts:
            return _read_zip(path, content, attributes, position)
        if attributes["compression"] != b"\0":
            raise ExrError(f"{path} is compressed in a way that is not read here; expected codec NONE or ZIP")
        left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
        width, height = right - left + 1, bottom - top + 1
        channels = _read_channels(attributes["channels"])
        # Each row is preceded by its number and size, and in files of several parts by the number of its part.
        prefix = [("part", "<i4")] if several_parts else []
        samples = [(name, kind, (width,)) for name, kind in channels]
        row = np.dtype([*prefix, ("y", "<i4"), ("nbytes", "<i4"), *samples])
        first = struct.unpack_from("<Q", content, position)[0]
        if first + height * row.itemsize > len(content):
            raise ExrError(f"{path} ends after {len(content)} bytes; expected {first + height * row.itemsize}")
        passes.update(_group(np.frombuffer(content, row, height, first), [name for name, _ in channels]))
        position += 8 * height  # the part's table of row offsets
    return passes


def _read_zip(path: Path, content: bytes, attributes: dict[str, bytes], position: int) -> dict[str, np.ndarray]:
    left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
    height, width = bottom - top + 1, right - left + 1
    channels = _read_channels(attributes["channels"])
    row = np.dtype([(name, kind, (width,)) for name, kind in channels])
    rows = np.empty(height, row)
    try:
        for index in range(-(-height // ROWS_OF_BLOCK)):
            (start,) = struct.unpack_from("<Q", content, position + 8 * index)
            first, length = struct.unpack_from("<ii", content, start)
            body = content[start + 8 : start + 8 + length]
            part = rows[first - top : first - top + ROWS_OF_BLOCK]
            if length < part.nbytes:
                body = undo_prediction(zlib.decompress(body))
            part[:] = np.frombuffer(body, row)
    except (struct.error, zlib.error, ValueError) as error:
        raise ExrError(f"{path} is damaged ({error})") from None
    return _group(rows, [name for name, _ in channels])


def _read_headers(content: bytes, several_parts: bool) -> tuple[list[dict[str, bytes]], int]:
    """The header of each part, and where the first table of row offsets starts."""
    headers, position = [], 8
    while True:
        header, position = _read_header(content, position)
        headers.append(header)
        if not several_parts:
            return headers, position
        if content[position] == 0:  # an empty header ends the list
            return headers, position + 1


def _read_header(content: bytes, position: int) -> tuple[dict[str, bytes], int]:
    """Attributes by name, and where what follows starts."""
    attributes: dict[str, bytes] = {}
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
