# SPDX-License-Identifier: Apache-2.0
"""Every message and every dtype comes out as it went in; what may not travel is refused by the sender."""

from __future__ import annotations

import dataclasses
import types
import typing
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Union

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrender_protocol.arrays import DTYPES, Limits
from unrender_protocol.codec import RESERVED, decode, encode
from unrender_protocol.errors import EncodingError, ProtocolError
from unrender_protocol.messages import (
    FROM_CLIENT,
    FROM_SERVER,
    FROM_WORKER,
    TO_WORKER,
    CancelJob,
    Failure,
    JobDone,
    JobProgress,
    Message,
    ModelList,
    Ping,
    RenderBatch,
    SubmitJob,
    message_types,
    wire_type,
)
from unrender_protocol.schema import Length, from_plain

JOB = bytes(range(16))

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.uuids()
    # Old msgpack versions round microseconds in far-away centuries.
    | st.datetimes(datetime(1950, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def values_of(annotation: Any) -> st.SearchStrategy[Any]:
    """Values that a field of this annotation may have."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        constraint = arguments[1]
        if isinstance(constraint, Length):
            return st.binary(min_size=constraint.value, max_size=constraint.value)
        return st.integers(constraint.value, 2**63)
    if origin in (types.UnionType, Union):
        return st.none() | values_of(arguments[0])
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(st.text(max_size=8), PLAIN, max_size=4)
    if dataclasses.is_dataclass(annotation):
        return messages_of(annotation)
    return {
        bool: st.booleans(),
        int: st.integers(-(2**63), 2**64 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
        str: st.text(max_size=30),
        bytes: st.binary(max_size=30),
    }[annotation]


def messages_of(cls: type) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return st.builds(cls, **{field.name: values_of(hints[field.name]) for field in dataclasses.fields(cls)})


@pytest.mark.parametrize("cls", message_types().values(), ids=lambda cls: cls.__name__)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_every_message_comes_out_as_it_went_in(cls: type[Message], data: st.DataObject):
    message = data.draw(messages_of(cls))
    envelope = decode(encode(message, id=JOB))
    assert envelope.message == message
    assert type(envelope.message) is cls
    assert envelope.id == JOB
    assert not envelope.arrays


@settings(max_examples=200, deadline=None)
@given(
    dtype=st.sampled_from(DTYPES),
    shape=st.lists(st.integers(0, 5), max_size=4),
    seed=st.integers(0, 2**32 - 1),
    checksum=st.booleans(),
)
def test_every_array_comes_out_as_it_went_in(dtype, shape, seed, checksum):
    array = np.random.default_rng(seed).integers(0, 2, shape).astype(dtype)
    received = decode(encode(SubmitJob(JOB, "k"), {"a": array}, checksum=checksum)).arrays["a"]
    assert received.dtype == array.dtype
    assert received.shape == array.shape
    np.testing.assert_array_equal(received, array)
    assert not received.flags.writeable


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_special_floats_survive(dtype):
    array = np.array([np.nan, np.inf, -np.inf, -0.0], dtype)
    received = decode(encode(JobDone(JOB), {"a": array})).arrays["a"]
    np.testing.assert_array_equal(received, array)
    assert np.signbit(received[3])


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.arange(24, dtype=np.int16).reshape(4, 6).T, id="transposed"),
        pytest.param(np.arange(24, dtype=np.float32)[::3], id="strided"),
        pytest.param(np.arange(6, dtype=">f4"), id="big-endian"),
        pytest.param(np.asfortranarray(np.arange(6.0).reshape(2, 3)), id="fortran-order"),
        pytest.param(np.array(3.5), id="zero-dimensional"),
        pytest.param(np.zeros((0, 3), np.int32), id="empty"),
        pytest.param(np.zeros((2, 0, 3), bool), id="empty-bool"),
    ],
)
def test_unusual_layouts_come_out_with_the_same_values(array):
    received = decode(encode(JobDone(JOB), {"a": array})).arrays["a"]
    np.testing.assert_array_equal(received, array)
    assert received.shape == array.shape
    assert received.dtype == array.dtype.newbyteorder("=")


def test_several_arrays_keep_their_names_and_order():
    arrays = {f"vertices_{index}": np.full((index, 3), index, np.float32) for index in range(5)}
    received = decode(encode(JobDone(JOB), arrays)).arrays
    assert list(received) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(received[name], array)


def test_contiguous_arrays_are_neither_copied_out_nor_in():
    array = np.arange(10, dtype=np.uint8)
    frames = encode(JobDone(JOB), {"a": array})
    assert np.shares_memory(np.frombuffer(frames[2], np.uint8), array)
    assert np.shares_memory(decode(frames).arrays["a"], array)


@pytest.mark.parametrize(
    "value",
    [
        np.array([object()]),
        np.array(["text"]),
        np.array([1 + 2j]),
        np.array(["2020-01-01"], "datetime64[D]"),
        np.zeros(2, [("x", "f4")]),
        np.zeros(2, np.longdouble),
        [1, 2, 3],
    ],
    ids=["object", "text", "complex", "datetime", "structured", "longdouble", "list"],
)
def test_other_dtypes_are_refused_by_the_sender(value):
    with pytest.raises(EncodingError, match="may not travel"):
        encode(JobDone(JOB), {"a": value})


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb"])
def test_bad_array_names_are_refused_by_the_sender(name):
    with pytest.raises(EncodingError, match="array names"):
        encode(JobDone(JOB), {name: np.zeros(1)})


@pytest.mark.parametrize(
    ("limits", "arrays", "match"),
    [
        (Limits(array_bytes=7), {"a": np.zeros(8, np.uint8)}, "larger than 7 bytes"),
        (Limits(message_bytes=7), {"a": np.zeros(4, np.uint8), "b": np.zeros(4, np.uint8)}, "hold 8 bytes"),
        (Limits(arrays=1), {"a": np.zeros(1), "b": np.zeros(1)}, "2 arrays"),
        (Limits(header_bytes=50), {}, "header"),
    ],
)
def test_limits_are_kept_by_the_sender(limits, arrays, match):
    with pytest.raises(EncodingError, match=match):
        encode(JobDone(JOB), arrays, limits=limits)


@pytest.mark.parametrize(
    ("message", "match"),
    [
        (JobProgress(JOB[:15]), "expected 16 bytes"),
        (JobProgress(JOB, done=-1), "at least 0"),
        (JobProgress(JOB, done=True), "expected int, got bool"),
        (JobProgress(JOB, eta_seconds=float("nan")), "finite"),
        (JobProgress(JOB, phase=None), "expected str, got NoneType"),
        (SubmitJob(JOB, "k", {"a": np.float32(1)}), "values of type float32 cannot travel"),
        (SubmitJob(JOB, "k", {"a": np.zeros(3)}), "send arrays as arrays"),
        (SubmitJob(JOB, "k", {1: 2}), "keys must be text"),
        (SubmitJob(JOB, "k", {"a": 2**64}), "cannot be packed"),
        (SubmitJob(JOB, "k", {"a": datetime(2020, 1, 1)}), "without a time zone"),
        (SubmitJob(JOB, "k", {"a": "\ud800"}), "cannot be packed"),
        (Failure("t", "x" * 70_000), "at most 65536"),
        (RenderBatch(0, ["not a map"]), "expected a map"),
    ],
)
def test_wrong_fields_are_refused_by_the_sender(message, match):
    with pytest.raises(EncodingError, match=match):
        encode(message)


def test_messages_without_arrays_do_not_take_any():
    with pytest.raises(EncodingError, match="Ping does not carry arrays"):
        encode(Ping(), {"a": np.zeros(1)})


def test_a_message_of_ones_own_is_refused():
    @dataclasses.dataclass(frozen=True)
    class Exploit(Message):
        command: str

    with pytest.raises(EncodingError, match="not one of the protocol's messages"):
        encode(Exploit("rm"))


def test_no_message_has_a_field_that_the_header_needs_itself():
    for cls in message_types().values():
        assert not {field.name for field in dataclasses.fields(cls)} & set(RESERVED)


def test_the_set_of_messages_is_closed_and_named_by_class():
    assert wire_type(JobDone) == "job_done"
    assert set(message_types().values()) == {*FROM_CLIENT, *FROM_SERVER, *FROM_WORKER, *TO_WORKER}
    assert set(Message.__subclasses__()) >= set(message_types().values())
    assert all((cls.__doc__ and "->" in cls.__doc__) or cls.__name__ in ("Pong",) for cls in message_types().values())


def test_fields_of_newer_peers_are_ignored_and_defaults_fill_in():
    frames = encode(JobDone(JOB, {"a": 1}))
    header = msgpack.unpackb(frames[1])
    header["colour"] = "blue"
    del header["nbytes"]
    assert decode([frames[0], msgpack.packb(header)]).message == JobDone(JOB, {"a": 1}, 0)


def test_uuids_and_times_travel_in_plain_maps():
    parameters = {"id": uuid.uuid4(), "at": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)}
    assert decode(encode(SubmitJob(JOB, "k", parameters))).message.parameters == parameters


def test_the_frames_are_as_documented():
    frames = encode(SubmitJob(JOB, "k", {"a": 1}), {"v": np.array([[1, 2]], "uint16")}, id=bytes(16))
    header = msgpack.unpackb(frames[1])
    assert bytes(frames[0]) == b"UNRD\x01"
    assert bytes(frames[2]) == b"\x01\x00\x02\x00"
    assert header.pop("t") > 1e9
    assert header == {
        "type": "submit_job",
        "id": bytes(16),
        "job": JOB,
        "kind": "k",
        "parameters": {"a": 1},
        "payloads": [{"name": "v", "dtype": "uint16", "shape": [1, 2], "nbytes": 4, "codec": "raw", "crc": 0xABCEDAFB}],
    }


def test_fields_that_an_older_peer_does_not_send_have_their_defaults():
    cancel = decode(encode(CancelJob(JOB, 60.0)))
    assert cancel.message.patience_seconds == 60.0
    older = from_plain(CancelJob, {"job": JOB})
    assert older.patience_seconds == 0.0
    assert from_plain(ModelList, {"models": []}).datasets == ()


@pytest.mark.parametrize("patience", [float("nan"), float("inf"), "60", None, True])
def test_patience_is_a_finite_number(patience):
    with pytest.raises(ProtocolError, match="patience_seconds"):
        from_plain(CancelJob, {"job": JOB, "patience_seconds": patience})
