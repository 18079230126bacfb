# SPDX-License-Identifier: Apache-2.0
"""What a compiler cannot see through is left as it is, and the compiler is imported when somebody compiles."""

from __future__ import annotations

import subprocess
import sys

# In a process of its own: in this one, other tests have imported the compiler.
PROGRAM = """
import sys
import torch
from unrender.networks.uncompiled import uncompiled

seen = []

@uncompiled
def opaque(values):
    seen.append(torch.compiler.is_compiling())
    return torch.from_numpy(values.numpy() + 1)

class Network(torch.nn.Module):
    def forward(self, values):
        return 2 * opaque(3 * values)

network, values = Network(), torch.arange(4.0)
plain = network(values)
print("torch._dynamo" in sys.modules)
network.compile(backend="eager")
print(all(torch.equal(network(values), plain) for _ in range(2)), seen)

@uncompiled
def late(values):
    return opaque(values)

print(torch.equal(torch.compile(late, backend="eager")(3 * values), plain / 2), seen)
"""


def test_a_compiled_network_calls_it_uncompiled() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300)
    assert done.stdout.splitlines() == ["False", "True [False, False, False]", f"True {4 * [False]}"], done.stderr
