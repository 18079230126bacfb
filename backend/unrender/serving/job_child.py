# SPDX-License-Identifier: Apache-2.0
"""The inside of a job's process: takes orders from the server, runs them one by one, tells how they went.

Orders and reports are single lines of JSON on one pipe; a report's arrays follow it as raw bytes. Results never pass
through the pipe: they are written to the job's folder, where they survive both processes.
"""

import faulthandler
import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from unrender.errors import CancelledError
from unrender.serving.failures import describe_exception
from unrender.serving.job_kinds import JobKinds, JobWork
from unrender.serving.previews import shrink
from unrender.serving.results import LOG_NAME, inputs_path, read_arrays, result_path, write_arrays
from unrender.training.progress import Progress

_SECONDS_BETWEEN_REPORTS = 0.1
_LARGEST_PREVIEW = 512  # pixels of the longer side: what a panel shows; the files keep theirs
_LARGEST_LOG = 4 << 20  # bytes kept of earlier attempts

Arrays = Mapping[str, np.ndarray]


def work_on_orders(connection: Connection, kinds: dict[str, Any], preload: tuple[str, ...]) -> None:
    """Run jobs until told to stop. The target of the process; ends at once when the server is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the server's terminal reaches us too; the server decides
    pipe = _Pipe(connection)
    threading.Thread(target=pipe.read_orders, daemon=True).start()
    threading.Thread(target=pipe.send_progress, daemon=True).start()
    pipe.send({"report": "ready"})
    for module in preload:
        importlib.import_module(module)
    while True:
        order = pipe.orders.get()
        pipe.send(_run(order, kinds, pipe))


class _Pipe:
    """The two threads' side of the child: the main thread belongs to the job."""

    def __init__(self, connection: Connection) -> None:
        self.orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.cancelled = threading.Event()
        self._connection = connection
        self._sending = threading.Lock()
        self._newest: tuple[str, Progress, Arrays] | None = None
        self._has_news = threading.Event()

    def read_orders(self) -> None:
        try:
            while True:
                order = json.loads(self._connection.recv_bytes())
                if order["order"] == "run":
                    self.cancelled.clear()
                    self.orders.put(order)
                elif order["order"] == "cancel":
                    self.cancelled.set()
                elif order["order"] == "stop":
                    break
        except (EOFError, OSError):
            pass  # the server is gone, and nobody would fetch what we still compute
        os._exit(0)

    def progress(self, job: str, progress: Progress) -> None:
        """Note where the job stands; never waits. What was not sent yet is replaced, but for its arrays."""
        waiting = self._newest
        kept = waiting[2] if waiting is not None and waiting[0] == job else {}
        self._newest = job, progress, {**kept, **_arrays(progress)}
        self._has_news.set()

    def send_progress(self) -> None:
        while True:
            self._has_news.wait()
            self._has_news.clear()
            newest, self._newest = self._newest, None
            if newest is not None:
                self.send(*_progress_report(*newest))
            time.sleep(_SECONDS_BETWEEN_REPORTS)

    def forget_progress(self) -> None:
        """Drop what was not sent: the job has ended."""
        self._newest = None

    def send(self, report: Mapping[str, Any], contents: Sequence[bytes] = ()) -> None:
        try:
            with self._sending:
                self._connection.send_bytes(json.dumps(report).encode())
                for content in contents:
                    self._connection.send_bytes(content)
        except OSError:
            os._exit(0)


def _run(order: Mapping[str, Any], kinds: JobKinds, pipe: _Pipe) -> dict[str, Any]:
    """Do one job; return the report of how it ended."""
    folder = Path(order["folder"])
    report: dict[str, Any] = {"report": "ended", "job": order["job"]}
    try:
        _log_into(folder)
        kind = kinds[order["kind"]]
        arrays = read_arrays(inputs_path(folder))[1] if inputs_path(folder).exists() else {}
        progress = partial(pipe.progress, order["job"])
        work = JobWork(arrays, folder, order["attempt"], progress, pipe.cancelled.is_set)
        output = kind.run(kind.check(order["parameters"]), work)
        if pipe.cancelled.is_set():
            return report | {"cancelled": True}
        write_arrays(result_path(folder), output.result, output.arrays)
        return report | {"done": True}
    except CancelledError:
        return report | {"cancelled": True}
    except BaseException as error:  # whatever it was, the server must hear of it
        traceback.print_exc()
        failure = describe_exception(error)
        return report | {"failed": [failure.tag, failure.message, failure.hint]}
    finally:
        pipe.forget_progress()
        sys.stdout.flush()
        sys.stderr.flush()


def _progress_report(job: str, progress: Progress, arrays: Arrays) -> tuple[dict[str, Any], list[bytes]]:
    report: dict[str, Any] = {
        "report": "progress",
        "job": job,
        "phase": progress.phase,
        "done": int(progress.done),
        "total": int(progress.total),
        "eta_seconds": None if progress.eta_seconds is None else float(progress.eta_seconds),
        "message": progress.message,
        "notes": list(progress.notes),
        "arrays": [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()],
    }
    return report, [array.tobytes() for array in arrays.values()]


def _arrays(progress: Progress) -> Arrays:
    """The arrays of a report by their names on the wire."""
    arrays: dict[str, np.ndarray] = {}
    if progress.preview is not None:
        arrays["preview"] = shrink(progress.preview, _LARGEST_PREVIEW)
    if progress.scores is not None:
        arrays["scores"] = progress.scores
    return arrays | {f"curve_{name}": curve for name, curve in progress.curves.items()}


def _log_into(folder: Path) -> None:
    """Send everything that is printed, by us or by native code, to the job's log."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOG_NAME
    too_long = path.exists() and path.stat().st_size > _LARGEST_LOG
    with path.open("wb" if too_long else "ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    faulthandler.enable(file=sys.__stderr__ or 2)
