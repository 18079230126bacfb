# SPDX-License-Identifier: Apache-2.0
"""A screen without a monitor: an X server whose pixels can be read and whose mouse and keys can be moved."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np

WIDTH, HEIGHT = 1280, 800
START_SECONDS = 20.0
EVENT_SECONDS = 20.0
# Blender notices that the mouse is over a button by a second movement, and needs a moment to draw that.
HOVER_PIXELS = 3
HOVER_SECONDS = 0.03
PRESS_SECONDS = 0.25


class DisplayError(Exception):
    """The X server did not start, or did not take an event."""


class Display:
    """An Xvfb of this process; a context manager, which ends it."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.width = width
        self.height = height
        self.name = ""  # such as ":3"
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Display:
        self._folder = tempfile.TemporaryDirectory(prefix="unrender-display-")
        reading, writing = os.pipe()
        size = f"{self.width}x{self.height}x24"
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-fbdir", self._folder.name]
        try:
            self._process = subprocess.Popen(
                [*command, "-nolisten", "tcp", "-noreset", "+extension", "GLX"],
                pass_fds=(writing,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            os.close(writing)  # so that its end is noticed, should it end
            writing = -1
            number = _read_line(reading, START_SECONDS)
        finally:
            os.close(reading)
            if writing >= 0:
                os.close(writing)
        if not number:
            self.__exit__(None, None, None)
            raise DisplayError("Xvfb did not start; install the package xvfb, or look at what it says by hand")
        self.name = f":{number}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def environment(self) -> Mapping[str, str]:
        """What a program needs to be shown here, drawn without a graphics card."""
        return {"DISPLAY": self.name, "LIBGL_ALWAYS_SOFTWARE": "1"}

    def picture(self) -> np.ndarray:
        """What the screen shows now: uint8 RGB [H, W, 3]."""
        assert self._folder is not None
        raw = (Path(self._folder.name) / "Xvfb_screen0").read_bytes()
        header = struct.unpack(">25I", raw[:100])  # XWD: see XWDFile.h
        header_size, width, height, row_bytes, colours = header[0], header[4], header[5], header[12], header[19]
        start = header_size + 12 * colours
        rows = np.frombuffer(raw, np.uint8, row_bytes * height, start).reshape(height, row_bytes)
        return rows[:, : 4 * width].reshape(height, width, 4)[:, :, 2::-1].copy()

    def move(self, x: int, y: int) -> None:
        """Put the mouse there, as a hand does: in more than one step."""
        self._event("mousemove", x + HOVER_PIXELS, y, "sleep", HOVER_SECONDS, "mousemove", x, y)

    def click(self, x: int, y: int, button: int = 1, times: int = 1) -> None:
        """Press a mouse button there (4 and 5 turn the wheel up and down)."""
        self.move(x, y)
        time.sleep(PRESS_SECONDS)
        for _ in range(times):
            self._event("click", button)
            time.sleep(0.02)
        time.sleep(PRESS_SECONDS)

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Press at `start`, move to `end`, let go."""
        self.move(*start)
        time.sleep(PRESS_SECONDS)
        self._event("mousedown", 1)
        for part in np.linspace(0.0, 1.0, 8)[1:]:
            time.sleep(HOVER_SECONDS)
            x, y = (round((1 - part) * a + part * b) for a, b in zip(start, end, strict=True))
            self._event("mousemove", x, y)
        time.sleep(PRESS_SECONDS)
        self._event("mouseup", 1)
        time.sleep(PRESS_SECONDS)

    def turn_with_ctrl(self, x: int, y: int, button: int) -> None:
        """Turn the wheel (button 4 or 5) by one notch over a place while ctrl is held."""
        self.move(x, y)
        self._event("keydown", "ctrl", "sleep", PRESS_SECONDS, "click", button, "sleep", PRESS_SECONDS, "keyup", "ctrl")
        time.sleep(PRESS_SECONDS)

    def key(self, *names: str) -> None:
        """Press keys one after the other; they go to the window under the mouse (`n`, `ctrl+shift+z`, `Return`)."""
        for name in names:
            self._event("key", name)
            time.sleep(PRESS_SECONDS)

    def type(self, text: str) -> None:
        """Type a text."""
        self._event("type", "--delay", "8", text)
        time.sleep(PRESS_SECONDS)

    def _event(self, *words: str | float) -> None:
        command = ["xdotool", *(str(word) for word in words)]
        try:
            ran = subprocess.run(
                command, env={**os.environ, "DISPLAY": self.name}, capture_output=True, timeout=EVENT_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise DisplayError(f"the X server took no event within {EVENT_SECONDS:.0f} s: {command}") from error
        if ran.returncode != 0:
            raise DisplayError(f"{command} failed: {ran.stderr.decode(errors='replace').strip()}")


def _read_line(descriptor: int, seconds: float) -> str:
    """What is written into a pipe up to the end of the line; empty when that does not come. The server writes number
    and line end one after the other, and gives up if it cannot write the second."""
    deadline = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(descriptor, 16) if ready else b""
        if not part:
            return ""
        line += part
    return line.decode().strip()
