# SPDX-License-Identifier: Apache-2.0
"""Messages to frames and back: magic and version, msgpack header, raw arrays. Nothing executable ever crosses.

::

    frame 0    b"UNRD" + frame version (5 bytes)
    frame 1    msgpack map, at most 64 KiB: type, id, t, payloads and the fields of the message
    frame 2..  one raw array each
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .arrays import Array, Buffer, Limits, pack_arrays, unpack_arrays
from .errors import EncodingError, FrameVersionError, ProtocolError
from .messages import Message, message_types, wire_type
from .schema import from_plain, to_plain
from .version import FRAME_VERSION

MAGIC = b"UNRD"
RESERVED = ("type", "id", "t", "payloads")
DEFAULT_LIMITS = Limits()

_UUID_CODE = 1
# Bounds on what a header may make msgpack allocate before it fails: lists are allocated by their announced length.
_MAX_ITEMS = 4096


@dataclass(frozen=True, slots=True)
class Envelope:
    """A received message with its arrays (read-only), its id (16 bytes) and the sender's clock (Unix seconds)."""

    message: Message
    arrays: Mapping[str, Array] = field(default_factory=dict)
    id: bytes = b""
    time: float = 0.0


def new_id() -> bytes:
    """Return 16 random bytes, for a message or a job."""
    return uuid.uuid4().bytes


def encode(
    message: Message,
    arrays: Mapping[str, Array] | None = None,
    *,
    id: bytes | None = None,
    limits: Limits = DEFAULT_LIMITS,
    checksum: bool = True,
) -> list[Buffer]:
    """Return the frames of `message`. A reply takes the `id` of its request; None makes a new one.

    Arrays are shared, not copied: do not write to them afterwards. `checksum=False` saves a CRC over every array,
    for links that do not leave the machine. Raises `EncodingError` where the message is not valid or too large.
    """
    import msgpack

    if arrays and not message.carries_arrays:
        raise EncodingError(f"{type(message).__name__} does not carry arrays")
    payloads, frames = pack_arrays(arrays or {}, limits, checksum)
    header = to_plain(message)
    try:
        from_plain(type(message), header)
        header.update(
            type=_checked_type(message),
            id=new_id() if id is None else _checked_id(id),
            t=time.time(),
            payloads=payloads,
        )
        packed = msgpack.packb(header, default=_pack_extension, datetime=True, use_bin_type=True)
    except ProtocolError as error:
        raise EncodingError(str(error)) from None
    except (ValueError, TypeError, OverflowError) as error:
        raise EncodingError(f"{type(message).__name__} cannot be packed: {error}") from error
    if len(packed) > limits.header_bytes:
        raise EncodingError(
            f"{type(message).__name__}: its header has {len(packed)} bytes; at most {limits.header_bytes} are allowed"
        )
    return [MAGIC + bytes([FRAME_VERSION]), packed, *frames]


def decode(
    frames: Sequence[Buffer],
    *,
    accept: Collection[type[Message]] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Envelope:
    """Return the message in `frames`; `accept` names the classes that may come from this peer (None: all).

    Raises `ProtocolError` for anything that is not exactly a valid message, and its subclass `FrameVersionError`
    where the peer frames messages in another version.
    """
    _check_magic(frames)
    header = _unpack_header(frames[1], limits)
    name = header.get("type")
    cls = message_types().get(name) if isinstance(name, str) else None
    if cls is None or (accept is not None and cls not in accept):
        raise ProtocolError(f"messages of type {str(name)[:40]!r} are not accepted here")
    payloads = header.get("payloads", [])
    if len(frames) > 2 and not cls.carries_arrays:
        raise ProtocolError(f"messages of type {name!r} do not carry arrays, but {len(frames) - 2} came")
    message = from_plain(cls, header)
    sent = header.get("t", 0.0)
    if type(sent) not in (int, float):
        raise ProtocolError(f"t: expected a number, got {type(sent).__name__}")
    return Envelope(
        message=message,
        arrays=unpack_arrays(payloads, frames[2:], limits),
        id=_checked_id(header.get("id")),
        time=float(sent),
    )


def frames_nbytes(frames: Sequence[Buffer]) -> int:
    """Return how many bytes `frames` hold together."""
    return sum(frame.nbytes if isinstance(frame, memoryview) else len(frame) for frame in frames)


def _check_magic(frames: Sequence[Buffer]) -> None:
    if len(frames) < 2:
        raise ProtocolError(f"a message has at least 2 frames, {len(frames)} came")
    if len(frames[0]) != len(MAGIC) + 1:
        raise ProtocolError("the first frame is not Unrender's")
    magic = bytes(frames[0])
    if not magic.startswith(MAGIC):
        raise ProtocolError("the first frame is not Unrender's")
    if magic[-1] != FRAME_VERSION:
        raise FrameVersionError(magic[-1], FRAME_VERSION)


def _unpack_header(frame: Buffer, limits: Limits) -> dict[str, Any]:
    import msgpack

    if len(frame) > limits.header_bytes:  # before unpacking: msgpack takes its own limits from the input's length
        raise ProtocolError(f"a header of {len(frame)} bytes came; at most {limits.header_bytes} are allowed")
    try:
        header = msgpack.unpackb(
            frame,
            raw=False,
            strict_map_key=True,
            timestamp=3,
            ext_hook=_unpack_extension,
            max_array_len=_MAX_ITEMS,
            max_map_len=_MAX_ITEMS,
            max_ext_len=16,
        )
    except ProtocolError:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise ProtocolError(f"the header cannot be unpacked: {type(error).__name__}") from None
    if type(header) is not dict:
        raise ProtocolError(f"the header is not a map but {type(header).__name__}")
    return header


def _checked_type(message: Message) -> str:
    name = wire_type(type(message))
    if message_types().get(name) is not type(message):
        raise ProtocolError(f"{type(message).__name__} is not one of the protocol's messages")
    return name


def _checked_id(value: object) -> bytes:
    if type(value) is not bytes or len(value) != 16:
        raise ProtocolError("id: expected 16 bytes")
    return value


def _pack_extension(value: object) -> Any:
    import msgpack

    if isinstance(value, uuid.UUID):
        return msgpack.ExtType(_UUID_CODE, value.bytes)
    raise TypeError(f"values of type {type(value).__name__} cannot travel")


def _unpack_extension(code: int, data: bytes) -> uuid.UUID:
    if code != _UUID_CODE or len(data) != 16:
        raise ProtocolError(f"the header has an extension value of unknown kind {code}")
    return uuid.UUID(bytes=bytes(data))
