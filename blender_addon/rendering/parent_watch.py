# SPDX-License-Identifier: GPL-3.0-or-later
"""A child that must not outlive its parent."""

from __future__ import annotations

import os
import sys
import threading


def exit_with_parent() -> None:
    """End this process at once when the other end of its standard input is closed: the system closes it however the
    parent died."""

    def watch() -> None:
        while sys.stdin.buffer.raw.read(4096):
            pass
        os._exit(0)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()
