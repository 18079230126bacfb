# SPDX-License-Identifier: Apache-2.0
"""Render procedural shapes into a data set, inside Blender or any Python with bpy:

blender -b -P scripts/render_dataset.py -- --source chair --count 2000 --out chairs
"""

import importlib.util
import os
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _find(*places: str) -> Path:
    """The first of the places beside this file that exists (a checkout, or an installed wheel)."""
    return next(path for path in (_HERE / place for place in places) if path.is_dir())


def main() -> None:
    """Load the renderer by path, so that the add-on around it stays asleep, and hand it the procedural shapes."""
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

    command = importlib.import_module("unrender_rendering.dataset_command")
    code = command.run(
        sys.argv,
        procedural.CLASSES,
        lambda name, seed, n: marching_cubes(smooth_binary_field(procedural.make_shape(name, seed, n))),
    )
    sys.stderr.flush()
    os._exit(code)  # Blender would answer 0 whatever happened, and some versions hang or crash at exit


main()
