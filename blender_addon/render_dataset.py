# SPDX-License-Identifier: GPL-3.0-or-later
"""Render data sets with the renderer of an installed add-on, without its panels and without a generator:

blender -b --factory-startup -P render_dataset.py -- --source things.blend --collection NAME --out renders

The same flags and images as `scripts/render_dataset.py` of the Unrender sources, which has procedural shapes as well.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_NO_NUMPY = 5  # the exit code for "no engine works"


def start(program: Path, rendering: Path, make_tools: Callable[[type], Any]) -> None:
    """Run the command line in this Blender, and end.

    program: the file that Blender was started with, which is started once more as a worker. rendering: the folder of
    the renderer, loaded by path, so that the add-on around it stays asleep. make_tools: fills in its `ShapeTools`.
    """
    if importlib.util.find_spec("numpy") is None:
        print("render_dataset: the Python of this Blender lacks numpy; install it (python3-numpy).", file=sys.stderr)
        sys.stderr.flush()
        os._exit(_NO_NUMPY)
    spec = importlib.util.spec_from_file_location(
        "unrender_rendering", rendering / "__init__.py", submodule_search_locations=[str(rendering)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = package
    spec.loader.exec_module(package)
    tools = make_tools(importlib.import_module("unrender_rendering.shapes").ShapeTools)
    code = importlib.import_module("unrender_rendering.dataset_command").run(sys.argv, tools, _worker_command(program))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Blender would answer 0 whatever happened, and some versions hang or crash at exit


def _worker_command(program: Path) -> list[str] | None:
    """How to start the program once more in the same Blender, as a worker; None outside of Blender."""
    try:
        import bpy
    except ImportError:
        return None
    if not bpy.app.binary_path:  # the module
        return [sys.executable, str(program)]
    return [bpy.app.binary_path, "-b", "--factory-startup", "-P", str(program), "--"]


def _no_shapes(*_arguments: object) -> None:
    raise ValueError("needs the sources of Unrender: run scripts/render_dataset.py there")


if __name__ == "__main__":
    _HERE = Path(__file__).resolve()
    start(_HERE, _HERE.parent / "rendering", lambda tools: tools((), _no_shapes, _no_shapes, _no_shapes))
