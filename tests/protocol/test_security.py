# SPDX-License-Identifier: Apache-2.0
"""Who may connect to a server on a socket, and what the others are told."""

from __future__ import annotations

import threading

import pytest

from unrender_protocol.client import Client
from unrender_protocol.errors import InsecureBindError, SecurityError, TransportError
from unrender_protocol.events import ClientState, Connected, Denied
from unrender_protocol.heartbeat import Timing
from unrender_protocol.messages import Hello, ServerLimits, Welcome
from unrender_protocol.pairing import (
    AllowList,
    Pairing,
    load_key_pair,
    new_key_pair,
    read_pairing_line,
    write_pairing_line,
)
from unrender_protocol.security import CurveClientSecurity, CurveServerSecurity, TokenSecurity, check_bind, is_loopback
from unrender_protocol.server import ServerEndpoint
from unrender_protocol.zmq_server import RouterTransport
from unrender_protocol.zmq_transport import ZmqTransport

QUICK = Timing(first_retry=0.05, last_retry=0.1, request_timeout=20.0, misses=20)


def welcome(hello: Hello, protocol: int) -> Welcome:
    return Welcome(protocol, "0.1.0", "cpu", (), (), ServerLimits(2**28, 2**29, 64))


class RunningServer:
    def __init__(self, security, token="", address="tcp://127.0.0.1:*"):
        self.transport = RouterTransport(address, security)
        self.endpoint = ServerEndpoint(self.transport, welcome, token=token)
        self.address = self.endpoint.address.replace("0.0.0.0", "127.0.0.1")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stopped.is_set():
            self.endpoint.poll(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(10)
        self.endpoint.close()


@pytest.fixture
def curve(tmp_path):
    """A server's security, its public key, its allow-list, and the keys of a client on it."""
    keys = load_key_pair(tmp_path / "server.json", make=True)
    allowed = AllowList(tmp_path / "clients")
    return CurveServerSecurity(keys, allowed.allows), keys.public, allowed, allowed.issue("ann")


def outcome(server, security, wait_for, token=""):
    """Connected or Denied, whatever comes first."""
    with Client(ZmqTransport(server.address, security), token=token, timing=QUICK) as client:
        return wait_for(client, (Connected, Denied)), client.state, server.transport.denied


def test_the_right_key_works_on_every_address(curve, wait_for):
    security, public, _, keys = curve
    with RunningServer(security, address="tcp://0.0.0.0:*") as server:
        line = write_pairing_line(Pairing(server.address, server=public, keys=keys))
        event, _, denied = outcome(server, read_pairing_line(line).security(), wait_for)
    assert isinstance(event, Connected)
    assert denied == 0


def test_a_client_that_is_not_on_the_list_is_refused(curve, wait_for):
    security, public, _, _ = curve
    with RunningServer(security) as server:
        event, state, denied = outcome(server, CurveClientSecurity(new_key_pair(), public), wait_for)
        assert isinstance(event, Denied)
        assert (event.tag, state) == ("wrong_key", ClientState.REFUSED)
        assert "pair again" in event.hint
        assert denied >= 1
        assert server.endpoint.statistics.received == 0


def test_a_client_that_is_taken_off_the_list_cannot_come_back(curve, wait_for):
    security, public, allowed, keys = curve
    with RunningServer(security) as server:
        assert isinstance(outcome(server, CurveClientSecurity(keys, public), wait_for)[0], Connected)
        allowed.remove(keys.public)
        assert isinstance(outcome(server, CurveClientSecurity(keys, public), wait_for)[0], Denied)


@pytest.mark.parametrize("case", ["another server's key", "no key", "a token"])
def test_without_the_right_keys_nothing_reaches_the_server(curve, wait_for, case):
    security, _, _, keys = curve
    presented = {
        "another server's key": CurveClientSecurity(keys, new_key_pair().public),
        "no key": None,
        "a token": TokenSecurity("word"),
    }[case]
    with RunningServer(security) as server:
        event, state, _ = outcome(server, presented, wait_for)
        assert isinstance(event, Denied)
        assert state is ClientState.REFUSED
        assert server.endpoint.statistics.received == server.endpoint.statistics.garbage == 0


@pytest.mark.parametrize(
    ("presented", "expected"),
    [
        pytest.param(TokenSecurity("word"), Connected, id="right"),
        pytest.param(TokenSecurity("other"), Denied, id="wrong"),
        pytest.param(None, Denied, id="missing"),
        pytest.param(CurveClientSecurity(new_key_pair(), new_key_pair().public), Denied, id="keys"),
    ],
)
def test_a_local_server_wants_its_token(wait_for, presented, expected):
    with RunningServer(TokenSecurity("word")) as server:
        event, _, _ = outcome(server, presented, wait_for)
        assert type(event) is expected
        assert server.endpoint.statistics.received == (1 if expected is Connected else 0)


@pytest.mark.parametrize("token", ["", "x" * 256])
def test_tokens_that_cannot_be_sent_are_refused(token):
    with pytest.raises(SecurityError, match="1 to 255 bytes"):
        TokenSecurity(token)


def test_the_token_may_also_be_checked_in_the_hello(wait_for):
    with RunningServer(None, token="word") as server:
        denied = outcome(server, None, wait_for, token="other")[0]
        assert (denied.tag, type(denied)) == ("wrong_token", Denied)
        assert isinstance(outcome(server, None, wait_for, token="word")[0], Connected)


def test_a_broken_list_lets_nobody_in_and_the_server_lives_on(wait_for):
    good = new_key_pair()
    answers = iter([ValueError("the list is broken"), True])

    def allows(key: bytes) -> bool:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    keys = new_key_pair()
    with RunningServer(CurveServerSecurity(keys, allows)) as server:
        assert isinstance(outcome(server, CurveClientSecurity(good, keys.public), wait_for)[0], Denied)
        assert isinstance(outcome(server, CurveClientSecurity(good, keys.public), wait_for)[0], Connected)


@pytest.mark.parametrize("security", [None, TokenSecurity("word")], ids=["nothing", "token"])
@pytest.mark.parametrize(
    "address", ["tcp://0.0.0.0:*", "tcp://*:*", "tcp://[::]:*", "tcp://192.0.2.1:5", "tcp://eth0:5"]
)
def test_addresses_that_others_reach_are_refused_without_keys(address, security):
    with pytest.raises(InsecureBindError, match="keys") as caught:
        RouterTransport(address, security)
    assert "SSH" in str(caught.value)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("tcp://127.0.0.1:5", True),
        ("tcp://127.9.9.9:5", True),
        ("tcp://[::1]:5", True),
        ("tcp://localhost:5", True),
        ("ipc:///tmp/x", True),
        ("tcp://localhost.example.org:5", False),
        ("tcp://127.0.0.1.example.org:5", False),
        ("tcp://[::ffff:10.0.0.1]:5", False),
        ("tcp://10.0.0.1:5", False),
        ("tcp://:5", False),
        ("nonsense", False),
    ],
)
def test_loopback_is_told_apart(address, expected):
    assert is_loopback(address) is expected
    if expected:
        check_bind(address, None)


def test_a_busy_port_is_one_sentence():
    with RunningServer(None) as server, pytest.raises(TransportError, match="in use by another program"):
        RouterTransport(server.address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1", "tcp://127.0.0.1:port", "udp://127.0.0.1:5"])
def test_a_bad_address_is_one_sentence(address):
    with pytest.raises((TransportError, InsecureBindError)):
        RouterTransport(address)
    with pytest.raises(TransportError, match="expected tcp://host:port"):
        ZmqTransport(address)
