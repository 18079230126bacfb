# SPDX-License-Identifier: Apache-2.0
"""Mixed precision: bfloat16 where the processor is fast at it."""

from contextlib import AbstractContextManager
from typing import Any

import torch


def use_bfloat16(precision: str, device: torch.device) -> bool:
    """Resolve "auto": bfloat16 on a GPU that has it, and on CPUs with bfloat16 instructions."""
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    capabilities: dict[str, Any] = (
        torch.backends.cpu.get_cpu_capability_info() if hasattr(torch.backends.cpu, "get_cpu_capability_info") else {}
    )
    if capabilities:
        return bool(capabilities.get("avx512_bf16", False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def autocast(enabled: bool, device: torch.device) -> AbstractContextManager[None]:
    """Autocast to bfloat16 on the device, or do nothing."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)
