# SPDX-License-Identifier: Apache-2.0
"""What runs on a machine of the cluster for a data set: one Blender, the lines it is told and says, its images."""

import contextlib
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from unrender.data.dataset_script import dataset_script
from unrender.data.farm.carried_files import CarriedTree, translate, unpack
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation

_WORKER_FLAG = "--dataset-worker"
_PATHS = {"blend", "path", "source", "cameras", "background", "lights"}  # where a message may name a file
_FOLDER = "unrender-farm-"
_WAITING_LINES = 64  # then the worker waits for the network
_ANSWER_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Said:
    """A line of a worker. kind: o (standard output), e (standard error), x (it ended, line is the exit code).
    files: content of the images that the line speaks of, by path relative to the data set."""

    kind: str
    line: bytes
    files: dict[str, bytes] = field(default_factory=dict)


class WorkerHost:
    """Starts the worker in a folder of its own, which is gone with it. Methods may be called from several threads."""

    def __init__(self, blender: BlenderInstallation, carried: list[CarriedTree]) -> None:
        remove_left_folders()
        self._folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-"))
        self._out = self._folder / "out"
        self._places: dict[str, str] = {}
        for number, tree in enumerate(carried):
            self._places |= unpack(tree, self._folder / f"carried-{number}")
        self._said: queue.Queue[Said] = queue.Queue(maxsize=_WAITING_LINES)
        self._process = subprocess.Popen(
            blender.script_command(dataset_script(), [_WORKER_FLAG]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(os.environ) | {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1"},
        )
        threading.Thread(target=self._hear, daemon=True).start()

    def ready(self) -> bool:
        """Whether lines can be sent; Blender may still be starting."""
        return True

    def tell(self, lines: list[bytes]) -> None:
        """Pass lines of JSON on, with this machine's paths in place of the other's."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # its end is heard of by `listen`
            for line in lines:
                self._process.stdin.write(self._localise(line) + b"\n")
            self._process.stdin.flush()

    def listen(self) -> list[Said]:
        """What the worker has said since; waits for up to a second."""
        answer: list[Said] = []
        size = 0
        with contextlib.suppress(queue.Empty):
            while size < _ANSWER_BYTES:
                said = self._said.get(timeout=0.0 if answer else 1.0)
                answer.append(said)
                size += sum(map(len, said.files.values()))
        return answer

    def end_input(self) -> None:
        """Ask the worker to end."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def close(self) -> None:
        """End the worker and remove its folder."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _localise(self, line: bytes) -> bytes:
        message = json.loads(line)
        plan = message.get("plan")
        if plan is not None:
            for name in ("images", *plan["passes"]):
                (self._out / name).mkdir(parents=True, exist_ok=True)
            message["out"] = str(self._out)
        for holder in (message, plan or {}):
            for key in _PATHS & set(holder):
                holder[key] = translate(holder[key], self._places)
        return json.dumps(message).encode()

    def _hear(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        words = threading.Thread(target=self._collect_words, args=(self._process.stderr,), daemon=True)
        words.start()
        try:
            for line in self._process.stdout:
                if line.startswith(b"{"):
                    self._said.put(Said("o", line, self._take_files(json.loads(line))))
        except (OSError, ValueError, KeyError) as error:
            self._said.put(Said("e", f"what the worker said could not be passed on: {error!r}\n".encode()))
            self._process.kill()
        words.join()
        self._said.put(Said("x", str(self._process.wait()).encode() + b"\n"))

    def _collect_words(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._said.put(Said("e", line))

    def _take_files(self, message: dict[str, Any]) -> dict[str, bytes]:
        record = message.get("record")
        if record is None:
            return {}
        files = {}
        for name in (record["file"], *record.get("passes", {}).values()):
            path = self._out / name
            files[name] = path.read_bytes()
            path.unlink()
        return files


def remove_left_folders() -> None:
    """Remove what workers left on this machine that were killed before they could clean up."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        pid = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)
