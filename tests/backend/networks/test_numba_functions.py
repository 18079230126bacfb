# SPDX-License-Identifier: Apache-2.0
"""How the CPU kernels are run."""

import subprocess
import sys

LOOP = """
import numpy as np
import torch
from unrender.networks import numba_functions
import numba

@numba.njit(parallel=True)
def add(values):
    for i in numba.prange(len(values)):
        values[i] += 1.0

torch.set_num_threads(1)
numba_functions.use_threads(2)
add(np.zeros(4))
print(numba.threading_layer(), torch.get_num_threads())
"""


def test_openmp_runs_the_loops_wherever_it_is_to_be_had_and_torch_keeps_its_threads() -> None:
    """Not TBB, whose loops get slower the more of them a process has run; and torch's sums keep their order, which
    depends on how many threads add them up."""
    process = subprocess.run([sys.executable, "-c", LOOP], capture_output=True, text=True, timeout=120, check=True)
    layer, threads = process.stdout.split()
    assert layer in ("omp", "workqueue")
    assert threads == "1"
