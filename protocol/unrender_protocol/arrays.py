# SPDX-License-Identifier: Apache-2.0
"""Named arrays as raw frames: described in the header, never copied on the way in or out.

Arrays travel in C order and little-endian. What arrives is a read-only view of the received frame.
"""

import math
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .errors import EncodingError, ProtocolError
from .schema import from_plain, to_plain

Array = npt.NDArray[Any]
Buffer = bytes | bytearray | memoryview

DTYPES = (
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
)  # fmt: skip
MAX_DIMENSIONS = 8
MAX_NAME = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one message may hold. Bytes, except `arrays`, which counts."""

    header_bytes: int = 64 * 1024
    array_bytes: int = 512 * 1024**2
    message_bytes: int = 1024**3
    arrays: int = 512


@dataclass(frozen=True, slots=True)
class ArrayHeader:
    """What the header says about one payload frame. `crc` is the CRC-32 of the frame, None where not computed."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    nbytes: int
    codec: Literal["raw"] = "raw"
    crc: int | None = None


def pack_arrays(
    arrays: Mapping[str, Array], limits: Limits, checksum: bool = True
) -> tuple[list[dict[str, Any]], list[Buffer]]:
    """Return the header entries and the raw frames of `arrays`.

    The frames share memory with the arrays where these are contiguous: do not write to an array that was sent.
    Raises `EncodingError` where an array is too large, of a dtype that may not travel, or badly named.
    """
    if len(arrays) > limits.arrays:
        raise EncodingError(f"{len(arrays)} arrays in one message; at most {limits.arrays} are allowed")
    headers: list[dict[str, Any]] = []
    frames: list[Buffer] = []
    for name, array in arrays.items():
        frame = _raw(name, array)
        header = ArrayHeader(
            name=name,
            dtype=array.dtype.name,
            shape=tuple(int(size) for size in array.shape),
            nbytes=frame.nbytes,
            crc=zlib.crc32(frame) if checksum else None,
        )
        problem = _problem(header, limits)
        if problem:
            raise EncodingError(problem)
        headers.append(to_plain(header))
        frames.append(frame)
    total = sum(header["nbytes"] for header in headers)
    if total > limits.message_bytes:
        raise EncodingError(f"the arrays of one message hold {total} bytes; at most {limits.message_bytes} are allowed")
    return headers, frames


def unpack_arrays(plain: object, frames: Sequence[Buffer], limits: Limits) -> dict[str, Array]:
    """Return the arrays, by name, that the header entries `plain` describe: read-only views of `frames`.

    Raises `ProtocolError` where an entry and its frame do not agree or a limit is passed. Nothing is allocated first.
    """
    if not isinstance(plain, (list, tuple)):
        raise ProtocolError(f"payloads: expected a list, got {type(plain).__name__}")
    if len(plain) != len(frames):
        raise ProtocolError(f"the header announces {len(plain)} arrays, but {len(frames)} came with it")
    if len(plain) > limits.arrays:
        raise ProtocolError(f"{len(plain)} arrays in one message; at most {limits.arrays} are allowed")
    if sum(_length(frame) for frame in frames) > limits.message_bytes:
        raise ProtocolError(f"the arrays of one message hold more than {limits.message_bytes} bytes")
    arrays: dict[str, Array] = {}
    for index, (entry, frame) in enumerate(zip(plain, frames, strict=True)):
        header = from_plain(ArrayHeader, entry, f"payloads[{index}]")
        problem = _problem(header, limits)
        if problem:
            raise ProtocolError(problem)
        if header.name in arrays:
            raise ProtocolError(f"two arrays are called '{header.name}'")
        arrays[header.name] = _view(header, frame)
    return arrays


def _problem(header: ArrayHeader, limits: Limits) -> str | None:
    """Return what is wrong with `header`, or None. Sizes are Python ints: their product cannot overflow."""
    name = header.name[:MAX_NAME]
    if not 0 < len(header.name) <= MAX_NAME or not header.name.isprintable():
        return f"array names have 1 to {MAX_NAME} printable characters, got {name!r}"
    if header.dtype not in DTYPES:
        return f"array '{name}': dtype {header.dtype[:40]!r} may not travel; allowed: {', '.join(DTYPES)}"
    if len(header.shape) > MAX_DIMENSIONS or any(size < 0 for size in header.shape):
        return f"array '{name}': shape {header.shape[:16]} is not a shape of at most {MAX_DIMENSIONS} dimensions"
    itemsize = _wire_dtype(header.dtype).itemsize
    # Zeros count as ones here: numpy refuses to make even empty arrays whose other sizes multiply beyond its limits.
    if math.prod(max(size, 1) for size in header.shape) * itemsize > limits.array_bytes:
        return f"array '{name}': shape {header.shape} of {header.dtype} is larger than {limits.array_bytes} bytes"
    if math.prod(header.shape) * itemsize != header.nbytes:
        return f"array '{name}': shape {header.shape} of {header.dtype} does not hold {header.nbytes} bytes"
    return None


def _raw(name: str, array: Array) -> memoryview:
    """Return the bytes of `array`, shared where it is C-contiguous and little-endian."""
    if not isinstance(array, np.ndarray) or array.dtype.name not in DTYPES:
        kind = array.dtype.name if isinstance(array, np.ndarray) else type(array).__name__
        raise EncodingError(f"array '{name}': {kind} may not travel; allowed: numpy arrays of {', '.join(DTYPES)}")
    contiguous = np.ascontiguousarray(array, dtype=_wire_dtype(array.dtype.name))
    return contiguous.reshape(-1).view(np.uint8).data.toreadonly()


def _view(header: ArrayHeader, frame: Buffer) -> Array:
    if _length(frame) != header.nbytes:
        raise ProtocolError(f"array '{header.name}': {header.nbytes} bytes announced, {_length(frame)} came")
    if header.crc is not None and zlib.crc32(frame) != header.crc:
        raise ProtocolError(f"array '{header.name}': its checksum does not match; it was damaged on the way")
    dtype = _wire_dtype(header.dtype)
    flat = np.frombuffer(frame, dtype=dtype) if header.nbytes else np.empty(0, dtype=dtype)
    if header.dtype == "bool" and flat.size and flat.view(np.uint8).max() > 1:
        raise ProtocolError(f"array '{header.name}': bytes other than 0 and 1 in an array of bool")
    array = flat.reshape(header.shape)
    if sys.byteorder == "big":
        array = array.astype(array.dtype.newbyteorder("="))
    array.flags.writeable = False
    return array


@cache
def _wire_dtype(name: str) -> "np.dtype[Any]":
    return np.dtype(name).newbyteorder("<")


def _length(frame: Buffer) -> int:
    return frame.nbytes if isinstance(frame, memoryview) else len(frame)
