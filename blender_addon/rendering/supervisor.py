# SPDX-License-Identifier: GPL-3.0-or-later
"""Blenders that render a data set: started, given objects as they ask for them, watched, and replaced when they die.

An engine is never guessed to work: the first worker renders a picture with it in a process of its own, which may die of
it, and only then counts as ready.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from .manifest import DatasetError
from .memory import out_of_memory_kills
from .settings import ENGINES

START_SECONDS = 240.0
MOST_FAILED_STARTS = 3
ATTEMPTS = 2  # the death of a worker may have been an accident
_IN_FLIGHT = 4  # objects that a worker knows of, so that it never waits for the next
_TAIL_LINES = 30


class NoEngineError(RuntimeError):
    """No render engine works; the message says which were tried and why not."""


class StoppedError(RuntimeError):
    """The work had to stop before its end, and can be continued; the message says why."""


@dataclass
class Task:
    """One object whose images are wanted."""

    object: int
    name: str
    category: str
    path: str
    images: list[int]
    attempts: int = 0

    def to_dict(self) -> dict:
        return {name: getattr(self, name) for name in ("object", "name", "category", "path", "images")}


@dataclass(frozen=True)
class Launch:
    """How workers start. command: starts one; engine, device: what is wanted; blend, collection: a .blend to open."""

    command: tuple[str, ...]
    engine: str
    device: str
    threads: int
    blend: str = ""
    collection: str = ""
    timeout: float = 600.0

    def hello(self, engine: str) -> dict:
        facts = {name: getattr(self, name) for name in ("device", "threads", "blend", "collection")}
        return facts | {"engine": engine}


@dataclass(eq=False)
class Worker:
    """One process and what it was told to do."""

    process: subprocess.Popen
    tasks: dict[int, Task] = field(default_factory=dict)
    current: int | None = None
    is_ready: bool = False
    heard: float = field(default_factory=time.monotonic)
    kills_before: int = field(default_factory=out_of_memory_kills)
    timed_out: bool = False
    words: collections.deque = field(default_factory=lambda: collections.deque(maxlen=_TAIL_LINES))

    def tell(self, words: dict) -> None:
        with contextlib.suppress(OSError):  # a worker that is gone is noticed when its output ends
            self.process.stdin.write(json.dumps(words).encode() + b"\n")
            self.process.stdin.flush()

    def crash(self) -> tuple[str, str]:
        """Tag and phrase for how it ended."""
        code = self.process.returncode
        said = " ".join(self.words).lower()
        if self.timed_out:
            return "timeout", "took too long and was stopped"
        if "out of memory" in said or "bad_alloc" in said or "memoryerror" in said:
            return "out_of_memory", "ran out of memory"
        if code in (-9, 137):
            if out_of_memory_kills() > self.kills_before:
                return "out_of_memory", "was killed by the system for want of memory"
            return "killed", "was killed"
        last = f"; last words: {self.words[-1]}" if self.words else ""
        return "crashed", f"ended with exit code {code}{last}"


class Crew:
    """All workers of a run. `open` starts the first one, `render` the others; use it as a context manager."""

    def __init__(self, launch: Launch, say: Callable[[str], None]) -> None:
        self._launch, self._say = launch, say
        self._messages: queue.Queue = queue.Queue()
        self._workers: list[Worker] = []
        self._plan: dict = {}
        self._failed_starts = 0
        self.engine, self.device, self.blender = launch.engine, launch.device, ""
        self.objects: list[str] | None = None

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in self._workers:
            with contextlib.suppress(OSError):
                worker.process.stdin.close()
        deadline = time.monotonic() + 5.0
        for worker in self._workers:
            try:
                worker.process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()

    def open(self) -> None:
        """Start a worker with the wanted engine, or with the first of the others that works, which is said aloud.

        Raises NoEngineError, and DatasetError for a .blend file that cannot be used.
        """
        reasons = []
        for engine in dict.fromkeys([self._launch.engine, *ENGINES]):
            self.engine = engine
            problem = self._try_engine()
            if not problem:
                if engine != self._launch.engine:
                    self._say(f"{reasons[0]}. {engine.capitalize()} renders instead.")
                return
            reasons.append(f"{engine.capitalize()} cannot be used ({problem})")
            if self._launch.device not in ("cpu", "auto") and engine == "cycles":
                break  # a GPU that is absent was asked for by name
        raise NoEngineError(". ".join(reasons) + ".")

    def _try_engine(self) -> str:
        """Start one worker; returns why it does not work, or nothing."""
        worker = self._start()
        while True:
            message = self._next_message(worker, START_SECONDS)
            if message is None:
                self._workers.remove(worker)
                worker.process.wait()
                return f"its process {worker.crash()[1]}"
            if "unusable" in message:
                self._workers.remove(worker)
                worker.process.wait()
                if message["is_config"]:
                    raise DatasetError(message["unusable"])
                return message["unusable"].rstrip(".")
            if "ready" in message:
                worker.is_ready = True
                self.blender, self.objects = message["ready"]["blender"], message["ready"]["objects"]
                self.device = message["ready"]["device"]
                return ""

    def _next_message(self, worker: Worker, seconds: float) -> dict | None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                sender, message = self._messages.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                worker.timed_out = True
                worker.process.kill()
                return None
            if sender is worker:
                return message

    def render(self, plan: dict, out: str, tasks: Iterable[Task], workers: int, report: Callable[[dict], None]) -> None:
        """Have all tasks done. report: gets each `{"record": ...}` and `{"failed": image, ...}`.

        Raises DatasetError, StoppedError where the disk is full, NoEngineError where workers do not start any more.
        """
        self._plan = {"plan": plan, "out": out}
        waiting: collections.deque[Task] = collections.deque()
        supply = iter(tasks)
        for worker in self._workers:
            worker.tell(self._plan)
            self._feed(worker, supply, waiting)
        while len(self._workers) < workers and self._more(supply, waiting):
            self._start()
        while any(worker.tasks for worker in self._workers) or self._more(supply, waiting):
            if not self._workers:
                self._start()
            try:
                worker, message = self._messages.get(timeout=1.0)
            except queue.Empty:
                self._stop_silent_ones()
                continue
            if worker not in self._workers:
                continue
            worker.heard = time.monotonic()
            if message is None:
                self._bury(worker, waiting, report)
                if self._more(supply, waiting):
                    self._start()
            else:
                self._handle(worker, message, supply, waiting, report)

    def _handle(
        self, worker: Worker, message: dict, supply: Iterator[Task], waiting: collections.deque, report: Callable
    ) -> None:
        if "ready" in message:
            worker.is_ready = True
            worker.tell(self._plan)
            self._feed(worker, supply, waiting)
        elif "started" in message:
            worker.current = message["started"]
        elif "finished" in message:
            worker.tasks.pop(message["finished"], None)
            self._failed_starts = 0
            self._feed(worker, supply, waiting)
        elif "unusable" in message:
            worker.words.append(message["unusable"])
        elif "fatal" in message:
            if message["fatal"] == "config":
                raise DatasetError(message["message"])
            raise StoppedError(f"Writing failed: {message['message']}. Free some space, then run with --resume.")
        else:
            image = message["record"]["index"] if "record" in message else message["failed"]
            task = worker.tasks.get(message["record"]["object"] if "record" in message else message["object"])
            if task is not None and image in task.images:
                task.images.remove(image)
            report(message)

    def _feed(self, worker: Worker, supply: Iterator[Task], waiting: collections.deque) -> None:
        while len(worker.tasks) < _IN_FLIGHT:
            # A task that has killed a worker goes alone: what dies with it is known for certain.
            if worker.tasks and any(task.attempts for task in worker.tasks.values()):
                return
            if worker.tasks and waiting and waiting[0].attempts:
                return
            task = next(supply, None) if not waiting else waiting.popleft()
            if task is None:
                return
            worker.tasks[task.object] = task
            worker.tell(task.to_dict())

    def _more(self, supply: Iterator[Task], waiting: collections.deque) -> bool:
        if not waiting:
            task = next(supply, None)
            if task is not None:
                waiting.append(task)
        return bool(waiting)

    def _bury(self, worker: Worker, waiting: collections.deque, report: Callable[[dict], None]) -> None:
        """Give the tasks of a worker that has ended back; one that it died of twice has failed."""
        self._workers.remove(worker)
        code = worker.process.wait()
        if code == 0 and worker.is_ready:  # it made room for a fresh one
            waiting.extendleft(reversed(worker.tasks.values()))
            return
        tag, words = worker.crash()
        if worker.current not in worker.tasks:
            self._failed_starts += 1
            if self._failed_starts >= MOST_FAILED_STARTS:
                raise NoEngineError(f"Blender {words}, {self._failed_starts} times in a row.")
        for task in reversed(worker.tasks.values()):
            if task.object == worker.current:
                task.attempts += 1
            if task.attempts < ATTEMPTS:
                waiting.appendleft(task)
                continue
            for image in task.images:
                report({"failed": image, "object": task.object, "tag": tag, "message": f"{task.name}: Blender {words}"})

    def _stop_silent_ones(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            limit = self._launch.timeout if worker.is_ready else START_SECONDS
            if now - worker.heard > limit and (worker.tasks or not worker.is_ready):
                worker.timed_out = True
                worker.process.kill()

    def _start(self) -> Worker:
        environment = dict(os.environ) | {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1"}
        try:
            process = subprocess.Popen(
                self._launch.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
            )
        except OSError as error:
            raise NoEngineError(f"{self._launch.command[0]} cannot be started: {error.strerror}.") from None
        worker = Worker(process)
        self._workers.append(worker)
        threading.Thread(target=self._collect_words, args=(worker,), daemon=True).start()
        threading.Thread(target=self._hear, args=(worker,), daemon=True).start()
        worker.tell(self._launch.hello(self.engine))
        return worker

    def _hear(self, worker: Worker) -> None:
        for line in worker.process.stdout:
            if line.startswith(b"{"):  # Blender's own greeting comes before the script runs
                self._messages.put((worker, json.loads(line)))
        self._messages.put((worker, None))

    def _collect_words(self, worker: Worker) -> None:
        for line in worker.process.stderr:
            if line.strip():
                worker.words.append(line.decode(errors="replace").strip())
