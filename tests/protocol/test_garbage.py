# SPDX-License-Identifier: Apache-2.0
"""Whatever is sent to a server, it serves the next client, and what it keeps stays bounded."""

from __future__ import annotations

import gc
import os
import socket
import time

import msgpack
import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unrender_protocol.arrays import Limits
from unrender_protocol.client import Client
from unrender_protocol.codec import decode, encode
from unrender_protocol.events import Connected
from unrender_protocol.messages import (
    Failure,
    Hello,
    ListModels,
    Ping,
    Pong,
    ServerLimits,
    SubmitJob,
    Welcome,
)
from unrender_protocol.security import TokenSecurity
from unrender_protocol.server import EndpointLimits, ServerEndpoint
from unrender_protocol.transport import InProcessHub, Problem
from unrender_protocol.zmq_server import RouterTransport
from unrender_protocol.zmq_transport import ZmqTransport

JOB = bytes(range(16))
HELLO = Hello(1, 1, "0.1.0")


def welcome(hello: Hello, protocol: int) -> Welcome:
    return Welcome(protocol, "0.1.0", "cpu", (), (), ServerLimits(2**28, 2**29, 64))


def frames_from_anybody() -> st.SearchStrategy[list[bytes]]:
    """Random frames, valid messages, damaged messages, messages of the wrong direction."""
    plain = st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=9) | st.binary(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
        max_leaves=6,
    )
    valid = st.sampled_from(
        [HELLO, Hello(9, 9, "x"), Ping(), Pong(), SubmitJob(JOB, "k"), ListModels(), welcome(HELLO, 1)]
    ).map(lambda message: [bytes(frame) for frame in encode(message)])

    def damaged(data: tuple[list[bytes], dict, int]) -> list[bytes]:
        frames, changes, keep = data
        header = {**msgpack.unpackb(frames[1]), **changes}
        return [frames[0], msgpack.packb(header), *frames[2:], b"extra"][:keep]

    return st.one_of(
        st.lists(st.binary(max_size=60), max_size=5),
        valid,
        st.tuples(
            valid,
            st.dictionaries(
                st.sampled_from(["type", "id", "t", "payloads", "protocol_min", "token", "job"]), plain, max_size=2
            ),
            st.integers(0, 4),
        ).map(damaged),
        st.just([b"UNRD\x07", b"from the future"]),
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), frames_from_anybody(), st.booleans()), max_size=30),
    st.sampled_from(["", "word"]),
)
def test_no_sequence_of_frames_breaks_an_endpoint(story, token):
    now = [0.0]
    hub = InProcessHub(limit=4)
    endpoint = ServerEndpoint(hub, welcome, token=token, limits=EndpointLimits(peers=3), clock=lambda: now[0])
    peers = [hub.connect() for _ in range(4)]
    for number, frames, leaves in story:
        peers[number].send(frames)
        for incoming in endpoint.poll(0):
            endpoint.send(incoming.peer, Failure("x", "y"), id=incoming.envelope.id)
        if leaves:
            peers[number].reopen()
        now[0] += 0.5
        assert len(endpoint.peers) <= 3
    for peer in peers:
        peer.close()
    now[0] += 20.0  # those who left may be replaced
    client = Client(hub.connect(), token=token, clock=lambda: now[0])
    client.poll()
    endpoint.poll(0)
    assert [type(event) for event in client.poll()] == [Connected]


@pytest.fixture(params=["open", "token"])
def server(request):
    """An endpoint over ZeroMQ, and what is needed to connect to it."""
    security = TokenSecurity("word") if request.param == "token" else None
    endpoint = ServerEndpoint(RouterTransport(security=security), welcome)
    yield endpoint, security
    endpoint.close()


def serves(endpoint: ServerEndpoint, security: TokenSecurity | None) -> bool:
    """Return whether a new client is welcomed."""
    with Client(ZmqTransport(endpoint.address, security)) as client:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            endpoint.poll(0.01)
            if any(isinstance(event, Connected) for event in client.poll(0.01)):
                return True
    return False


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(frames_from_anybody().filter(bool), max_size=10))
def test_no_sequence_of_frames_breaks_a_server_on_a_socket(server, story):
    endpoint, security = server
    garbage = ZmqTransport(endpoint.address, security)
    deadline = time.monotonic() + 30
    for frames in story:
        while not garbage.send(frames) and time.monotonic() < deadline:
            endpoint.poll(0.005)
        endpoint.poll(0)
    assert serves(endpoint, security)
    garbage.close()


def test_bytes_that_are_not_zeromq_are_no_messages(server):
    endpoint, security = server
    port = int(endpoint.address.rpartition(":")[2])
    generator = np.random.default_rng(0)
    for content in (b"GET / HTTP/1.1\r\n\r\n", b"", b"\xff" * 64, *(generator.bytes(500) for _ in range(20))):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(content)
            endpoint.poll(0.005)
    assert serves(endpoint, security)
    assert endpoint.statistics.received == 1  # the hello of that client
    if security is not None:  # without, ZeroMQ takes some of it for its protocol of 2010, and the endpoint drops it
        assert endpoint.statistics.garbage == 0


def test_a_frame_beyond_the_limit_closes_only_its_sender():
    endpoint = ServerEndpoint(RouterTransport(limits=Limits(array_bytes=1000)), welcome)
    sender = ZmqTransport(endpoint.address)
    deadline = time.monotonic() + 30
    while not sender.send([bytes(2000), b"x"]) and time.monotonic() < deadline:
        endpoint.poll(0.01)
    while sender.problem is None and time.monotonic() < deadline:
        endpoint.poll(0.01)
    assert sender.problem is Problem.DISCONNECTED
    assert endpoint.statistics.received == endpoint.statistics.garbage == 0
    assert serves(endpoint, None)
    sender.close()
    endpoint.close()


def test_garbage_and_clients_that_vanish_do_not_grow_the_server():
    endpoint = ServerEndpoint(RouterTransport(), welcome, limits=EndpointLimits(peers=4, replaceable_silence=0.0))
    process = psutil.Process(os.getpid())
    hello = encode(HELLO)
    bad = [*encode(SubmitJob(JOB, "k"))[:1], b"\x80" * 100, bytes(1_000_000)]

    def one_round(count: int) -> int:
        for _ in range(count):
            stranger = ZmqTransport(endpoint.address)
            deadline = time.monotonic() + 30
            for frames in (hello, bad, bad, bad):
                while not stranger.send(frames) and time.monotonic() < deadline:
                    endpoint.poll(0.002)
            endpoint.poll(0.002)
            stranger.close()
        for _ in range(20):
            endpoint.poll(0.002)
        gc.collect()
        return process.memory_info().rss

    before = one_round(40)
    after = one_round(120)
    assert endpoint.statistics.garbage > 300
    assert len(endpoint.peers) <= 4
    assert after - before < 60_000_000  # 360 MB of garbage came in between
    assert serves(endpoint, None)
    endpoint.close()


def test_strangers_are_told_to_say_hello_and_are_not_kept():
    hub = InProcessHub()
    endpoint = ServerEndpoint(hub, welcome)
    stranger = hub.connect()
    stranger.send(encode(ListModels(), id=JOB))
    assert endpoint.poll(0) == []
    answers = [decode(frames) for frames in stranger.poll(0)]
    assert [(answer.message.tag, answer.id) for answer in answers] == [("not_greeted", JOB)]
    assert endpoint.statistics.strangers == 1
    assert not endpoint.peers


def test_a_greeted_client_is_told_about_its_garbage_and_a_stranger_is_not():
    hub = InProcessHub()
    endpoint = ServerEndpoint(hub, welcome)
    stranger, client = hub.connect(), hub.connect()
    client.send(encode(HELLO))
    endpoint.poll(0)
    client.poll(0)
    for transport in (stranger, client):
        transport.send([b"UNRD\x01", b"\xc1"])
    endpoint.poll(0)
    assert endpoint.statistics.garbage == 2
    assert stranger.poll(0) == []
    (told,) = (decode(frames).message for frames in client.poll(0))
    assert told.tag == "bad_message"


def test_silent_clients_are_forgotten():
    now = [0.0]
    hub = InProcessHub()
    endpoint = ServerEndpoint(hub, welcome, limits=EndpointLimits(silence=300.0), clock=lambda: now[0])
    client = hub.connect()
    client.send(encode(HELLO))
    endpoint.poll(0)
    now[0] = 299.0
    endpoint.poll(0)
    assert len(endpoint.peers) == 1
    now[0] = 301.0
    endpoint.poll(0)
    assert not endpoint.peers


def test_a_client_too_slow_for_its_results_is_forgotten_not_waited_for():
    hub = InProcessHub(limit=2)
    endpoint = ServerEndpoint(hub, welcome)
    client = hub.connect()
    client.send(encode(HELLO))
    endpoint.poll(0)
    (peer,) = endpoint.peers
    sent = 0
    while endpoint.send(peer, Failure("x", "y")):
        sent += 1
        assert sent < 10_000
    assert sent > 200
    assert not endpoint.peers
    assert endpoint.waiting_bytes == 0


def test_a_client_that_comes_back_replaces_itself():
    hub = InProcessHub()
    endpoint = ServerEndpoint(hub, welcome, limits=EndpointLimits(peers=1))
    for _ in range(3):
        client = hub.connect()
        client.send(encode(Hello(1, 1, "0.1.0", client=JOB)))
        endpoint.poll(0)
        assert isinstance(decode(client.poll(0)[0]).message, Welcome)
    assert len(endpoint.peers) == 1


def test_a_welcome_that_does_not_fit_is_refused_with_a_reason():
    def boastful(hello: Hello, protocol: int) -> Welcome:
        return Welcome(protocol, "0.1.0", "x" * 100_000, (), (), ServerLimits(1, 1, 1))

    hub = InProcessHub()
    endpoint = ServerEndpoint(hub, boastful)
    client = hub.connect()
    client.send(encode(HELLO))
    endpoint.poll(0)
    refused = decode(client.poll(0)[0]).message
    assert refused.tag == "internal"
    assert not endpoint.peers


def test_clients_that_left_without_a_word_take_no_place():
    hub = InProcessHub()
    endpoint = ServerEndpoint(hub, welcome, limits=EndpointLimits(peers=2, replaceable_silence=1000.0))
    for _ in range(6):
        client = hub.connect()
        client.send(encode(HELLO))
        endpoint.poll(0)
        assert isinstance(decode(client.poll(0)[0]).message, Welcome)
        client.close()
