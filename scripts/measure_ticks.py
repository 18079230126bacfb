# SPDX-License-Identifier: Apache-2.0
"""Inside Blender: how long the add-on's timer keeps the main thread. Started by `unrender bench addon-ticks`.

Prints one JSON object: for each situation the length of every tick in milliseconds. Timers do not fire without a
window; there a loop calls the tick at the times that it asks for. With a window, Blender does.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
REST_TICKS = 40
PATIENCE_SECONDS = 60.0


class Measurement:
    """Times the ticks of an enabled add-on, situation by situation."""

    def __init__(self, options: argparse.Namespace) -> None:
        import bpy

        self.milliseconds: dict[str, list[float]] = {}
        self._ticker: Any = bpy.context.window_manager.unrender_ticker
        self._session: Any = bpy.context.window_manager.unrender_session
        self._options = options
        self._situation = ""
        self._plan = self._situations()

    def tick(self) -> float | None:
        """One timed tick, and one look at how far the plan is; returns the seconds to the next, None at the end."""
        imported = self._imported()
        began = time.perf_counter()
        interval: float = self._ticker.tick()
        spent = 1000.0 * (time.perf_counter() - began)
        if self._situation:
            name = "import" if self._imported() > imported else self._situation
            self.milliseconds.setdefault(name, []).append(spent)
        return interval if next(self._plan, None) is not None else None

    def _imported(self) -> int:
        import bpy

        return len(bpy.data.meshes)

    def _situations(self) -> Iterator[bool]:
        """Yields once per tick."""
        import bpy

        self._situation = "idle"
        yield from (True for _ in range(REST_TICKS))
        self._situation = ""
        entry = bpy.context.preferences.addons[self._options.module].preferences
        entry.location, entry.pairing = "REMOTE", self._options.pairing
        bpy.ops.unrender.connect()
        yield from self._until(lambda: self._session.online)
        self._situation = "connected"
        yield from (True for _ in range(REST_TICKS))
        bpy.ops.ed.undo_push(message="before")  # without a window, steps are recorded from the first one on
        self._session.submit("train", "Training", {"name": "measured"}, import_when_done=False)
        yield from self._until(lambda: bool(self._session.previews))
        self._situation = "training streams"
        end = time.monotonic() + self._options.seconds
        yield from self._until(lambda: time.monotonic() > end)
        self._situation = "training streams, results arrive"
        for _ in range(self._options.jobs):
            before = len(self._session.jobs)
            parameters = {"model": "measured", "seed": before, "count": self._options.count}
            job = self._session.submit("generate", "Shapes", parameters)
            yield from self._until(lambda job=job: self._session.jobs[job].status.value == "IMPORTED")
        self._situation = ""

    def _until(self, done: Any) -> Iterator[bool]:
        end = time.monotonic() + PATIENCE_SECONDS
        while not done():
            if time.monotonic() > end:
                raise RuntimeError(f"waited {PATIENCE_SECONDS:.0f} s: {list(self._session.log)[-5:]}")
            yield True


def enable_addon() -> str:
    """Enable the add-on and return its module name."""
    return str(_headless_main().enable())


def _headless_main() -> Any:
    spec = importlib.util.spec_from_file_location("headless_main", CHECKOUT / "blender_addon" / "headless_main.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_report(measurement: Measurement, file: Path) -> None:
    """Write what was measured, and in which Blender."""
    import bpy

    report = {"blender": bpy.app.version_string, "window": not bpy.app.background, "ticks": measurement.milliseconds}
    file.write_text(json.dumps(report), encoding="utf-8")


def run_in_window(measurement: Measurement, file: Path) -> None:
    """Let Blender's own timer tick; Blender quits at the end."""
    import bpy

    measurement._ticker.stop()

    def step() -> float | None:
        try:
            interval = measurement.tick()
        except Exception as error:
            print(error, file=sys.stderr)
            os._exit(1)
        if interval is None:
            write_report(measurement, file)
            bpy.ops.wm.quit_blender()
        return interval

    bpy.app.timers.register(step, first_interval=0.5, persistent=True)


def main() -> None:
    """The program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairing", required=True)
    parser.add_argument("--seconds", type=float, default=10.0, help="of streaming without results")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--count", type=int, default=9, help="shapes per job")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
    with _headless_main().linked_extension():
        options.module = enable_addon()
        import bpy

        measurement = Measurement(options)
        if not bpy.app.background:
            run_in_window(measurement, options.out)
            return
        while (interval := measurement.tick()) is not None:
            time.sleep(interval)
        write_report(measurement, options.out)


if __name__ == "__main__":
    main()
