# SPDX-License-Identifier: Apache-2.0
"""The primitives as Numba kernels on all cores: no atomics and no race, so results repeat to the last bit."""
