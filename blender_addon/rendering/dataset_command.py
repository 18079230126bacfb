# SPDX-License-Identifier: GPL-3.0-or-later
"""What `scripts/render_dataset.py` does: flags in, progress, an exit code.

0 done, 2 wrong usage, 3 partly done (what is missing is listed, --resume continues), 4 the settings, the sources or the
folder cannot be used, 5 no engine works, 130 interrupted; 1 is a mistake of ours.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from .cameras import CAMERAS, digest, read_cameras
from .dataset import Job, Outcome, complete_plan, render_dataset
from .dataset_flags import FlagError, read_flags
from .manifest import DatasetError
from .parent_watch import exit_with_parent
from .plan import BLEND, OBJECTS, PROCEDURAL, DatasetPlan
from .shapes import ShapeTools
from .supervisor import Launch, NoEngineError, StoppedError

DONE, FAILED, WRONG_USAGE, PARTLY_DONE, CONFIGURATION, NO_ENGINE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130
WORKER_FLAG = "--dataset-worker"


def run(argv: Sequence[str], tools: ShapeTools, command: Sequence[str] | None) -> int:
    """Parse what follows `--` (or the program's name), render, return the exit code.

    command: how to start this program in a Blender once more, without its arguments; None where there is no Blender.
    """
    arguments = list(argv[argv.index("--") + 1 :] if "--" in argv else argv[1:])
    if arguments == [WORKER_FLAG]:
        from .dataset_worker import run as work  # needs Blender

        return work(tools)
    try:
        options = read_flags(arguments, tools.classes)
        if options.exit_with_parent:
            exit_with_parent()
        output = _claim_standard_output()
        return _render(options, tools, output, command)
    except FlagError as error:
        return WRONG_USAGE if error.code else DONE
    except DatasetError as error:
        return _say(str(error), CONFIGURATION)
    except NoEngineError as error:
        return _say(str(error), NO_ENGINE)
    except StoppedError as error:
        return _say(str(error), PARTLY_DONE)
    except KeyboardInterrupt:
        return _say("interrupted; --resume continues.", INTERRUPTED)
    except Exception:
        traceback.print_exc()
        return FAILED


def _render(options: object, tools: ShapeTools, output: TextIO, command: Sequence[str] | None) -> int:
    command = tuple(json.loads(options.blender)) if options.blender else command
    if command is None:
        raise NoEngineError(
            "This Python has no Blender. Run blender -b -P scripts/render_dataset.py -- ... or unrender render-dataset."
        )
    if options.workers < 1 or options.threads < 1:
        raise DatasetError(f"workers is {options.workers} and threads {options.threads}; expected at least 1.")
    plan, items = complete_plan(_plan(options), options.count, tools.classes)
    launch = Launch(
        (*command, WORKER_FLAG),
        options.engine,
        options.device,
        options.threads,
        plan.source if plan.kind == BLEND else "",
        plan.collection,
        options.timeout,
    )
    job = Job(plan, options.out, launch, options.workers, options.shard, options.resume, options.images, options.writer)
    progress = _Progress(output, options.json, _expected(job, known=items is not None))
    outcome = render_dataset(job, items, progress.report, lambda words: _say(f"note: {words}", DONE))
    progress.finish(outcome, options.out)
    return PARTLY_DONE if outcome.failed else DONE


def _plan(options: object) -> DatasetPlan:
    names = set(DatasetPlan.__dataclass_fields__) - {"objects", "count", "device"}
    values = {name: getattr(options, name) for name in names if hasattr(options, name)}
    if options.cameras not in CAMERAS:  # a file: every object is seen from all of its views
        path = Path(options.cameras)
        views = len(read_cameras(path, options.size))
        values |= {"cameras": str(path.resolve()), "views": views, "camera_digest": digest(path)}
    plan = DatasetPlan(**values)
    if options.source == OBJECTS:
        plan = DatasetPlan(**{**plan.__dict__, "source": options.objects, "kind": OBJECTS})
    elif options.objects:
        raise DatasetError(f"--objects goes with --source {OBJECTS}.")
    if options.collection and not options.source.endswith(".blend"):
        raise DatasetError("--collection goes with a .blend file as --source.")
    return plan


def _expected(job: Job, known: bool) -> int:
    """How many images this job is about; 0 where only Blender can tell."""
    if job.only:
        return len(job.only)
    objects = range(job.shard[0], job.plan.count, job.shard[1])
    return len(objects) * job.plan.views if known or job.plan.kind == PROCEDURAL else 0


def _say(words: str, code: int) -> int:
    print(f"render_dataset: {words}", file=sys.stderr, flush=True)
    return code


def _claim_standard_output() -> TextIO:
    """Keep standard output for ourselves: Blender's own lines would mix with the records."""
    own = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return own


class _Progress:
    """Records as JSON lines, or a line with the time left: in place on a terminal, every five seconds elsewhere."""

    def __init__(self, output: TextIO, as_json: bool, total: int) -> None:
        self._output, self._as_json, self._total = output, as_json, total
        self._done, self._first, self._shown = 0, 0.0, 0.0
        self._told: set[int] = set()

    def report(self, record: dict) -> None:
        now = time.monotonic()
        if "failed" in record:
            if self._as_json:
                print(json.dumps(record), file=self._output)
            elif record["object"] not in self._told:  # not once per view
                self._told.add(record["object"])
                print(f"failed ({record['tag']}): {record['message']}", file=sys.stderr, flush=True)
            return
        self._first = self._first or now
        self._done += 1
        rate = self._done / (now - self._first) if self._done > 5 else 0.0  # the first images warm up
        left = max(self._total - self._done, 0) / rate if rate else None
        if self._as_json:
            facts = {"time": time.time(), "done": self._done, "total": self._total, "eta": left and round(left, 1)}
            print(json.dumps(record | facts), file=self._output)
            return
        pause = 0.2 if sys.stderr.isatty() else 5.0
        if now - self._shown > pause and rate:
            end = "\r" if sys.stderr.isatty() else "\n"
            of = f"/{self._total}" if self._total else ""
            line = f"{_bar(self._done, self._total)}{self._done}{of} images, {rate:.1f}/s, {left:.0f} s left  "
            print(line, end=end, file=sys.stderr, flush=True)
            self._shown = now

    def finish(self, outcome: Outcome, out: Path) -> None:
        """Say what came of it, in JSON as well where that was asked for."""
        if self._as_json:
            failed = dict(sorted(outcome.failed.items()))
            print(json.dumps({"finished": outcome.rendered, "failures": failed}), file=self._output)
            return
        print(f"{outcome.rendered} images rendered into {out}", file=self._output)
        if outcome.failed:
            counts = ", ".join(f"{count} {tag}" for tag, count in sorted(outcome.failed.items()))
            print(f"{outcome.failed.total()} images failed ({counts}); failures.jsonl lists them:", file=self._output)
            for message in outcome.objects:
                print(f"  {message}", file=self._output)


def _bar(done: int, total: int, width: int = 24) -> str:
    if not total or not sys.stderr.isatty():
        return ""
    filled = width * min(done, total) // total
    return f"[{'#' * filled}{'.' * (width - filled)}] "
