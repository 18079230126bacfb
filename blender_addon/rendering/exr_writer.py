# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing EXR files: float32, one part, ZIP compressed blocks of 16 rows; what every image library reads."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from .png import replace_file

ROWS_OF_BLOCK = 16
ZIP = 3
_FLOAT = 2


def write_exr(path: Path, pixels: np.ndarray, channels: str) -> None:
    """Write float [H, W, C], row 0 at the top, in one step; channels: a letter for each, such as "RGBA"."""
    height, width, _ = pixels.shape
    order = sorted(range(len(channels)), key=lambda index: channels[index])  # the format wants them by name
    planes = np.ascontiguousarray(pixels[:, :, order].transpose(0, 2, 1), "<f4")  # row, channel, column
    header = _header(height, width, [channels[index] for index in order])
    blocks = []
    for top in range(0, height, ROWS_OF_BLOCK):
        raw = planes[top : top + ROWS_OF_BLOCK].tobytes()
        packed = zlib.compress(_predict(raw), 6)
        body = packed if len(packed) < len(raw) else raw  # a block that does not shrink is stored as it is
        blocks.append(struct.pack("<ii", top, len(body)) + body)
    position = len(header) + 8 * len(blocks)
    offsets = []
    for block in blocks:
        offsets.append(position)
        position += len(block)
    replace_file(path, b"".join([header, struct.pack(f"<{len(offsets)}Q", *offsets), *blocks]))


def undo_prediction(packed: bytes) -> bytes:
    """The bytes of a block whose compressed form was inflated to `packed`."""
    deltas = np.frombuffer(packed, np.uint8).astype(np.int64)
    deltas[1:] -= 128
    restored = np.cumsum(deltas).astype(np.uint8)
    half = (len(restored) + 1) // 2
    joined = np.empty(len(restored), np.uint8)
    joined[0::2], joined[1::2] = restored[:half], restored[half:]
    return joined.tobytes()


def _predict(raw: bytes) -> bytes:
    """Even bytes before odd ones, then differences of neighbours: what ZIP blocks of EXR hold."""
    values = np.frombuffer(raw, np.uint8)
    parted = np.concatenate([values[0::2], values[1::2]])
    deltas = parted.copy()
    deltas[1:] = parted[1:] - parted[:-1] + np.uint8(128)
    return deltas.tobytes()


def _header(height: int, width: int, names: list[str]) -> bytes:
    channels = b"".join(
        name.encode() + b"\0" + struct.pack("<iB3xii", _FLOAT, 0, 1, 1) for name in names
    ) + b"\0"  # fmt: skip
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    attributes = [
        ("channels", "chlist", channels),
        ("compression", "compression", bytes([ZIP])),
        ("dataWindow", "box2i", window),
        ("displayWindow", "box2i", window),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
        ("screenWindowCenter", "v2f", struct.pack("<2f", 0.0, 0.0)),
        ("screenWindowWidth", "float", struct.pack("<f", 1.0)),
    ]
    content = struct.pack("<ii", 20000630, 2)
    for name, kind, value in attributes:
        content += name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value
    return content + b"\0"
