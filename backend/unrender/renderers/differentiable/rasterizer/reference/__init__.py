# SPDX-License-Identifier: Apache-2.0
"""The primitives in plain PyTorch: slow, obvious, and the definition that the kernels are tested against."""
