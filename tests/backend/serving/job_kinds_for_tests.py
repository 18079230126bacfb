# SPDX-License-Identifier: Apache-2.0
"""Kinds of jobs that misbehave on purpose; imported by the job processes that the tests start."""

import errno
import os
import signal
import sys
import time
from dataclasses import dataclass

import numpy as np

from unrender.errors import CancelledError, DiskFullError
from unrender.serving.job_kinds import JobKind, JobOutput, JobWork
from unrender.training.progress import Progress


@dataclass(frozen=True, slots=True)
class Nothing:
    """No parameters."""


@dataclass(frozen=True, slots=True)
class CountTo:
    number: int
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 1_000_000:
            raise ValueError(f"number is {self.number}, but 1 to 1000000 was expected")


def count(parameters: CountTo, work: JobWork) -> JobOutput:
    """Counts, slowly if asked, and can be cancelled. Writes every start into its folder's parent."""
    with (work.folder.parent / f"{work.folder.name}.starts").open("a") as file:
        file.write(f"{os.getpid()}\n")
    for i in range(parameters.number):
        if work.cancelled():
            raise CancelledError("stopped")
        preview = np.full((2, 3, 3), i % 256, np.uint8)
        work.progress(Progress("counting", i + 1, parameters.number, 0.5, f"at {i}", preview))
        time.sleep(parameters.seconds / parameters.number)
    total = sum(array.sum() for array in work.arrays.values())
    return JobOutput(
        {"pid": os.getpid(), "attempt": work.attempt}, {"numbers": np.arange(parameters.number) + np.int64(total)}
    )


def ignore_cancel(parameters: Nothing, work: JobWork) -> JobOutput:
    """Cannot be stopped by asking, nor by SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    work.progress(Progress("deaf", 1, 1))
    while True:
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Saving:
    """How long it takes to come to an end once it is asked to."""

    seconds: float


def save_slowly(parameters: Saving, work: JobWork) -> JobOutput:
    """Works until it is cancelled, and then takes its time to save; what it saved lies beside its folder."""
    work.progress(Progress("working", 1, 2))
    while not work.cancelled():
        time.sleep(0.01)
    time.sleep(parameters.seconds)
    (work.folder.parent / f"{work.folder.name}.saved").touch()
    raise CancelledError("saved")


def report_arrays(parameters: Nothing, work: JobWork) -> JobOutput:
    """A sheet and scores, then many reports without; waits for its end."""
    sheet, scores = np.full((600, 1200, 3), 7, np.uint8), np.array([[0, 0.5], [16, 0.25]], np.float32)
    work.progress(Progress("showing", 0, 50, preview=sheet, scores=scores))
    for done in range(50):
        work.progress(Progress("showing", done + 1, 50, notes=("Take care.",)))
    while not work.cancelled():
        time.sleep(0.01)
    raise CancelledError("stopped")


def newest_numbers(parameters: Nothing) -> dict[str, np.ndarray]:
    """What there is to show of a job that does not report."""
    return {"scores": np.array([[0, 0.5]], np.float32)}


def segfault(parameters: Nothing, work: JobWork) -> JobOutput:
    print("the last words of native code", flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)
    raise AssertionError("still alive")


def killed(parameters: Nothing, work: JobWork) -> JobOutput:
    """What the kernel's out-of-memory killer does."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
    raise AssertionError("still alive")


def allocate(parameters: Nothing, work: JobWork) -> JobOutput:
    return JobOutput({}, {"huge": np.empty(1 << 58, np.uint8)})


def torch_allocate(parameters: Nothing, work: JobWork) -> JobOutput:
    raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried ...")


def fill_disk(parameters: Nothing, work: JobWork) -> JobOutput:
    raise DiskFullError("The disk is full: result could not be written.", "Free some space.")


def forbidden(parameters: Nothing, work: JobWork) -> JobOutput:
    raise PermissionError(errno.EACCES, "Permission denied", str(work.folder / "run"))


def fault(parameters: Nothing, work: JobWork) -> JobOutput:
    return JobOutput({"quotient": 1 // 0})


def leave(parameters: Nothing, work: JobWork) -> JobOutput:
    sys.exit(3)


def hang(parameters: Nothing, work: JobWork) -> JobOutput:
    time.sleep(600)
    raise AssertionError("never reached")


KINDS = {
    "count": JobKind(CountTo, count, lane="short", stays_warm=True),
    "count_once": JobKind(CountTo, count, lane="once", repeatable=False),
    "deaf": JobKind(Nothing, ignore_cancel, lane="short"),
    "slow_save": JobKind(Saving, save_slowly, lane="once", saves=True),
    "arrays": JobKind(Nothing, report_arrays, lane="once", show=newest_numbers),
    "segfault": JobKind(Nothing, segfault, lane="short"),
    "killed": JobKind(Nothing, killed, lane="short"),
    "allocate": JobKind(Nothing, allocate, lane="short"),
    "torch_allocate": JobKind(Nothing, torch_allocate, lane="short"),
    "fill_disk": JobKind(Nothing, fill_disk, lane="short"),
    "forbidden": JobKind(Nothing, forbidden, lane="short"),
    "fault": JobKind(Nothing, fault, lane="short"),
    "leave": JobKind(Nothing, leave, lane="short"),
    "hang": JobKind(Nothing, hang, lane="short", silence_limit=0.5),
}
