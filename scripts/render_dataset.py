# SPDX-License-Identifier: Apache-2.0
"""Render objects into a data set, inside Blender or any Python with bpy:

blender -b -P scripts/render_dataset.py -- --source chair --count 2000 --out chairs
blender -b -P scripts/render_dataset.py -- --source meshes/ --views 8 --passes rgb,depth,normal --out renders
"""

import importlib.util
import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent


def _find(*places: str) -> Path:
    """The first of the places beside this file that exists (a checkout, or an installed wheel)."""
    return next(path for path in (_HERE / place for place in places) if path.is_dir())


def _procedural_shapes(tools: Any) -> Any:
    """The renderer's tools with our procedural shapes and surfaces, which need numpy only."""
    sys.path.append(str(_find("../backend", "..")))
    from unrender.data import procedural
    from unrender.data.procedural.meshes import make_coloured_mesh
    from unrender.geometry.marching_cubes import marching_cubes, smooth_binary_field

    return tools(
        procedural.CLASSES,
        lambda name, seed, n: marching_cubes(smooth_binary_field(procedural.make_shape(name, seed, n))),
        lambda voxels: marching_cubes(smooth_binary_field(voxels)),
        lambda name, seed, n: make_coloured_mesh(name, seed, n) if name in procedural.COLOURED else None,
    )


def _main() -> None:
    addon = _find("../blender_addon", "blender_addon")
    spec = importlib.util.spec_from_file_location("unrender_render_dataset", addon / "render_dataset.py")
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    program.start(Path(__file__).resolve(), addon / "rendering", _procedural_shapes)


_main()
