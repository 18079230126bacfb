# SPDX-License-Identifier: Apache-2.0
"""Run by a Python with bpy: the same view through memory and through an EXR file, and in other engines; prints JSON."""

import importlib.util
import json
import os
import sys
from pathlib import Path

import numpy as np

folder = Path(sys.argv[sys.argv.index("--") + 1])
spec = importlib.util.spec_from_file_location(
    "unrender_rendering", folder / "__init__.py", submodule_search_locations=[str(folder)]
)
package = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = package
spec.loader.exec_module(package)

from unrender_rendering.cameras import camera_axes  # noqa: E402
from unrender_rendering.lights import LIGHTS  # noqa: E402
from unrender_rendering.pixels import CyclesPixels, FilePixels  # noqa: E402
from unrender_rendering.scene import RenderScene  # noqa: E402
from unrender_rendering.settings import RenderSettings  # noqa: E402

# A wedge: no symmetry, few faces.
VERTICES = np.array([(-0.3, -0.2, -0.3), (0.4, -0.2, -0.3), (-0.3, 0.3, -0.3), (-0.3, -0.2, 0.4)], np.float32)
FACES = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)], np.int32)

output = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
scene = RenderScene()
answers = {}
for engine in sys.argv[sys.argv.index("--") + 2 :]:
    passes = ("depth",) if engine == "workbench" else ("depth", "normal")
    settings = RenderSettings(size=32, samples=4, engine=engine, passes=passes, smooth=False, **LIGHTS["iggan"])
    scene.configure(settings)
    scene.set_mesh(VERTICES, FACES)
    images = scene.render(camera_axes(0.4, 0.3))
    answers[engine] = {
        "way": type(scene._pixels).__name__,
        "rgba": images["rgba"].tolist(),
        "depth": images["depth"].tolist(),
    }
    if isinstance(scene._pixels, CyclesPixels):
        import bpy

        scene._pixels = FilePixels(bpy.context.scene)
        again = scene.render(camera_axes(0.4, 0.3))
        answers[engine]["difference"] = max(float(np.abs(images[name] - again[name]).max()) for name in images)
print(json.dumps(answers), file=output, flush=True)
os._exit(0)
