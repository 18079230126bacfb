# SPDX-License-Identifier: Apache-2.0
"""Standard output without what Ray's threads print to it: it belongs to our records, which programs read."""

import contextlib
import sys
import threading
from typing import Any, TextIO

_RAY_THREADS = "ray_"  # how Ray names its threads


class _OwnOutput:
    """A text stream that drops what Ray's threads write; everything else goes to the stream itself."""

    def __init__(self, stream: TextIO | Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread().name.startswith(_RAY_THREADS):
            return len(text)
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def own_output() -> contextlib.AbstractContextManager[Any]:
    """A context in which Ray is silent; of a lost machine it tells in hundreds of lines, and nothing turns that off."""
    return contextlib.redirect_stdout(_OwnOutput(sys.stdout))  # type: ignore[type-var]
