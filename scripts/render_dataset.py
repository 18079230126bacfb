# SPDX-License-Identifier: Apache-2.0
"""Render objects into a data set, inside Blender or any Python with bpy:

blender -b -P scripts/render_dataset.py -- --source chair --count 2000 --out chairs
blender -b -P scripts/render_dataset.py -- --source meshes/ --views 8 --passes rgb,depth,normal --out renders
"""

import importlib.util
import os
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _find(*places: str) -> Path:
    """The first of the places beside this file that exists (a checkout, or an installed wheel)."""
    return next(path for path in (_HERE / place for place in places) if path.is_dir())


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


def main() -> None:
    """Load the renderer by path, so that the add-on around it stays asleep, and hand it the procedural shapes."""
    if importlib.util.find_spec("numpy") is None:
        print("render_dataset: the Python of this Blender lacks numpy; install it (python3-numpy).", file=sys.stderr)
        sys.stderr.flush()
        os._exit(5)
    sys.path.append(str(_find("../backend", "..")))  # its procedural shapes and surfaces need numpy only
    folder = _find("../blender_addon/rendering", "blender_addon/rendering")
    spec = importlib.util.spec_from_file_location(
        "unrender_rendering", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = package
    spec.loader.exec_module(package)

    from unrender.data import procedural
    from unrender.geometry.marching_cubes import marching_cubes, smooth_binary_field

    tools = importlib.import_module("unrender_rendering.shapes").ShapeTools(
        procedural.CLASSES,
        lambda name, seed, n: marching_cubes(smooth_binary_field(procedural.make_shape(name, seed, n))),
        lambda voxels: marching_cubes(smooth_binary_field(voxels)),
    )
    code = importlib.import_module("unrender_rendering.dataset_command").run(sys.argv, tools, _command())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Blender would answer 0 whatever happened, and some versions hang or crash at exit


main()
