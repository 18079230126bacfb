# SPDX-License-Identifier: Apache-2.0
"""A worker's memory and rate, step by step, and what follows from them."""

import statistics
import time
from dataclasses import dataclass
from typing import Any

import psutil

_MEGABYTE = 1 << 20
MOST_GROWTH_MEGABYTES = 50.0


@dataclass(frozen=True, slots=True)
class MemoryStep:
    """After `renders` images. megabytes: resident memory of the worker (the oldest one, where two overlap);
    images_per_second: of this step; longest_wait: most seconds without an image in it; workers: their process ids."""

    renders: int
    megabytes: float
    images_per_second: float
    longest_wait: float
    workers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """growth_megabytes: of the worker that grew most, from the end of its first step to its highest; replaced: how
    often another worker took over; lowest_rate: of the slowest step over the median of the steps, and longest_wait:
    most seconds without an image, both without the first step, in which Blender starts."""

    renders: int
    growth_megabytes: float
    most_growth_megabytes: float
    replaced: int
    lowest_rate: float
    longest_wait: float
    ok: bool
    settings: dict[str, Any]
    steps: tuple[MemoryStep, ...]


class StepRecorder:
    """Is told of images as they come, and looks at the workers' memory every `every` of them."""

    def __init__(self, every: int) -> None:
        self.steps: list[MemoryStep] = []
        self._every = every
        self._done = self._done_before = 0
        self._began = self._last = time.perf_counter()
        self._longest = 0.0

    @property
    def done(self) -> int:
        return self._done

    def is_due(self, images: int) -> bool:
        """Count images that have come; whether a step ends with them."""
        self._done += images
        now = time.perf_counter()
        self._longest, self._last = max(self._longest, now - self._last), now
        return self._done >= (len(self.steps) + 1) * self._every

    def end_step(self, workers: list[int]) -> None:
        """Look at the workers, the oldest of them first."""
        megabytes = _resident_megabytes(workers[0]) if workers else 0.0
        if not megabytes:  # it has ended: these were its last images
            return
        rate = (self._done - self._done_before) / (time.perf_counter() - self._began)
        step = MemoryStep(self._done, round(megabytes, 1), round(rate, 1), round(self._longest, 3), tuple(workers))
        self.steps.append(step)
        self._began, self._longest, self._done_before = time.perf_counter(), 0.0, self._done

    def report(self, settings: dict[str, Any]) -> MemoryReport:
        """What the steps show."""
        growth = most_growth(self.steps)
        steady = self.steps[1:] or self.steps  # the first one has the start in it
        rates = [step.images_per_second for step in steady]
        return MemoryReport(
            renders=self._done,
            growth_megabytes=round(growth, 1),
            most_growth_megabytes=MOST_GROWTH_MEGABYTES,
            replaced=len({step.workers[0] for step in self.steps}) - 1,
            lowest_rate=round(min(rates) / statistics.median(rates), 3),
            longest_wait=max(step.longest_wait for step in steady),
            ok=growth < MOST_GROWTH_MEGABYTES,
            settings=settings,
            steps=tuple(self.steps),
        )


def _resident_megabytes(process: int) -> float:
    try:
        return float(psutil.Process(process).memory_info().rss) / _MEGABYTE
    except psutil.Error:
        return 0.0


def most_growth(steps: list[MemoryStep]) -> float:
    """Megabytes by which a worker has grown since the end of its first step, of the one that grew most."""
    growth = 0.0
    for worker in {step.workers[0] for step in steps}:
        megabytes = [step.megabytes for step in steps if step.workers[0] == worker]
        growth = max(growth, max(megabytes) - megabytes[0])
    return growth
