# SPDX-License-Identifier: Apache-2.0
"""What the processes of a group do in the tests; imports little, so that they start fast."""

from __future__ import annotations

import os
import time
from pathlib import Path

from unrender.errors import CancelledError, DataError
from unrender.training.progress import CancelCheck, Progress, ProgressCallback


def work(rank: int, progress: ProgressCallback, cancelled: CancelCheck, what: str, folder: Path) -> tuple[int, str]:
    """`what` happens in the second process; the first one waits until it is asked to stop."""
    (folder / f"{rank}.{os.getpid()}").touch()
    if rank == 1 and what == "a mistake of the user":
        raise DataError("Bad pictures.", "Take others.")
    if rank == 1 and what == "a mistake of ours":
        raise ValueError("twelve")
    if rank == 1 and what == "a death":
        os._exit(7)
    if rank == 0 and what == "a death":
        time.sleep(0.5)
        raise RuntimeError("I miss the other one")  # as a collective does, before anybody notes the death
    if what == "success":
        progress(Progress("phase", 1, 2, message=f"from {rank}"))
        return rank, what
    while not cancelled():
        time.sleep(0.01)
    raise CancelledError(f"Stopped {rank}.")
