# SPDX-License-Identifier: Apache-2.0
"""Who generates does not wait for what trains: torch's compiler and Lightning Fabric are imported by trainings."""

from __future__ import annotations

import subprocess
import sys

# As a job process of the server does it: what is preloaded, a bundled model, one shape.
PROGRAM = """
import importlib
import sys
from unrender.serving.handlers import job_kinds

for name in job_kinds()["generate"].preload:
    importlib.import_module(name)
from unrender.methods.models import find_model
from unrender.methods.voxel_gan.sampling import load_generator, sample_occupancy

model = find_model("chairs-32")
print(sample_occupancy(load_generator(model.path, model.weights), seed=0).shape)
print(sorted(sys.modules))
"""


def test_a_shape_is_generated_without_compiler_and_fabric() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300)
    shape, modules = done.stdout.splitlines()
    assert shape == "(32, 32, 32)"
    assert "'torch'" in modules
    for heavy in ("torch._dynamo", "torch._inductor", "lightning_fabric", "torchmetrics"):
        assert f"'{heavy}'" not in modules, heavy
