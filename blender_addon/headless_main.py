# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, import, save, export and render without a window, through the real add-on.

Run by file path, by a Python that can `import bpy`, or by Blender::

    python blender_addon/headless_main.py --model chairs --seed 7 --count 9 --out DIR
    blender -b -P blender_addon/headless_main.py -- --model chairs --seed 7 --count 9 --out DIR

Standard output is one JSON object per line and nothing else; what Blender says goes to standard error. Exit codes:
0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

MODULE = "bl_ext.user_default.unrender"
SOURCES = Path(__file__).resolve().parent
RESOURCES_VARIABLE = "BLENDER_USER_RESOURCES"


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line; exits with 2 where it is wrong."""
    parser = argparse.ArgumentParser(description="Generate shapes with Unrender in a Blender without a window.")
    parser.add_argument("--discovery", type=Path, help="server.json of a running generator (default: the user's own)")
    parser.add_argument("--address", help="where the generator listens, instead of --discovery")
    parser.add_argument("--token", default="", help="goes with --address")
    parser.add_argument("--model", default="chairs")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--count", type=int, default=9)
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--variety", type=float, default=1.0)
    parser.add_argument("--out", type=Path, required=True, help="folder for scene.blend, the GLB files and the picture")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds that each wait may take")
    parser.add_argument("--size", type=int, default=900, help="pixels of the contact sheet")
    parser.add_argument("--samples", type=int, default=6, help="Cycles samples of the contact sheet")
    return parser.parse_args(arguments)


class Reporter:
    """Writes one JSON object per line, with the time that each step took."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._began = time.perf_counter()

    def say(self, **content: Any) -> None:
        """Write one line."""
        print(json.dumps(content), file=self._stream, flush=True)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a step; what is put into the yielded map goes into its line."""
        began = time.perf_counter()
        more: dict[str, Any] = {"message": "", "files": []}
        yield more
        self.say(step=name, seconds=round(time.perf_counter() - began, 3), **more)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return round(time.perf_counter() - self._began, 3)


def claim_stdout() -> TextIO:
    """A stream to the present standard output, which from now on leads to standard error: Blender writes to it in C."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return stream


@contextlib.contextmanager
def linked_extension() -> Iterator[None]:
    """The sources as an installed extension, in a folder of user resources of its own that goes away afterwards.

    Must be entered before bpy is imported. A folder that the caller has set is left alone.
    """
    if os.environ.get(RESOURCES_VARIABLE) or "bpy" in sys.modules:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="unrender-blender-", ignore_cleanup_errors=True) as folder:
        repository = Path(folder) / "extensions" / "user_default"
        repository.mkdir(parents=True)
        try:
            (repository / "unrender").symlink_to(SOURCES, target_is_directory=True)
        except OSError:  # Windows without the right to make links
            shutil.copytree(SOURCES, repository / "unrender", ignore=shutil.ignore_patterns("__pycache__"))
        os.environ[RESOURCES_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[RESOURCES_VARIABLE]


def enable() -> str:
    """Enable the add-on and return its module name: the extension, or the legacy add-on of older Blenders."""
    import bpy

    module = MODULE if bpy.app.version >= (4, 2, 0) else "unrender"
    if "FINISHED" not in bpy.ops.preferences.addon_enable(module=module):
        raise RuntimeError(f"Blender {bpy.app.version_string} could not enable {module}")
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return module


def work(options: argparse.Namespace, reporter: Reporter) -> int:
    """All steps; returns the exit code."""
    with reporter.step("enable") as more:
        module = enable()
        more["message"] = f"enabled {module}"
    headless = importlib.import_module(f"{module}.headless")
    try:
        names = _make(headless, options, reporter)
    except headless.HeadlessError as error:
        problem = error.problem
        reporter.say(error={"tag": problem.tag, "message": problem.message, "hint": problem.hint})
        return 1
    except (OSError, RuntimeError) as error:  # a disk that is full, an operator that reports an error
        reporter.say(error={"tag": "failed", "message": str(error).strip(), "hint": "See the lines above."})
        return 1
    reporter.say(done=True, objects=names, seconds=reporter.seconds)
    return 0


def _make(headless: Any, options: argparse.Namespace, reporter: Reporter) -> list[str]:
    out: Path = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with reporter.step("connect") as more:
        driver = headless.connect(options.discovery, options.address, options.token, options.timeout)
        more["message"] = f"connected, {driver.session.state.server.device}"

    def progress(news: Any) -> None:
        counted = {"phase": news.phase, "done": news.done, "total": news.total, "eta_seconds": news.eta_seconds}
        reporter.say(progress=counted)

    with driver, reporter.step("generate") as more:
        names = driver.generate(
            options.model, options.seed, options.count, options.threshold, options.variety, options.timeout, progress
        )
        more["message"] = f"{len(names)} objects in the scene"
    with reporter.step("assets"):
        driver.mark_assets(names)
    with reporter.step("save") as more:
        driver.save_blend(out / "scene.blend")
        more["files"] = [str(out / "scene.blend")]
    with reporter.step("export") as more:
        more["files"] = [str(file) for file in driver.export_glb(names, out)]
    with reporter.step("render") as more:
        driver.render_contact_sheet(names, out / "contact_sheet.png", options.size, options.samples)
        more["files"] = [str(out / "contact_sheet.png")]
    return names


def main() -> int:
    """The program."""
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    options = read_arguments(arguments)
    with linked_extension():
        return work(options, Reporter(claim_stdout()))


if __name__ == "__main__":
    code = main()
    if "bpy" in sys.modules and sys.modules["bpy"].app.binary_path:
        os._exit(code)  # under `blender -P`, sys.exit would be reported as an error and lose the code
    sys.exit(code)
