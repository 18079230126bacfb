# SPDX-License-Identifier: Apache-2.0
"""One Blender with a window: started with folders of its own, observed through its agent, and ended for certain.

Errors: WindowError, with what Blender said last; every wait has a deadline.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import psutil

from scripts.blender_window.display import Display

AGENT = Path(__file__).resolve().parent / "agent.py"
FIRST_ANSWER_SECONDS = 120.0  # the first start on a machine compiles Mesa's shaders
ANSWER_SECONDS = 60.0
END_SECONDS = 30.0
LOG_LINES = 15
# Blender must not find what belongs to the environment that these tests run in.
HIDDEN_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "BLENDER_USER_RESOURCES", "UNRENDER_TOKEN")

Answer = TypeVar("Answer")


class WindowError(Exception):
    """Blender did not do what was waited for."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one user: Blender's settings and add-ons, and Unrender's data."""

    folder: Path

    @property
    def data(self) -> Path:
        """UNRENDER_HOME: runs, models, data sets, and the file that says where the server listens."""
        return self.folder / "unrender"

    @property
    def scripts(self) -> Path:
        """Where Blender installs add-ons."""
        return self.folder / "blender" / "scripts"

    @property
    def config(self) -> Path:
        """Where Blender saves preferences."""
        return self.folder / "blender" / "config"

    @property
    def exchange(self) -> Path:
        """Questions to the agent and its answers."""
        return self.folder / "agent"

    def environment(self, backend: Path) -> dict[str, str]:
        """The environment of Blender, and by inheritance of the generator that the add-on starts.

        Args:
            backend: the Python that has Unrender installed, or its environment's folder.
        """
        return {
            **{name: value for name, value in os.environ.items() if name not in HIDDEN_VARIABLES},
            "BLENDER_USER_SCRIPTS": str(self.scripts),
            "BLENDER_USER_CONFIG": str(self.config),
            "UNRENDER_HOME": str(self.data),
            "UNRENDER_BACKEND": str(backend),
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        }

    def processes(self) -> list[psutil.Process]:
        """Every living process that was started with this home, Blender or generator."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("UNRENDER_HOME") == str(self.data)
                if ours and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def survivors(self, seconds: float) -> list[list[str]]:
        """Command lines of those that are still there after at most `seconds`."""
        deadline = time.monotonic() + seconds
        while (living := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return [process.cmdline() for process in living]

    def kill_all(self) -> None:
        """End every process of this home at once."""
        for process in self.processes():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue


class BlenderWindow:
    """A Blender that fills the display; a context manager, which kills whatever is left of it.

    Args:
        display: where its windows open.
        home: its folders; made where they are missing.
        backend: the Python that has Unrender installed.
        blender: the program.
        variables: further environment variables.
    """

    def __init__(
        self,
        display: Display,
        home: Home,
        backend: Path,
        blender: str = "blender",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.display = display
        self.home = home
        self._command = [blender, "--window-geometry", "0", "0", str(display.width), str(display.height)]
        self._environment = {**home.environment(backend), **display.environment, **(variables or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What Blender printed."""
        return self.home.folder / "blender.log"

    def __enter__(self) -> BlenderWindow:
        for folder in (self.home.scripts, self.home.config, self.home.data, self.home.exchange):
            folder.mkdir(parents=True, exist_ok=True)
        for left_over in self.home.exchange.iterdir():
            left_over.unlink()
        command = [*self._command, "--no-window-focus", "-P", str(AGENT), "--", str(self.home.exchange)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self.ask("windows", FIRST_ANSWER_SECONDS)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def running(self) -> bool:
        """Whether this Blender has not ended yet."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End Blender the hard way, as a crash would; the generator is left to notice that."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def wait_for_end(self, seconds: float = END_SECONDS) -> int:
        """The exit code of a Blender that has been told to quit."""
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise WindowError(f"Blender did not end within {seconds:.0f} s. {self.last_words()}") from error

    def ask(self, about: str, seconds: float = ANSWER_SECONDS) -> Any:
        """What the agent in Blender says about it; see `agent.py` for what can be asked."""
        question, answer = self.home.exchange / "question.json", self.home.exchange / "answer.json"
        partial = question.with_suffix(".partial")
        partial.write_text(json.dumps({"about": about}), encoding="utf-8")
        partial.replace(question)
        deadline = time.monotonic() + seconds
        while not answer.exists():
            if not self.running:
                raise WindowError(f"Blender has ended. {self.last_words()}")
            if time.monotonic() > deadline:
                raise WindowError(f"Blender's main thread did nothing for {seconds:.0f} s. {self.last_words()}")
            time.sleep(0.01)
        said = json.loads(answer.read_text(encoding="utf-8"))
        answer.unlink()
        if "error" in said:
            raise WindowError(f"asked about {about}, Blender said: {said['error']}")
        return said["answer"]

    def wait_until(self, about: str, is_so: Callable[[Any], Answer], seconds: float) -> Answer:
        """Ask until `is_so` says something true of the answer; returns that."""
        deadline = time.monotonic() + seconds
        while not (found := is_so(said := self.ask(about))):
            if time.monotonic() > deadline:
                raise WindowError(f"not so after {seconds:.0f} s; {about} is {said!r}. {self.last_words()}")
            time.sleep(0.1)
        return found

    def last_words(self) -> str:
        """The end of the log, for errors."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        return "Its last lines:\n" + "\n".join(lines)
