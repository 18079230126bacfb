# SPDX-License-Identifier: Apache-2.0
"""The Blenders of other machines, for the program that watches over the workers of a data set.

That program starts what it takes for a Blender: a connector, which finds its way here. Each connector gets a worker on
a machine of the cluster; its images come back with the records that speak of them and are written on this machine, so
that no disk is shared. A worker whose machine is lost ends as one does that makes room for a fresh one.
"""

import contextlib
import json
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from unrender.data.farm import connector
from unrender.data.farm.worker_host import Said
from unrender.errors import RenderError

_END_SECONDS = 10.0  # for a worker that was told to end, and does so at once unless it hangs


@runtime_checkable
class RemoteWorker(Protocol):
    """A worker somewhere. Its methods raise WorkerLostError where it is no more; see `WorkerHost`."""

    def tell(self, lines: list[bytes]) -> None: ...
    def listen(self) -> list[Said]: ...
    def end_input(self) -> None: ...
    def close(self) -> None: ...


class WorkerLostError(Exception):
    """with_machine: whether its machine was lost, which is not the fault of what it rendered."""

    def __init__(self, message: str, with_machine: bool) -> None:
        super().__init__(message)
        self.with_machine = with_machine


class DatasetFarm:
    """Context manager; `command` and `environment` make a process a worker somewhere.

    start: returns a worker, or None while there is no room; raises RenderError where there never will be. out: the data
    set. say: gets a sentence where a machine is lost.
    """

    def __init__(
        self, start: Callable[[], RemoteWorker | None], out: Path, say: Callable[[str], None] = lambda words: None
    ) -> None:
        self._start, self._out, self._say = start, out, say
        self._token = secrets.token_hex(16)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        threading.Thread(target=self._accept, name="farm", daemon=True).start()

    @property
    def command(self) -> list[str]:
        """What to start in place of a Blender."""
        port = self._listener.getsockname()[1]
        return [sys.executable, "-I", "-S", str(Path(connector.__file__).resolve()), str(port)]

    @property
    def environment(self) -> dict[str, str]:
        """What the process that starts it needs besides; command lines can be read by every user of the machine."""
        return {connector.TOKEN: self._token}

    def __enter__(self) -> "DatasetFarm":
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=20.0)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):  # the connector was killed, as slow workers are
            lines = connection.makefile("rb")
            if not secrets.compare_digest(lines.readline().strip(), self._token.encode("ascii")):
                return
            _Relay(connection, self._start, self._out, self._say).run(lines)


class _Relay:
    """Passes lines between one connector and its worker."""

    def __init__(
        self,
        connection: socket.socket,
        start: Callable[[], RemoteWorker | None],
        out: Path,
        say: Callable[[str], None],
    ) -> None:
        self._connection, self._start, self._out, self._say = connection, start, out, say
        self._arrived: list[bytes] = []
        self._news = threading.Condition()
        self._ended = False
        self._is_ready = False
        self._fingerprint: str | None = None

    def run(self, lines: Any) -> None:
        """Until either side ends. Raises OSError where the connector is gone."""
        threading.Thread(target=self._read, args=(lines,), daemon=True).start()
        worker = self._get_worker()
        if worker is None:
            return
        try:
            teller = threading.Thread(target=self._tell, args=(worker,), daemon=True)
            teller.start()
            self._listen(worker)
        except WorkerLostError as error:
            self._say(f"{error}; its work is done by the others.")
            self._send(b"e" + str(error).encode() + b"\n")
            # Code 0 of a worker that was ready: its work goes to others and nothing is held against it.
            self._send(b"x0\n" if error.with_machine and self._is_ready else b"x1\n")
        finally:
            worker.close()

    def _listen(self, worker: RemoteWorker) -> None:
        deadline = None
        while deadline is None or time.monotonic() < deadline:
            for said in worker.listen():
                if said.kind == "x":
                    self._send(b"x" + said.line)
                    return
                self._pass_on(said)
            if self._ended and deadline is None:
                deadline = time.monotonic() + _END_SECONDS

    def _get_worker(self) -> RemoteWorker | None:
        while not self._ended:
            try:
                worker = self._start()
            except RenderError as error:
                self._send(b"e" + str(error).replace("\n", " ").encode() + b"\n")
                self._send(b"x1\n")
                return None
            if worker is not None:
                return worker
            time.sleep(0.2)
        self._send(b"x0\n")
        return None

    def _read(self, lines: Any) -> None:
        with contextlib.suppress(OSError):
            for line in lines:
                with self._news:
                    self._arrived.append(line.rstrip(b"\n"))
                    self._news.notify()
        with self._news:
            self._ended = True
            self._news.notify()

    def _tell(self, worker: RemoteWorker) -> None:
        with contextlib.suppress(WorkerLostError):  # `listen` says so too
            while True:
                with self._news:
                    self._news.wait_for(lambda: self._arrived or self._ended)
                    batch, self._arrived = self._arrived, []
                    ended = self._ended
                for line in batch:
                    self._note_fingerprint(json.loads(line))
                if batch:
                    worker.tell(batch)
                if ended:
                    worker.end_input()
                    return

    def _note_fingerprint(self, message: dict[str, Any]) -> None:
        """Settings that name files have other names on the worker's machine, hence another fingerprint there."""
        if "plan" in message:
            self._fingerprint = json.loads((self._out / "dataset.json").read_text(encoding="utf-8"))["fingerprint"]

    def _pass_on(self, said: Said) -> None:
        if said.kind == "e":
            self._send(b"e" + said.line)
            return
        message = json.loads(said.line)
        self._is_ready |= "ready" in message
        if "record" in message:
            message["record"]["config"] = self._fingerprint
            problem = self._write(said.files)
            message = problem or message
        self._send(b"o" + json.dumps(message).encode() + b"\n")

    def _write(self, files: dict[str, bytes]) -> dict[str, str] | None:
        """Write the images; returns what a worker says where the disk is full."""
        try:
            for name, content in files.items():
                _replace_file(self._out / name, content)
        except OSError as error:
            return {"fatal": "disk", "message": error.strerror or str(error)}
        return None

    def _send(self, line: bytes) -> None:
        self._connection.sendall(line if line.endswith(b"\n") else line + b"\n")


def _replace_file(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
