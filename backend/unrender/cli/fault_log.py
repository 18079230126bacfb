# SPDX-License-Identifier: Apache-2.0
"""Where the traceback of a fault of the program goes: a file, not the user's terminal."""

import time
from pathlib import Path

from unrender.storage import data_home

_LARGEST = 1 << 20  # bytes; the log starts anew beyond


def write_fault(details: str) -> Path | None:
    """Append `details` to the fault log; None where it cannot be written."""
    path = data_home() / "log" / "faults.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = "w" if path.exists() and path.stat().st_size > _LARGEST else "a"
        with path.open(mode, encoding="utf-8") as file:
            file.write(f"--- {time.strftime('%Y-%m-%dT%H:%M:%S%z')}\n{details}\n")
    except OSError:
        return None
    return path
