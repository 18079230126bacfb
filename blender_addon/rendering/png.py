# SPDX-License-Identifier: GPL-3.0-or-later
"""PNG files of 8 or 16 bits per channel, written and read without Blender's colour management."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}


class PngError(ValueError):
    """The file is no PNG that `write_png` made."""


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write uint8 or uint16 [H, W, C] with 1, 3 or 4 channels (alpha straight), row 0 at the top, in one step."""
    replace_file(path, encode_png(pixels))


def encode_png(pixels: np.ndarray) -> bytes:
    """The content of a PNG file of uint8 or uint16 [H, W, C], as `write_png` takes them."""
    height, width, channels = pixels.shape
    bits = 8 * pixels.itemsize
    values = np.ascontiguousarray(pixels, ">u2" if bits == 16 else np.uint8).view(np.uint8).reshape(height, -1)
    rows = np.empty((height, 1 + values.shape[1]), np.uint8)
    rows[:, 0] = 0  # filter type "none"
    rows[:, 1:] = values
    header = struct.pack(">IIBBBBB", width, height, bits, _COLOUR_TYPES[channels], 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 6)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"sRGB", b"\0") + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def read_png(path: Path) -> np.ndarray:
    """Read a file that `write_png` wrote, uint8 or uint16. Raises PngError for any other."""
    content = path.read_bytes()
    if not content.startswith(_SIGNATURE):
        raise PngError(f"{path} is no PNG file")
    position, data, shape, kind_of_value = len(_SIGNATURE), b"", None, np.dtype(np.uint8)
    while position + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        body = content[position + 8 : position + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack_from(">IIBB", body)
            channels = {value: key for key, value in _COLOUR_TYPES.items()}.get(colour)
            if depth not in (8, 16) or channels is None:
                raise PngError(
                    f"{path} has {depth} bits of colour type {colour}; expected 8 or 16 bits, grey, RGB or RGBA"
                )
            shape = (height, width, channels)
            kind_of_value = np.dtype(">u2" if depth == 16 else np.uint8)
        elif kind == b"IDAT":
            data += body
        position += length + 12
    try:
        height, width, channels = shape
        length = width * channels * kind_of_value.itemsize
        rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + length)
    except (TypeError, ValueError, zlib.error) as error:
        raise PngError(f"{path} is damaged ({error})") from None
    if rows[:, 0].any():
        raise PngError(f"{path} has filtered rows; only files written by Unrender are read here")
    return np.ascontiguousarray(rows[:, 1:]).view(kind_of_value).astype(kind_of_value.newbyteorder("=")).reshape(shape)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside `path` and move it there, so that nobody ever reads half of one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light in [0, 1] to display values in [0, 1] (IEC 61966-2-1); values outside are clamped."""
    clamped = np.clip(linear, 0.0, 1.0)
    return np.where(clamped <= 0.0031308, clamped * 12.92, 1.055 * np.maximum(clamped, 1e-8) ** (1 / 2.4) - 0.055)


def decode_srgb(encoded: np.ndarray) -> np.ndarray:
    """Display values in [0, 1] to linear light in [0, 1], the inverse of `encode_srgb`."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((np.maximum(encoded, 0.0) + 0.055) / 1.055) ** 2.4)


def straight_srgb(rgba: np.ndarray, bits: int = 8) -> np.ndarray:
    """Float [H, W, 4], linear and premultiplied, to uint8 or uint16 [H, W, 4], sRGB with straight alpha, as in PNG."""
    alpha = np.clip(rgba[..., 3:], 0.0, 1.0)
    straight = rgba[..., :3] / np.maximum(alpha, 1e-6)
    encoded = np.concatenate([encode_srgb(straight), alpha], axis=-1)
    return np.round(encoded * (2.0**bits - 1.0)).astype(np.uint16 if bits == 16 else np.uint8)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
