# SPDX-License-Identifier: Apache-2.0
"""How the CPU kernels are run."""

import subprocess
import sys

LOOP = """
import numpy as np
from unrender.networks import numba_functions
import numba

@numba.njit(parallel=True)
def add(values):
    for i in numba.prange(len(values)):
        values[i] += 1.0

numba_functions.use_threads(2)
add(np.zeros(4))
print(numba.threading_layer())
"""


def test_openmp_runs_the_loops_wherever_it_is_to_be_had() -> None:
    """Not TBB, whose loops get slower the more of them a process has run."""
    process = subprocess.run([sys.executable, "-c", LOOP], capture_output=True, text=True, timeout=120, check=True)
    assert process.stdout.strip() in ("omp", "workqueue")
