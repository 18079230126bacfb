# SPDX-License-Identifier: Apache-2.0
"""Generates chairs through a real backend and the real add-on in a headless Blender, and times every step.

Three processes: this one, the backend (`unrender serve` on the loopback interface, with a data folder of its own) and
Blender (`blender_addon/headless_main.py` in Blender's Python). Whatever ends this one ends the other two: the backend
ends itself when the pipe to its standard input closes, and everything is killed as a group on the way out.

Run by `scripts/demo` in the backend's environment.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Timer
from types import FrameType
from typing import Any

from unrender.cli.self_record import record_self

CHECKOUT = Path(__file__).resolve().parent.parent
START_SECONDS = 180.0  # the longest wait for the backend to answer, and for each step in Blender
BLENDER_SECONDS = 600.0  # the longest that Blender may take altogether
LOG_LINES = 15  # shown of a log when something failed
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class DemonstrationError(Exception):
    """The demonstration cannot go on; the message says why and what to do."""


class Interrupted(BaseException):
    """A signal asked this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


@contextmanager
def child(command: Sequence[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A child process in a group of its own, whose errors go to `log` and whose whole group ends with this context."""
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, stderr=errors, text=True, encoding="utf-8", start_new_session=os.name == "posix", **options
        )
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Asks the process to end, and kills what is left of its group two seconds later."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            process.kill()
    if os.name == "posix":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def tail(*logs: Path) -> str:
    """The last lines of each log, indented, below the log's name."""
    shown = []
    for log in logs:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        shown += [f"\n  {log.stem} said:"] * bool(lines) + [f"\n  | {line}" for line in lines]
    return "".join(shown)


def wait_for_backend(process: subprocess.Popen[str], discovery: Path, log: Path) -> None:
    """Returns when the backend has written its discovery file, which it does once it can be reached.

    Raises:
        DemonstrationError: it ended before, or took longer than `START_SECONDS`.
    """
    deadline = time.monotonic() + START_SECONDS
    while not discovery.is_file():
        if process.poll() is not None:
            raise DemonstrationError(f"the backend ended with exit code {process.returncode}.{tail(log)}")
        if time.monotonic() > deadline:
            raise DemonstrationError(f"the backend did not answer within {START_SECONDS:.0f} s.{tail(log)}")
        time.sleep(0.02)


def say(step: str, seconds: float, message: str) -> None:
    """One line of the table of steps."""
    print(f"  {step:<9} {seconds:6.1f} s  {message}", flush=True)


def follow_blender(process: subprocess.Popen[str], *logs: Path) -> list[str]:
    """Prints Blender's steps as they are reported, one JSON line each; returns the names of the objects made.

    Raises:
        DemonstrationError: Blender reported a failure, or ended without saying that it was done.
    """
    assert process.stdout is not None
    names: list[str] | None = None
    limit = Timer(BLENDER_SECONDS, process.kill)
    limit.daemon = True
    limit.start()
    for line in process.stdout:
        report = json.loads(line)
        if "error" in report:
            error = report["error"]
            hint = f" {error['hint']}" if error.get("hint") else ""
            raise DemonstrationError(f"Blender: {error['message']}{hint}{tail(*logs)}")
        if "step" in report:
            names_of_files = ", ".join(Path(file).name for file in report.get("files", [])[:3])
            say(report["step"], report["seconds"], report["message"] or names_of_files)
        elif report.get("done"):
            names = report["objects"]
    exit_code = process.wait()
    limit.cancel()
    if names is None or exit_code != 0:
        raise DemonstrationError(f"Blender ended with exit code {exit_code}.{tail(*logs)}")
    return names


def demonstrate(options: argparse.Namespace) -> list[str]:
    """Runs the whole demonstration; returns the names of the objects made.

    Raises:
        DemonstrationError: with what failed and the end of the log that says more.
    """
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}
    options.out.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="unrender-demo-")))
        # A data folder of its own, so that a demonstration finds no old jobs and leaves none.
        environment.setdefault("UNRENDER_HOME", str(scratch / "home"))
        discovery, server_log, blender_log = scratch / "server.json", scratch / "backend.log", scratch / "blender.log"

        started = time.monotonic()
        serve = [sys.executable, "-m", "unrender.cli.main", "serve", "--discovery", str(discovery), "--stop-with-stdin"]
        server = stack.enter_context(
            child(serve, server_log, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment)
        )
        wait_for_backend(server, discovery, server_log)
        say("serve", time.monotonic() - started, "the backend listens on the loopback interface")

        blender = [str(options.blender_python), str(CHECKOUT / "blender_addon" / "headless_main.py")]
        blender += ["--discovery", str(discovery), "--model", options.model, "--seed", str(options.seed)]
        blender += ["--count", str(options.count), "--out", str(options.out), "--timeout", str(int(START_SECONDS))]
        process = stack.enter_context(
            child(blender, blender_log, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment)
        )
        return follow_blender(process, blender_log, server_log)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; `scripts/demo --help` describes it."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=lambda name: Path(name).resolve(), default=CHECKOUT / "demo_output")
    parser.add_argument("--model", default="chairs-32")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--count", type=int, choices=range(1, 65), metavar="1..64", default=9)
    parser.add_argument("--blender-python", type=Path, required=True)
    return parser.parse_args(arguments)


def _interrupt(number: int, frame: FrameType | None) -> None:
    for again in SIGNALS:  # a second one must not break off the ending of the children
        signal.signal(again, signal.SIG_IGN)
    raise Interrupted(number)


def main(arguments: Sequence[str]) -> int:
    """Runs the demonstration and says where everything is; returns the exit code."""
    options = parse(arguments)
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    started = time.monotonic()
    try:
        names = demonstrate(options)
    except (DemonstrationError, OSError) as error:
        print(f"scripts/demo: {error}", file=sys.stderr)
        return 1
    except Interrupted as interruption:
        print("scripts/demo: interrupted.", file=sys.stderr)
        return interruption.exit_code
    record_self()  # from now on the add-on finds this environment
    say("total", time.monotonic() - started, f"{len(names)} objects: {', '.join(names)}")
    print(f"Open {options.out / 'scene.blend'} in Blender, or look at {options.out / 'contact_sheet.png'};")
    print(f"each object is also a GLB file in {options.out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
