# SPDX-License-Identifier: Apache-2.0
"""Compile Triton kernels down to the machine code of a CUDA device, on a machine that has none.

`launches()` writes down what Triton's interpreter is asked to run; `compile_launches` compiles the same calls, in a
process of its own without the interpreter: what works interpreted shall also be what the compiler takes.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

_CHECKOUT = Path(__file__).resolve().parents[4]


@contextmanager
def launches() -> Iterator[list[dict[str, Any]]]:
    """The kernels that the interpreter runs meanwhile, with the kinds of their arguments; equal ones once."""
    from triton.runtime.interpreter import InterpretedFunction

    seen: dict[str, dict[str, Any]] = {}
    interpreted = InterpretedFunction.run

    def run(self: Any, *args: Any, grid: Any, warmup: bool, **options: Any) -> Any:
        launch = {
            "module": self.fn.__module__,
            "kernel": self.fn.__name__,
            "args": [_described(value) for value in args],
            "options": {name: _described(value) for name, value in options.items()},
        }
        seen[json.dumps(launch, sort_keys=True)] = launch
        return interpreted(self, *args, grid=grid, warmup=warmup, **options)

    found: list[dict[str, Any]] = []
    with mock.patch.object(InterpretedFunction, "run", run):
        yield found
    found.extend(seen.values())


def compile_launches(found: list[dict[str, Any]], architecture: int = 90) -> dict[str, dict[str, int]]:
    """Compile each launch for a compute capability (90: H100). Returns, for each kernel by name, the worst of its
    variants: bytes of shared memory and of machine code. Raises AssertionError with the compiler's words."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    finished = subprocess.run(
        [sys.executable, str(Path(__file__).resolve())],
        input=json.dumps({"architecture": architecture, "launches": found}),
        cwd=_CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-6000:]
    result: dict[str, dict[str, int]] = json.loads(finished.stdout.splitlines()[-1])
    return result


def _described(value: Any) -> Any:
    if hasattr(value, "data_ptr"):
        return {"tensor": str(value.dtype).removeprefix("torch.")}
    if value.__class__.__module__.startswith("triton"):
        return {"dtype": str(value)}
    return value


def _restored(value: Any) -> Any:
    import torch
    import triton.language as tl
    from triton.runtime.jit import MockTensor

    if isinstance(value, dict):
        return MockTensor(getattr(torch, value["tensor"])) if "tensor" in value else tl.dtype(value["dtype"])
    return value


class _AbsentDevice:
    """What Triton's compiler asks a driver, answered for a device that is not there."""

    def __init__(self, architecture: int) -> None:
        from triton.backends.compiler import GPUTarget

        self._target = GPUTarget("cuda", architecture, 32)

    def get_current_target(self) -> Any:
        return self._target

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0


def _main() -> None:
    import triton

    order = json.load(sys.stdin)
    triton.runtime.driver.set_active(_AbsentDevice(order["architecture"]))
    worst: dict[str, dict[str, int]] = {}
    for launch in order["launches"]:
        kernel = getattr(importlib.import_module(launch["module"]), launch["kernel"])
        args = [_restored(value) for value in launch["args"]]
        options = {name: _restored(value) for name, value in launch["options"].items()}
        try:
            compiled = kernel.run(*args, grid=(1,), warmup=True, **options)
        except Exception as problem:
            causes: list[BaseException | None] = [problem]
            while causes[-1] is not None:  # the innermost call of a device function comes last
                causes.append(causes[-1].__cause__)
            raise SystemExit(
                "\n".join([f"{launch['kernel']} does not compile for {launch}", *map(str, causes)])
            ) from None
        before = worst.get(launch["kernel"], {"shared": 0, "machine_code": 0})
        worst[launch["kernel"]] = {
            "shared": max(before["shared"], compiled.metadata.shared),
            "machine_code": max(before["machine_code"], len(compiled.asm["cubin"])),
        }
    print(json.dumps(worst))


if __name__ == "__main__":
    _main()
