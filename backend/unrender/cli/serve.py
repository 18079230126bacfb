# SPDX-License-Identifier: Apache-2.0
"""`unrender serve`: the backend that Blender connects to."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from unrender.errors import ConnectionRefusedByPolicyError, UserError

_SECONDS_TO_STOP = 10.0  # after its parent has gone, the server ends within this time whatever it is doing


def command(
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this computer need --public.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    public: Annotated[
        bool, typer.Option("--public", help="Let clients on other computers in: by keys, encrypted.")
    ] = False,
    pair: Annotated[str, typer.Option(help="With --public: make keys for a new client of this name.")] = "",
    advertise: Annotated[str, typer.Option(help="With --public: this computer's name for the pairing line.")] = "",
    discovery: Annotated[
        Path | None,
        typer.Option(help="File that tells Blender how to connect [default: server.json in the data home]."),
    ] = None,
    stop_with_stdin: Annotated[
        bool, typer.Option("--stop-with-stdin", help="End when standard input closes, as it does when the parent dies.")
    ] = False,
) -> None:
    """Run the backend: it owns the models, runs the jobs, and keeps results until they are fetched.

    \b
    For Blender on this computer (Blender finds it by itself; the add-on can also start it):
      unrender serve
    For Blender on another computer; the printed line is pasted into the add-on once, and is a secret:
      unrender serve --host 0.0.0.0 --port 7707 --public --pair studio-laptop
    The same through SSH, without opening a port:
      unrender serve --port 7707          and there:  ssh -L 7707:127.0.0.1:7707 THIS-COMPUTER

    Ctrl-C stops it; a training that runs saves first. Jobs that were waiting or running are taken up again by the
    next start.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    stop = _StopRequest()
    if stop_with_stdin:
        threading.Thread(target=stop.when_stdin_closes, daemon=True).start()
    _serve(host, port, public, pair, advertise, discovery, stop)


class _StopRequest:
    """Set by Ctrl-C, by SIGTERM, and by the end of standard input."""

    def __init__(self) -> None:
        self._event = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._event.set())

    def is_set(self) -> bool:
        return self._event.is_set()

    def when_stdin_closes(self) -> None:
        while sys.stdin is not None and os.read(sys.stdin.fileno(), 4096):
            continue
        self._event.set()
        threading.Event().wait(_SECONDS_TO_STOP)
        os._exit(1)  # the main thread hangs; nobody is left who could stop it


def _serve(
    host: str, port: int, public: bool, pair: str, advertise: str, discovery: Path | None, stop: _StopRequest
) -> None:
    from unrender import __version__
    from unrender.cli.self_record import record_self
    from unrender.serving.authentication import private_door, public_door
    from unrender.serving.descriptions import ServerDescriptions
    from unrender.serving.devices import list_devices
    from unrender.serving.handlers import job_kinds
    from unrender.serving.job_queue import JobQueue
    from unrender.serving.mesh_maker import MeshMaker
    from unrender.serving.server import JobServer
    from unrender.storage import writable_data_home
    from unrender_protocol.discovery import FILE_NAME, LocalServer, publish_local_server, withdraw_local_server
    from unrender_protocol.errors import WireError
    from unrender_protocol.pairing import write_pairing_line
    from unrender_protocol.security import is_loopback
    from unrender_protocol.zmq_server import RouterTransport

    home = writable_data_home()
    record_self()
    address = f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
    if not public and not is_loopback(address):
        raise ConnectionRefusedByPolicyError(
            f"{host} can be reached by other computers, and clients there are let in by keys only.",
            "Add --public --pair NAME, or listen on 127.0.0.1 and forward the port by SSH.",
        )
    kinds = job_kinds()
    announcement = discovery or home / FILE_NAME
    if announcement.name != FILE_NAME:
        raise typer.BadParameter(
            f"the file must be called {FILE_NAME}, got {announcement.name}", param_hint="--discovery"
        )
    try:
        door = public_door(home, pair) if public else private_door()
        with JobQueue(kinds, home, patience=_SECONDS_TO_STOP) as queue, MeshMaker(home) as meshes:
            transport = RouterTransport(address, door.security)
            with JobServer(transport, queue, ServerDescriptions(list_devices(), kinds), meshes=meshes) as server:
                queue.prepare("generate")
                listening = server.address.replace("0.0.0.0", advertise or _own_name()) if public else server.address
                if not public:  # before the lines: who has read them may look for the file
                    local = LocalServer(server.address, door.token, os.getpid(), __version__)
                    publish_local_server(announcement.parent, local)
                typer.echo(f"Unrender {__version__} listens on {server.address}; Ctrl-C stops it.")
                if not public or door.client_keys is not None:
                    typer.echo(write_pairing_line(door.pairing(listening)))
                sys.stdout.flush()
                try:
                    server.run(stop.is_set)
                finally:
                    withdraw_local_server(announcement.parent)
    except WireError as error:
        raise UserError(f"The server cannot start: {error}.") from error


def _own_name() -> str:
    import socket

    return socket.gethostname()
