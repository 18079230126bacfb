# SPDX-License-Identifier: Apache-2.0
"""Which devices torch can compute on, asked in a child process: a server has no other use for torch's memory."""

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

_PROBE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ComputeDevice:
    """kind: `cpu`, `cuda` or `mps`; memory in bytes, 0 where it is not known."""

    kind: str
    name: str
    total_memory: int = 0
    free_memory: int = 0


def list_devices() -> list[ComputeDevice]:
    """The devices, the fastest first; the CPU is always one of them."""
    return [*(_ask_torch() if _may_have_graphics_card() else []), _processor()]


def _processor() -> ComputeDevice:
    memory = psutil.virtual_memory()
    return ComputeDevice("cpu", f"CPU, {_usable_cores()} cores", memory.total, memory.available)


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _may_have_graphics_card() -> bool:
    """Cheap signs of a card that torch can use: without any, the seconds of importing torch are saved."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return shutil.which("nvidia-smi") is not None or Path("/dev/nvidiactl").exists() or Path("/dev/kfd").exists()


def _ask_torch() -> list[ComputeDevice]:
    command = [sys.executable, "-m", "unrender.serving.devices"]
    try:
        answer = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_SECONDS)
        return [ComputeDevice(**device) for device in json.loads(answer.stdout)]
    except (OSError, subprocess.TimeoutExpired, ValueError, TypeError):
        return []


def print_devices() -> None:
    """What torch sees besides the CPU, as JSON on stdout; the body of the child process."""
    import torch

    found = []
    for index in range(torch.cuda.device_count()):
        try:
            free, total = torch.cuda.mem_get_info(index)
            torch.zeros(1, device=f"cuda:{index}").add_(1).item()  # a driver that is too old fails here, not before
        except RuntimeError:
            continue
        found.append(ComputeDevice("cuda", torch.cuda.get_device_name(index), total, free))
    if torch.backends.mps.is_available():
        found.append(ComputeDevice("mps", "Apple GPU"))
    print(json.dumps([asdict(device) for device in found]))


if __name__ == "__main__":
    print_devices()
