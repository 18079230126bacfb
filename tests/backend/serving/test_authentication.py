# SPDX-License-Identifier: Apache-2.0
"""Who may connect, tried over real sockets."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from unrender.errors import ConnectionRefusedByPolicyError
from unrender.serving.authentication import Door, private_door, public_door
from unrender.serving.job_queue import JobQueue
from unrender.serving.server import JobServer
from unrender_protocol.client import Client
from unrender_protocol.errors import InsecureBindError, TransportError
from unrender_protocol.events import Arrived, Connected, Denied, Event
from unrender_protocol.messages import ModelList
from unrender_protocol.pairing import load_key_pair, new_key_pair, read_pairing_line, write_pairing_line
from unrender_protocol.security import CurveClientSecurity
from unrender_protocol.zmq_server import RouterTransport
from unrender_protocol.zmq_transport import ZmqTransport

from .conftest import Descriptions


@contextmanager
def serving(door: Door, queue: JobQueue) -> Iterator[JobServer]:
    with JobServer(RouterTransport("tcp://127.0.0.1:0", door.security), queue, Descriptions()) as server:
        yield server


def first_event(server: JobServer, client: Client, kinds: tuple[type, ...]) -> Event:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        server.step(0.01)
        for event in client.poll(0.01):
            if isinstance(event, kinds):
                return event
    raise AssertionError("no answer came")


def test_an_empty_list_of_clients_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConnectionRefusedByPolicyError, match="is empty") as caught:
        public_door(tmp_path)
    assert "--pair" in caught.value.hint


def test_a_line_that_was_pasted_opens_the_door_and_other_keys_do_not(tmp_path: Path, queue: JobQueue) -> None:
    door = public_door(tmp_path, "studio laptop")
    with serving(door, queue) as server:
        pairing = read_pairing_line(write_pairing_line(door.pairing(server.address)))
        with Client(ZmqTransport(pairing.address, pairing.security())) as client:
            assert isinstance(first_event(server, client, (Connected, Denied)), Connected)
            client.list_models()
            answer = first_event(server, client, (Arrived,))
            assert isinstance(answer, Arrived)
            assert isinstance(answer.message, ModelList)
        stranger = CurveClientSecurity(new_key_pair(), pairing.server)
        with Client(ZmqTransport(pairing.address, stranger)) as client:
            assert isinstance(first_event(server, client, (Connected, Denied)), Denied)


def test_the_server_keeps_its_keys_and_its_clients(tmp_path: Path) -> None:
    first = public_door(tmp_path, "one")
    second = public_door(tmp_path)
    assert first.server_key == second.server_key == load_key_pair(tmp_path / "keys" / "server.json").public
    assert second.client_keys is None


def test_every_private_door_has_a_token_of_its_own() -> None:
    tokens = {private_door().token for _ in range(5)}
    assert len(tokens) == 5
    assert all(token not in repr(private_door()) for token in tokens)


def test_an_open_address_with_a_token_only_is_refused() -> None:
    with pytest.raises(InsecureBindError):
        RouterTransport("tcp://0.0.0.0:0", private_door().security)


def test_a_busy_port_is_named() -> None:
    door = private_door()
    transport = RouterTransport("tcp://127.0.0.1:0", door.security)
    try:
        with pytest.raises(TransportError, match="in use by another program"):
            RouterTransport(transport.address, door.security)
    finally:
        transport.close()
