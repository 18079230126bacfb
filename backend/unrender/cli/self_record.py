# SPDX-License-Identifier: Apache-2.0
"""The note by which Blender's add-on finds this backend: where it is installed, in the data home."""

import contextlib
import sys

from unrender import __version__
from unrender.storage import data_home
from unrender_protocol.discovery import InstalledBackend, record_backend


def record_self() -> None:
    """Leave the note. Where the data home cannot be written to there is none; whoever needs the home will say so."""
    command = (sys.executable, "-m", "unrender.cli.main")
    with contextlib.suppress(OSError):
        record_backend(data_home(), InstalledBackend(command, __version__))
