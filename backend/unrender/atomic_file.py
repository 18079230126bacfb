# SPDX-License-Identifier: Apache-2.0
"""Writing files so that a reader, a crash or a full disk never leaves half of one."""

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from unrender.errors import DiskFullError


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Call `write(temporary)` and move the result to `path` in one step.

    Raises DiskFullError when the disk is full; the file at `path` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.replace(path)
    except Exception as error:
        if is_disk_full(error):
            raise DiskFullError(
                f"The disk is full: {path} could not be written, the file before it is untouched.",
                "Free some space, then resume.",
            ) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def is_disk_full(error: BaseException) -> bool:
    """Whether an error of the operating system, or of safetensors (which only passes on its text), is a full disk."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
    return f"os error {errno.ENOSPC}" in str(error)
