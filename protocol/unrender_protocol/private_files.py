# SPDX-License-Identifier: Apache-2.0
"""Small text files that only their owner may read: keys, tokens, lists of who may connect.

On Windows the mode bits mean nothing; there the folder's own access rules (the user's profile) protect the files.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from .errors import KeyFileError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def write_private_file(path: Path, text: str) -> None:
    """Write `text` to `path`, readable and writable by its owner only; whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_private_file(path: Path) -> str:
    """Return the text of `path`.

    Raises `FileNotFoundError`, and `KeyFileError` where others may read or write the file or it is not text.
    """
    status = path.stat()
    if os.name == "posix":
        if status.st_mode & _OTHERS:
            raise KeyFileError(f"{path} can be read by others (mode {stat.S_IMODE(status.st_mode):o}); chmod 600 it")
        if status.st_uid not in (0, os.geteuid()) and os.geteuid() != 0:
            raise KeyFileError(f"{path} belongs to another user; remove it")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise KeyFileError(f"{path} is damaged (not text); remove it, and pair again") from error
