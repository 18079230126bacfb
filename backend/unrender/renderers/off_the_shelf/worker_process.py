# SPDX-License-Identifier: Apache-2.0
"""One headless Blender as a child process."""

import contextlib
import os
import subprocess
from pathlib import Path
from typing import IO

import unrender_protocol
from unrender.errors import RenderError
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation

_STDERR_TAIL = 2000


def worker_script() -> Path:
    """Path of `worker.py`: beside the backend in a checkout, inside the distribution in an installed wheel."""
    package = Path(__file__).resolve().parents[2]
    for root in (package.parents[1] / "blender_addon", package.parent / "unrender_blender_addon" / "blender_addon"):
        script = root / "rendering" / "worker.py"
        if script.is_file():
            return script
    raise RenderError("The Blender worker's files are missing from this installation.", "Install unrender again.")


class WorkerProcess:
    """Starts the worker; its messages go to a log file; it ends by itself when this process is gone."""

    def __init__(
        self, blender: BlenderInstallation, number: int, address: str, token: str, threads: int, log: Path
    ) -> None:
        protocol = Path(unrender_protocol.__file__).resolve().parent.parent
        arguments = ["--address", address, "--worker", str(number), "--protocol-path", str(protocol)]
        environment = dict(os.environ)
        # Threads that spin while they wait would take the processor from the networks that train beside the worker.
        environment |= {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(max(threads, 1))}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1"} if blender.kind == "executable" else {}
        environment.pop("DISPLAY", None)
        self.number = number
        self._log_path = log
        self._log: IO[bytes] = log.open("ab")
        self._process = subprocess.Popen(
            blender.script_command(worker_script(), arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            env=environment,
        )
        assert self._process.stdin is not None
        try:
            # The token goes through the pipe: command lines can be read by every user of the machine.
            self._process.stdin.write(token.encode("ascii") + b"\n")
            self._process.stdin.flush()
        except OSError:
            pass  # it died at once; the pool sees that and says so

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def kill(self) -> None:
        """End it now and wait until it is gone."""
        self._process.kill()
        self._close()

    def join(self, timeout: float) -> None:
        """Wait for it to end by itself (its input is closed, which ends it); kill it after the timeout."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._close()

    def last_words(self) -> str:
        """The end of what it wrote to standard error, for messages."""
        try:
            with self._log_path.open("rb") as stream:
                stream.seek(max(0, self._log_path.stat().st_size - _STDERR_TAIL))
                return stream.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""

    def _close(self) -> None:
        self._process.wait()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._log.close()
