# SPDX-License-Identifier: Apache-2.0
"""The primitives as Triton kernels. Imported only when a CUDA tensor comes, or in Triton's interpreter."""
