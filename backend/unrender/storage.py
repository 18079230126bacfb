# SPDX-License-Identifier: Apache-2.0
"""Where Unrender keeps its data."""

import os
import tempfile
from pathlib import Path

import platformdirs

from unrender.errors import NotWritableError


def data_home() -> Path:
    """The folder of runs, models, jobs and keys: UNRENDER_HOME, or this system's place for a user's data."""
    chosen = os.environ.get("UNRENDER_HOME")
    return Path(chosen).expanduser().resolve() if chosen else platformdirs.user_data_path("unrender", appauthor=False)


def writable_data_home() -> Path:
    """That folder, made where it is missing. Raises NotWritableError where this user may not write there."""
    home = data_home()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise NotWritableError(
            f"Unrender cannot write to its data folder {home} ({error.strerror or error}).",
            "Make it writable for you, or set UNRENDER_HOME to another folder.",
        ) from error
    return home
