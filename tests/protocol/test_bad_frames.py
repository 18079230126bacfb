# SPDX-License-Identifier: Apache-2.0
"""What is not exactly a message is refused with `ProtocolError`, quickly and without using memory."""

from __future__ import annotations

import tracemalloc

import msgpack
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from unrender_protocol.arrays import Limits
from unrender_protocol.codec import decode, encode
from unrender_protocol.errors import FrameVersionError, ProtocolError
from unrender_protocol.messages import FROM_CLIENT, JobDone, Ping, SubmitJob

JOB = bytes(range(16))
MAGIC = b"UNRD\x01"


def good_header(**changes) -> dict:
    frames = encode(SubmitJob(JOB, "k", {"a": 1}), {"v": np.zeros((2, 3), np.float32)}, id=JOB)
    return {**msgpack.unpackb(frames[1]), **changes}


def payload(**changes) -> dict:
    return {"name": "v", "dtype": "float32", "shape": [2, 3], "nbytes": 24, "codec": "raw", "crc": None, **changes}


def refuse(frames, match=None, **options):
    with pytest.raises(ProtocolError, match=match):
        decode(frames, **options)


def test_the_unchanged_message_is_accepted():
    assert decode([MAGIC, msgpack.packb(good_header()), bytes(24)]).arrays["v"].shape == (2, 3)


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b""],
        [MAGIC],
        [b"", b""],
        [b"GET / HTTP/1.1", b""],
        [b"UNRX\x01", b"\x80"],
        [b"UNRD", b"\x80"],
        [MAGIC, b""],
    ],
)
def test_other_first_frames_and_missing_frames(frames):
    refuse(frames)


@pytest.mark.parametrize("theirs", [0, 2, 255])
def test_another_frame_version_is_told_apart(theirs):
    with pytest.raises(FrameVersionError) as caught:
        decode([b"UNRD" + bytes([theirs]), b"whatever"])
    assert caught.value.theirs == theirs


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        pytest.param(payload(dtype="object"), "may not travel", id="dtype-object"),
        pytest.param(payload(dtype="complex64"), "may not travel", id="dtype-complex"),
        pytest.param(payload(dtype=">f4"), "may not travel", id="dtype-big-endian"),
        pytest.param(payload(dtype="float32, (1000000000,)float64"), "may not travel", id="dtype-structured"),
        pytest.param(payload(shape=[2, 4]), "does not hold 24", id="shape-too-large"),
        pytest.param(payload(shape=[2, 2]), "does not hold 24", id="shape-too-small"),
        pytest.param(payload(shape=[-2, -3]), "not a shape", id="negative"),
        pytest.param(payload(shape=[1] * 9), "not a shape", id="too-many-dimensions"),
        pytest.param(payload(shape=[2**62, 2**62]), "larger than", id="huge"),
        pytest.param(payload(shape=[2**32, 2**32], nbytes=0), "larger than", id="overflow-to-0-in-64-bits"),
        pytest.param(payload(shape=[2**63, 2], nbytes=24), "larger than", id="overflow"),
        pytest.param(payload(shape=[0, 2**62, 2**62], nbytes=0), "larger than", id="empty-but-huge"),
        pytest.param(payload(shape=[2.0, 3]), "expected int", id="float-in-shape"),
        pytest.param(payload(shape=[True, 24]), "expected int", id="bool-in-shape"),
        pytest.param(payload(shape="23"), "expected a list", id="text-for-shape"),
        pytest.param(payload(shape=[6], nbytes=25), "does not hold 25", id="wrong-nbytes"),
        pytest.param(payload(shape=[7], nbytes=28), "28 bytes announced, 24 came", id="short-frame"),
        pytest.param(payload(shape=[5], nbytes=20), "20 bytes announced, 24 came", id="long-frame"),
        pytest.param(payload(codec="zlib"), "expected one of raw", id="codec"),
        pytest.param(payload(crc=1), "checksum", id="crc"),
        pytest.param(payload(name=7), "expected str", id="name-not-text"),
        pytest.param(payload(name=""), "array names", id="no-name"),
        pytest.param(None, "expected a map", id="not-a-map"),
        pytest.param({}, "'name' is missing", id="empty-entry"),
    ],
)
def test_array_headers_that_lie(entry, match):
    refuse([MAGIC, msgpack.packb(good_header(payloads=[entry])), bytes(24)], match)


def test_arrays_that_are_missing_unannounced_or_named_twice():
    header = msgpack.packb(good_header())
    refuse([MAGIC, header], "announces 1 arrays, but 0 came")
    refuse([MAGIC, header, bytes(24), bytes(24)], "announces 1 arrays, but 2 came")
    refuse([MAGIC, msgpack.packb(good_header(payloads=[payload()] * 2)), bytes(24), bytes(24)], "two arrays")
    refuse([MAGIC, msgpack.packb(good_header(payloads={"a": 1})), bytes(24)], "expected a list")
    refuse([*encode(Ping()), bytes(24)], "do not carry arrays")


def test_bools_are_zero_or_one():
    frames = encode(JobDone(JOB), {"a": np.ones(4, bool)}, checksum=False)
    refuse([*frames[:2], b"\x00\x01\x02\x01"], "array of bool")


def test_limits_of_the_receiver():
    frames = encode(SubmitJob(JOB, "k"), {"a": np.zeros(100, np.uint8), "b": np.zeros(100, np.uint8)})
    refuse(frames, "larger than 99", limits=Limits(array_bytes=99))
    refuse(frames, "more than 199", limits=Limits(message_bytes=199))
    refuse(frames, "at most 1", limits=Limits(arrays=1))
    refuse(frames, "at most 10", limits=Limits(header_bytes=10))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"type": "exploit"}, "not accepted"),
        ({"type": None}, "not accepted"),
        ({"type": ["submit_job"]}, "not accepted"),
        ({"type": "job_done"}, "not accepted"),  # a server's message from a client
        ({"id": b"short"}, "16 bytes"),
        ({"id": None}, "16 bytes"),
        ({"t": "now"}, "t: expected a number"),
        ({"job": "0123456789abcdef"}, "SubmitJob.job: expected bytes, got str"),
        ({"job": b"short"}, "SubmitJob.job: expected 16 bytes, got 5"),
        ({"kind": 7}, "SubmitJob.kind: expected str, got int"),
        ({"parameters": []}, "SubmitJob.parameters: expected a map"),
        ({"parameters": {"a": {1: 2}}}, None),
    ],
)
def test_headers_with_wrong_fields(changes, match):
    refuse([MAGIC, msgpack.packb(good_header(**changes)), bytes(24)], match, accept=FROM_CLIENT)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"seed": -1}, "FetchMesh.seed: expected at least 0, got -1"),
        ({"seed": 1.5}, "FetchMesh.seed: expected int, got float"),
        ({"seed": True}, "FetchMesh.seed: expected int, got bool"),
        ({"variety": float("inf")}, "FetchMesh.variety: expected a finite number"),
        ({"threshold": float("nan")}, "FetchMesh.threshold: expected a finite number"),
        ({"threshold": "0.5"}, "FetchMesh.threshold: expected a number, got str"),
        ({"resolution": 0}, "FetchMesh.resolution: expected at least 1, got 0"),
        ({"max_faces": None}, "FetchMesh.max_faces: expected int"),
        ({"model_hash": ["abc"]}, "FetchMesh.model_hash: expected str, got list"),
    ],
)
def test_a_request_for_a_mesh_with_wrong_fields(changes, match):
    message = {
        "type": "fetch_mesh",
        "id": JOB,
        "t": 0.0,
        "payloads": [],
        "model": "chairs",
        "model_hash": "ab",
        "seed": 7,
    }
    assert decode([MAGIC, msgpack.packb(message)], accept=FROM_CLIENT).message.seed == 7
    refuse([MAGIC, msgpack.packb(message | changes)], match, accept=FROM_CLIENT)
    with_array = message | {"payloads": [payload()]}
    refuse([MAGIC, msgpack.packb(with_array), bytes(24)], "arrays", accept=FROM_CLIENT)


def test_missing_fields_are_named():
    header = good_header()
    del header["kind"]
    refuse([MAGIC, msgpack.packb(header), bytes(24)], "SubmitJob: the field 'kind' is missing")


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(b"\xc1", id="reserved-byte"),
        pytest.param(b"\x80\x80", id="two-objects"),
        pytest.param(b"\x90", id="a-list"),
        pytest.param(msgpack.packb("text"), id="text"),
        pytest.param(msgpack.packb({"type": b"ping"}), id="type-as-bytes"),
        pytest.param(b"\x81\x01\x02", id="int-key"),
        pytest.param(b"\x81\xa4type\xa4\xff\xff\xff\xff", id="not-utf-8"),
        pytest.param(msgpack.packb({"type": "ping", "x": msgpack.ExtType(5, b"x")}), id="unknown-extension"),
        pytest.param(msgpack.packb({"type": "ping", "x": msgpack.ExtType(1, b"short")}), id="short-uuid"),
        pytest.param(msgpack.packb({"type": "ping", "x": msgpack.ExtType(1, b"x" * 40)}), id="long-extension"),
        pytest.param(b"\x81\xa1x\xc7\x0c\xff" + b"\xff" * 12, id="time-out-of-range"),
        pytest.param(b"\x81\xa1x\xc7\x05\xff" + b"\xff" * 5, id="time-of-5-bytes"),
        pytest.param(b"\x91" * 60_000, id="60000-nested-lists"),
        pytest.param(b"\x81\xa1x" * 20_000, id="20000-nested-maps"),
        pytest.param(b"\xdd\xff\xff\xff\xff", id="list-of-4-billion"),
        pytest.param(b"\xdf\xff\xff\xff\xff", id="map-of-4-billion"),
        pytest.param(b"\xc6\xff\xff\xff\xff", id="4-gigabytes-announced"),
        pytest.param(b"\xdc\xff\xff" * 20_000, id="nested-lists-of-65535"),
        pytest.param(b"\xdc\x0f\xff" * 20_000, id="nested-lists-of-4095"),
        pytest.param(b"\x81\xa1x" + b"\xdc\x0f\xff" * 20_000, id="nested-lists-in-a-map"),
    ],
)
def test_headers_made_to_break_msgpack_use_little_memory(packed):
    tracemalloc.start()
    try:
        refuse([MAGIC, packed])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * 1024**2


def test_a_large_header_is_refused_before_it_is_read():
    refuse([MAGIC, b"\xc6\x01\x00\x00\x00" + bytes(2**24)], "header of 16777221 bytes")


def test_maps_that_are_nested_too_deep_for_their_readers_are_refused():
    nested: dict = {}
    for _ in range(40):
        nested = {"a": nested}
    refuse([MAGIC, msgpack.packb(good_header(parameters=nested)), bytes(24)], "deeper than")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text() | st.binary(), inner, max_size=5),
    max_leaves=20,
)


def refused_or_valid(frames) -> None:
    """Decoding ends in a message or in `ProtocolError`, never in anything else."""
    try:
        envelope = decode(frames)
    except ProtocolError:
        return
    assert encode(envelope.message, envelope.arrays if envelope.message.carries_arrays else None)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5))
def test_any_bytes(frames):
    refused_or_valid(frames)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.lists(st.binary(max_size=50), max_size=2))
def test_any_header(header, payloads):
    refused_or_valid([MAGIC, header, *payloads])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(good_header())), PLAIN, max_size=3))
@example({"payloads": [payload(shape=[2**64 - 1, 2**64 - 1, 0])]})
def test_any_values_in_a_header(changes):
    refused_or_valid([MAGIC, msgpack.packb(good_header(**changes)), bytes(24)])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(payload())), PLAIN, max_size=3))
def test_any_values_in_an_array_header(changes):
    refused_or_valid([MAGIC, msgpack.packb(good_header(payloads=[payload(**changes)])), bytes(24)])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_to_a_message(data):
    frames = [bytearray(frame) for frame in encode(SubmitJob(JOB, "k", {"a": [1, "x"]}), {"v": np.arange(4)})]
    for _ in range(data.draw(st.integers(1, 4))):
        frame = data.draw(st.sampled_from(frames))
        position = data.draw(st.integers(0, len(frame)))
        frame[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    refused_or_valid([bytes(frame) for frame in frames])
