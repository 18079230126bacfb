# SPDX-License-Identifier: Apache-2.0
"""From what went wrong in a job to a stable tag, a sentence and a next step."""

import errno
import signal
from pathlib import Path

from unrender.errors import UnrenderError
from unrender.serving.jobs import JobError

_KILLED = -9  # SIGKILL, which Windows does not name
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
_MEMORY_HINT = "Ask for less at once (fewer shapes, a smaller batch, a lower resolution), or close other programs."
_MEMORY_PHRASES = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED")


def describe_exception(error: BaseException) -> JobError:
    """What an exception that ended a job means for the person who asked for the job."""
    if isinstance(error, UnrenderError):
        return JobError(error.tag, error.message, error.hint)
    if is_out_of_memory(error):
        return JobError("out_of_memory", "Memory ran out while the job was running.", _MEMORY_HINT)
    if isinstance(error, OSError) and error.errno in _NOT_ALLOWED:
        return JobError(
            "not_writable",
            f"The server has no permission to write {Path(str(error.filename or 'its files')).name!r}.",
            "Make the server's data folder writable for whoever runs it, then start the job again.",
        )
    return JobError(
        "internal",
        f"The job stopped on a fault of the program ({type(error).__name__}: {str(error)[:300]}).",
        "Please report it; the job's log has the details.",
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, the computer's or the graphics card's (torch raises subclasses of RuntimeError)."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(phrase in str(error) for phrase in _MEMORY_PHRASES)


def describe_exit(exit_code: int | None) -> JobError:
    """What it means that a job's process ended without a word. Negative codes are signals, as in `multiprocessing`."""
    if exit_code == _KILLED:
        return JobError(
            "out_of_memory", "The operating system ended the job, usually because memory ran out.", _MEMORY_HINT
        )
    if exit_code is not None and exit_code < 0:
        reason = f"signal {-exit_code}{_signal_name(-exit_code)}"
    else:
        reason = f"exit code {exit_code}"
    return JobError(
        "crashed", f"The process of the job crashed ({reason}).", "Try again; if it crashes again, please report it."
    )


def describe_silence(seconds: float) -> JobError:
    """A job that was ended because it showed no sign of life."""
    return JobError(
        "crashed",
        f"The job showed no progress for {seconds:.0f} seconds and was ended.",
        "Try again, or ask for less at once.",
    )


def describe_interruption() -> JobError:
    """A job that ran when the server was killed, and that cannot be run twice."""
    return JobError("interrupted", "The server was stopped while the job was running.", "Start the job again.")


def _signal_name(number: int) -> str:
    try:
        return f", {signal.Signals(number).name}"
    except ValueError:
        return ""
