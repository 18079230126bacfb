# SPDX-License-Identifier: Apache-2.0
"""Where Unrender keeps its data, and how a file is written so that a full disk or a crash never leaves half of one."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from unrender.errors import DiskFullError


def data_home() -> Path:
    """The folder of runs, models, jobs and keys: UNRENDER_HOME, or this system's place for a user's data."""
    chosen = os.environ.get("UNRENDER_HOME")
    return Path(chosen).expanduser().resolve() if chosen else platformdirs.user_data_path("unrender", appauthor=False)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; when the block ends well, that file takes the place of `path`.

    The old file stays untouched until then, and for good if the block fails.

    Raises:
        DiskFullError: the disk had no room for the new file.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"The disk that holds {path.parent} is full; {path.name} could not be written.",
                "Free some space there, or set UNRENDER_HOME to a folder on a larger disk.",
            ) from error
        raise
    finally:
        unfinished.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file, or leave the old one as it was."""
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)
