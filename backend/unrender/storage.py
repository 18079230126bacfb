# SPDX-License-Identifier: Apache-2.0
"""Where Unrender keeps its data."""

import os
from pathlib import Path

import platformdirs


def data_home() -> Path:
    """The folder of runs, models, jobs and keys: UNRENDER_HOME, or this system's place for a user's data."""
    chosen = os.environ.get("UNRENDER_HOME")
    return Path(chosen).expanduser().resolve() if chosen else platformdirs.user_data_path("unrender", appauthor=False)
