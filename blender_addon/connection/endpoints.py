# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a server is: from a pairing line, from an address, or from the file of a server on this computer."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from .problems import BAD_ADDRESS, NO_PAIRING_LINE, NextStep, Problem, missing_library
from .states import Endpoint

COPY_AGAIN = "Copy the whole line that the generator printed, and paste it in the preferences."
PORT_SECONDS = 2.0
KEYS_FILE = Path("keys") / "addon.json"


class EndpointError(Exception):
    """What was given is no way to a server; `problem` says what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read_endpoint(text: str, token: str = "") -> Endpoint:
    """The endpoint in a pairing line (`unrender://...`) or a plain address (`tcp://127.0.0.1:5555`).

    Args:
        text: what the artist pasted.
        token: goes with a plain address; a pairing line brings its own.

    Raises:
        EndpointError: with a sentence for the panel.
    """
    text = text.strip()
    if not text:
        raise EndpointError(NO_PAIRING_LINE)
    if text.startswith(("tcp://", "ipc://")):
        host_and_port = text.removeprefix("tcp://")
        if text.startswith("tcp://") and not host_and_port.rpartition(":")[2].isdigit():
            raise EndpointError(BAD_ADDRESS)
        return Endpoint(text, token)
    if not text.startswith("unrender://"):
        raise EndpointError(BAD_ADDRESS)
    return _paired(text)


def prepare_to_read() -> None:
    """Import in a thread what reading a pairing line takes, which would hold the main thread up for most of 0.1 s."""
    threading.Thread(target=_import_wire, name="unrender-import", daemon=True).start()


def _import_wire() -> None:
    with contextlib.suppress(ImportError):  # the connection will say so
        import unrender_protocol.pairing
        import unrender_protocol.zmq_authentication  # noqa: F401


def _paired(line: str) -> Endpoint:
    try:
        from unrender_protocol.discovery import data_home
        from unrender_protocol.errors import WireError
        from unrender_protocol.pairing import load_key_pair, read_pairing_line
    except ImportError as error:
        raise EndpointError(missing_library(error)) from error
    try:
        pairing = read_pairing_line(line)
        if not pairing.server:
            return Endpoint(pairing.address, pairing.token)
        keys = pairing.keys or load_key_pair(data_home() / KEYS_FILE, make=True)
    except (WireError, OSError) as error:
        text = str(error)
        message, _, hint = text.partition("; ")
        raise EndpointError(
            Problem("pairing_line", _sentence(message), _sentence(hint) or COPY_AGAIN, NextStep.OPEN_PREFERENCES)
        ) from error
    return Endpoint(pairing.address, pairing.token, pairing.server, keys.public, keys.secret)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "." if text else ""


def find_local(home: Path | None = None) -> tuple[Endpoint, int] | None:
    """Endpoint and process id of the server that already runs on this computer, or None.

    A server that was killed leaves its file behind, and its process id may belong to another program by now. So its
    port is tried, which takes up to `PORT_SECONDS`.

    Args:
        home: the data home; the user's own where None.
    """
    from unrender_protocol.discovery import data_home, find_local_server

    server = find_local_server(home or data_home())
    if server is None or not _is_listened_to(server.address):
        return None
    return Endpoint(server.address, server.token), server.pid


def _is_listened_to(address: str) -> bool:
    """Whether some program takes connections at `address`; True where that cannot be tried."""
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    if not address.startswith("tcp://") or not port.isdigit():
        return True
    import socket

    try:
        socket.create_connection((host.strip("[]"), int(port)), PORT_SECONDS).close()
    except OSError:
        return False
    return True


def stays_here(endpoint: Endpoint) -> bool:
    """Whether nothing that is sent to `endpoint` leaves this computer."""
    from unrender_protocol.security import is_loopback

    return is_loopback(endpoint.address)
