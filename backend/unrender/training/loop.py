# SPDX-License-Identifier: Apache-2.0
"""The one training loop."""

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from unrender.data.sampler import InfiniteSampler
from unrender.data.training_pictures import TrainingPictures
from unrender.errors import CancelledError, CheckpointError, DivergedError
from unrender.training.checkpoint import load_checkpoint, save_checkpoint
from unrender.training.devices import Devices
from unrender.training.method import Method, Phase
from unrender.training.progress import CancelCheck, Progress, ProgressCallback
from unrender.training.run_folder import RunFolder

_STATISTICS_WINDOW = 100


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often the loop looks up from its work, in minutes; evaluations and samples also frame every phase."""

    checkpoint_minutes: float = 3.0
    sample_minutes: float = 2.0
    evaluate_minutes: float = 2.5


class TrainingLoop:
    """Drives a method over a set of pictures until its phases are done, it diverges or the caller cancels.

    Everything random is drawn from the method's and the sampler's own generators, and everything that is measured from
    others: a run that was interrupted and resumed ends with the very weights of one that was not.

    Several processes run one loop each and take the same steps on shares of the same batches. The first one decides
    what the clock decides, evaluates, samples and writes; a checkpoint fits any number of processes.
    """

    def __init__(
        self,
        method: Method,
        pictures: TrainingPictures,
        run: RunFolder,
        kind: str,
        schedule: Schedule,
        seed: int,
        devices: Devices,
    ) -> None:
        self._method, self._pictures, self._run, self._kind, self._schedule = method, pictures, run, kind, schedule
        self._devices = devices
        self._sampler = InfiniteSampler(len(pictures), seed)
        self._phases = method.phases()
        self._shown = {phase.name: 0 for phase in self._phases}
        self._seconds = 0.0  # of training, over all sessions of this run
        self._window: deque[dict[str, float]] = deque(maxlen=_STATISTICS_WINDOW)
        self._last: dict[str, float] = {}
        self._kid = math.nan  # of the newest evaluation
        self._good: Path | None = None  # the newest checkpoint from before any sign of a collapse

    @property
    def images_shown(self) -> int:
        return sum(self._shown.values())

    def resume(self) -> None:
        """Continue from the newest checkpoint that can be read, together; raises CheckpointError if none can."""
        failure: CheckpointError | None = None
        for path in reversed(self._run.checkpoints()):
            try:
                state = load_checkpoint(path, self._kind)
            except CheckpointError as error:
                self._log(str(error))
                failure = error
                continue
            self._load(state)
            self._good = path if self._method.is_well() else self._run.checkpoints()[0]
            self._devices.barrier()  # all have read, before anybody writes
            if self._devices.is_first:
                self._run.trim_metrics(self.images_shown)
            return
        if failure is not None:
            raise failure

    def run(self, progress: ProgressCallback, cancelled: CancelCheck) -> None:
        """Train to the end, together; raises CancelledError after a checkpoint was saved, DivergedError, DiskFullError.

        Any process may be cancelled: all stop after the same step.
        """
        started = time.monotonic() - self._seconds
        with self._tensorboard() as writer:
            if self.images_shown == 0:
                self._evaluate(writer)
            for phase in self._phases:
                due = dict.fromkeys(("sample", "evaluate", "checkpoint"), self._seconds)  # since when, in seconds
                pace = _Pace(phase, self._shown[phase.name])
                while self._shown[phase.name] < phase.images:
                    self._step(phase)
                    self._seconds = time.monotonic() - started
                    progress(pace.report(self._shown[phase.name], self._message()))
                    is_cancelled, *is_due = self._devices.any_of([cancelled(), *self._due(due)])
                    if is_cancelled:
                        self._save()
                        raise CancelledError(f"Stopped after {self.images_shown} images.", "Continue with --resume.")
                    self._look_up(dict(zip(due, is_due, strict=True)), due, writer, progress, pace)
                if self._last and phase is not self._phases[-1]:
                    self._save()  # the next phase may be stopped before it has come to anything
            if self._last:
                self._seconds = time.monotonic() - started
                self._sample(progress, pace)
                self._evaluate(writer)
                self._save()

    def _step(self, phase: Phase) -> None:
        share = self._devices.share
        items, passes = self._sampler.draw_with_passes(self._method.batch_size)
        batch = self._pictures.batch(share(items), share(passes))
        items, passes = self._sampler.peek(self._method.batch_size)
        self._pictures.prefetch(share(items), share(passes))
        started = time.perf_counter()
        statistics = self._method.step(phase, self._shown[phase.name], batch)
        statistics["step_seconds"] = time.perf_counter() - started
        statistics["pictures_seconds"] = self._pictures.waited_seconds
        self._shown[phase.name] += self._method.batch_size
        bad = [name for name, value in statistics.items() if not math.isfinite(value)]
        complaint = f"{bad[0]} is not a finite number" if bad else self._method.complaint(statistics)
        if phase.name != self._phases[-1].name and not bad:
            complaint = None
        if complaint is not None:
            kept = self._go_back(is_sudden=bool(bad))
            self._log(f"diverged: {complaint}")
            raise DivergedError(
                f"Training diverged after {self.images_shown} images: {complaint}.",
                f"{kept} Lower generator.learning_rate and discriminator.learning_rate (halve them) and resume.",
            )
        self._window.append(statistics)
        self._last = statistics

    def _go_back(self, is_sudden: bool) -> str:
        """Leave the last good checkpoint as the newest, and name it. A collapse, other than a number that is not
        finite, had long begun when it was found out: what was saved meanwhile is of no use."""
        if self._good is not None and not is_sudden and self._devices.is_first:
            self._run.drop_checkpoints_after(self._good)
        checkpoints = self._run.checkpoints()
        return f"The last good checkpoint is {checkpoints[-1]}." if checkpoints else "There is no checkpoint yet."

    def _due(self, since: dict[str, float]) -> list[bool]:
        """What the first process' clock says is due: sample, evaluate, checkpoint."""
        schedule = self._schedule
        minutes = (schedule.sample_minutes, schedule.evaluate_minutes, schedule.checkpoint_minutes)
        return [
            self._devices.is_first and self._seconds - time_of_last >= 60.0 * every
            for time_of_last, every in zip(since.values(), minutes, strict=True)
        ]

    def _look_up(
        self,
        due: dict[str, bool],
        since: dict[str, float],
        writer: SummaryWriter | None,
        progress: ProgressCallback,
        pace: "_Pace",
    ) -> None:
        if due["sample"]:
            since["sample"] = self._seconds
            self._sample(progress, pace)
        if due["evaluate"] or due["checkpoint"]:
            # An evaluation takes many seconds, and a server that cancels waits for two: nothing must be lost by then.
            since["checkpoint"] = self._seconds
            self._save()
        if due["evaluate"]:
            since["evaluate"] = self._seconds
            self._evaluate(writer)

    def _sample(self, progress: ProgressCallback, pace: "_Pace") -> None:
        if not self._devices.is_first:
            return
        picture = self._method.sample_sheet(self._pictures.examples(self._method.sheet_pictures))
        self._run.save_sample(f"images-{self.images_shown:09d}", picture)
        progress(pace.report(pace.done, self._message(), picture))

    def _evaluate(self, writer: SummaryWriter | None) -> None:
        if writer is None:
            return
        averages = _averages(self._window)
        record: dict[str, Any] = {"images": self.images_shown, "seconds": round(self._seconds, 1)}
        scores = self._method.evaluate()
        self._kid = scores.get("kid", math.nan)
        record |= scores | averages | {"memory_bytes": self._devices.peak_memory()}
        self._run.append_metrics(record)
        self._log(" ".join(f"{key}={value:.4g}" for key, value in record.items()))
        for name, value in record.items():
            writer.add_scalar(name, value, self.images_shown)

    @contextmanager
    def _tensorboard(self) -> Iterator[SummaryWriter | None]:
        """The first process' writer."""
        if not self._devices.is_first:
            yield None
            return
        with SummaryWriter(str(self._run.path / "tensorboard")) as writer:
            yield writer

    def _log(self, message: str) -> None:
        if self._devices.is_first:
            self._run.log(message)

    def _message(self) -> str:
        shown = {"kid": self._kid} if math.isfinite(self._kid) else {}
        for name in ("generator_loss", "discriminator_loss", "proxy_psnr"):
            if name in self._last:
                shown[name] = self._last[name]
        return "  ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in shown.items())

    def _save(self) -> None:
        state = {
            "method": self._method.state_dict(),  # together
            "sampler": self._sampler.state_dict(),
            "shown": self._shown,
            "seconds": self._seconds,
        }
        if self._devices.is_first:
            path = self._run.checkpoint_path(self.images_shown)
            save_checkpoint(path, state, self._kind)
            if self._method.is_well():
                self._good = path
            self._run.drop_old_checkpoints(self._good)
        self._devices.barrier()  # nobody leaves, and ends the others, before it is written

    def _load(self, state: dict[str, Any]) -> None:
        self._method.load_state_dict(state["method"])
        self._sampler.load_state_dict(state["sampler"])
        self._shown |= state["shown"]
        self._seconds = state["seconds"]


class _Pace:
    """Progress and ETA of one phase, from the speed since this session began it."""

    def __init__(self, phase: Phase, done: int) -> None:
        self._phase, self._first, self._started = phase, done, time.monotonic()
        self.done = done

    def report(self, done: int, message: str, preview: Any = None) -> Progress:
        self.done = done
        elapsed = time.monotonic() - self._started
        new = done - self._first
        eta = elapsed / new * max(self._phase.images - done, 0) if new > 0 else None
        return Progress(self._phase.name, min(done, self._phase.images), self._phase.images, eta, message, preview)


def _averages(window: deque[dict[str, float]]) -> dict[str, float]:
    names = sorted({name for statistics in window for name in statistics})
    return {name: float(np.mean([entry[name] for entry in window if name in entry])) for name in names}
