# SPDX-License-Identifier: GPL-3.0-or-later
"""Render data sets with the renderer of an installed add-on, without its panels and without a generator:

blender -b --factory-startup -P render_dataset.py -- --source things.blend --collection NAME --out renders

The same flags and images as `scripts/render_dataset.py` of the Unrender sources, which has procedural shapes as well.
"""

import importlib
import importlib.util
import os
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_NO_NUMPY = 5  # the exit code for "no engine works"


def _command() -> list[str] | None:
    """How to start this program once more in the same Blender, as a worker; None outside of Blender."""
    try:
        import bpy
    except ImportError:
        return None
    program = bpy.app.binary_path
    if not program:  # the module
        return [sys.executable, str(_HERE / "render_dataset.py")]
    return [program, "-b", "--factory-startup", "-P", str(_HERE / "render_dataset.py"), "--"]


def _no_shapes(*_arguments: object) -> None:
    raise ValueError("needs the sources of Unrender: run scripts/render_dataset.py there")


def main() -> None:
    """Load the renderer by path, so that the add-on around it stays asleep."""
    if importlib.util.find_spec("numpy") is None:
        print("render_dataset: the Python of this Blender lacks numpy; install it (python3-numpy).", file=sys.stderr)
        sys.stderr.flush()
        os._exit(_NO_NUMPY)
    folder = _HERE / "rendering"
    spec = importlib.util.spec_from_file_location(
        "unrender_rendering", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = package
    spec.loader.exec_module(package)
    tools = importlib.import_module("unrender_rendering.shapes").ShapeTools((), _no_shapes, _no_shapes)
    code = importlib.import_module("unrender_rendering.dataset_command").run(sys.argv, tools, _command())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Blender would answer 0 whatever happened, and some versions hang or crash at exit


if __name__ == "__main__":
    main()
