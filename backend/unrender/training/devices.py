# SPDX-License-Identifier: Apache-2.0
"""The processes and devices that train one model together, through Lightning Fabric.

Every process holds the whole model and works on its share of a joint batch. What is random is drawn for the joint batch
from generators with the same seed everywhere, and each process takes its rows: any number of processes makes the same
run. Gradients are averaged in one flattened all-reduce per network, as StyleGAN2-ADA does, not by a
DistributedDataParallel wrapper: a network here serves several losses, and R1 differentiates twice.
"""

import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import psutil
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import ClusterEnvironment, LightningEnvironment
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, nn

from unrender.errors import ConfigurationError
from unrender.geometry.cameras import Cameras

# The others wait while the first process renders training pictures, evaluates and writes; that one has died is noticed
# by whoever has started them.
_PATIENCE = timedelta(days=2)

Network = TypeVar("Network", bound=nn.Module)
Rows = TypeVar("Rows", Tensor, Cameras)


class Devices:
    """This process' place among those that train together.

    Methods marked "together" have to be called by all processes, in the same order, or all wait forever.
    Only the first process evaluates, samples and writes files.
    """

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self.device: torch.device = fabric.device
        self.rank: int = fabric.global_rank
        self.world: int = fabric.world_size
        strategy = fabric.strategy
        self.local_world: int = strategy.num_processes if isinstance(strategy, DDPStrategy) else 1  # on this machine
        if self.device.type == "cuda":
            torch.backends.cudnn.benchmark = True  # sizes repeat from step to step: its fastest way is looked for once

    @classmethod
    def single(cls, precision: str = "auto", device: torch.device | None = None) -> "Devices":
        """One process on one device: the GPU if there is one, else the CPU. precision: as `join`."""
        device = device or default_device()
        index = [device.index or 0] if device.type == "cuda" else 1
        alone = LightningEnvironment()  # one process is nobody's part, whatever a cluster's variables say
        setting = _fabric_precision(precision, device)
        return cls(Fabric(accelerator=device.type, devices=index, precision=setting, plugins=[alone]))

    @classmethod
    def join(cls, environment: ClusterEnvironment, devices: int, nodes: int, precision: str = "auto") -> "Devices":
        """Meet the other processes, together. Started by `unrender.training.launch`.

        environment: how this process learns which one it is.
        devices: processes on this machine, one per GPU, or all on the CPU where there is none. nodes: machines.
        precision: "auto" (bfloat16 where the processor is fast at it), "float32" or "bfloat16" (mixed).
        Raises ConfigurationError where there are fewer GPUs.
        """
        kind = default_device().type
        if kind == "cuda" and devices > torch.cuda.device_count():
            raise ConfigurationError(
                f"Training on {devices} devices was asked for, but this machine has {torch.cuda.device_count()} GPUs.",
                f"Give --devices {torch.cuda.device_count()}.",
            )
        fabric = Fabric(
            accelerator=kind,
            devices=devices,
            num_nodes=nodes,
            strategy=DDPStrategy(timeout=_PATIENCE),
            precision=_fabric_precision(precision, default_device()),
            plugins=[environment],
        )
        fabric.launch()
        return cls(fabric)

    @property
    def is_first(self) -> bool:
        """Whether this is the one process that evaluates, samples and writes files."""
        return self.rank == 0

    # The joint batch.

    def share(self, rows: Rows) -> Rows:
        """This process' rows of a joint batch [world * b, ...]; raises ValueError if they do not share out."""
        count, rest = divmod(len(rows), self.world)
        if rest:
            raise ValueError(f"a batch of {len(rows)} cannot be shared evenly by {self.world} processes")
        return rows if self.world == 1 else rows[self.rank * count : (self.rank + 1) * count]

    def gather(self, rows: Tensor) -> Tensor:
        """The joint batch from everybody's rows [b, ...], on their device: undoes `share`. Together; no gradient."""
        if self.world == 1:
            return rows.detach()
        dtype = torch.uint8 if rows.dtype == torch.bool else rows.dtype
        own = rows.detach().to(self.device, dtype).contiguous()
        parts = [torch.empty_like(own) for _ in range(self.world)]
        torch.distributed.all_gather(parts, own)
        return torch.cat(parts).to(rows.device, rows.dtype)

    # Networks.

    def autocast(self) -> AbstractContextManager[Any]:
        """Mixed precision as configured; does nothing in float32."""
        return self._fabric.autocast()

    def prepare(
        self, module: Network, memory_format: torch.memory_format | None = None, compile: bool = False
    ) -> Network:
        """Put a network on the device with the first process' weights, together; returns the same object.

        compile: let torch.compile speed up its calls, in place: names of weights stay. A network that is copied must be
        copied before. Raises ConfigurationError where there is no compiler.
        """
        anything: Any = module  # torch's types do not know that a module takes a memory format
        anything.to(self.device, memory_format=memory_format)
        self.broadcast_weights(module)
        if compile:
            _check_compiler()
            module.compile()
        return module

    @torch.no_grad()
    def broadcast_weights(self, module: nn.Module) -> None:
        """Overwrite weights and buffers by those of the first process, together."""
        if self.world == 1:
            return
        for tensor in [*module.parameters(), *module.buffers()]:
            whole = tensor.detach().contiguous()
            torch.distributed.broadcast(whole, src=0)
            tensor.copy_(whole)

    def backward(self, loss: Tensor) -> None:
        """Add this process' gradients of a loss that is a mean over its own rows."""
        self._fabric.backward(loss)

    @torch.no_grad()
    def average_gradients(self, module: nn.Module) -> None:
        """Make everybody's gradients their mean, that is those of the mean over the joint batch. Together.

        Every process must have gradients of the same weights.
        """
        gradients = [weight.grad for weight in module.parameters() if weight.grad is not None]
        if self.world == 1 or not gradients:
            return
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        torch.distributed.all_reduce(flat)
        flat /= self.world
        for gradient, part in zip(gradients, flat.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    # Numbers on which all have to agree.

    def mean(self, value: Tensor) -> Tensor:
        """Mean over all processes, element by element. Together; no gradient."""
        value = value.detach()
        if self.world == 1:
            return value
        total = value.to(self.device, copy=True)
        torch.distributed.all_reduce(total)
        return (total / self.world).to(value.device)

    def any_of(self, flags: Iterable[bool]) -> list[bool]:
        """For each flag whether any process has set it. Together."""
        values = list(flags)
        if self.world == 1:
            return values
        joint = torch.tensor(values, dtype=torch.int32, device=self.device)
        torch.distributed.all_reduce(joint, torch.distributed.ReduceOp.MAX)
        return [bool(value) for value in joint.tolist()]

    def barrier(self) -> None:
        """Wait for all. Together."""
        self._fabric.barrier()

    @contextmanager
    def first_ahead(self) -> Iterator[None]:
        """The first process goes through the block before the others, who find what it left in caches. Together."""
        if not self.is_first:
            self.barrier()
        yield
        if self.is_first:
            self.barrier()

    def leave(self) -> None:
        """Part from the others, together, once all work is done."""
        if self.world > 1:
            self.barrier()  # the first one holds the meeting point of all: nobody leaves before all have come
            torch.distributed.destroy_process_group()

    def peak_memory(self) -> int:
        """Bytes: of the GPU, the most that tensors took so far; on a CPU, what this process takes now."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        return int(psutil.Process().memory_info().rss)


def _check_compiler() -> None:
    if not any(map(shutil.which, (os.environ.get("CXX", "c++"), "g++", "clang++", "cl"))):
        raise ConfigurationError(
            "Networks are to be compiled (compile = true), but this machine has no C++ compiler.",
            "Install g++, clang++ or Visual Studio's, or set compile=false.",
        )


def default_device() -> torch.device:
    """The first GPU if there is one, else the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def uses_bfloat16(precision: str, device: torch.device) -> bool:
    """Whether a device computes in mixed precision: "auto" means where it has instructions for it."""
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: dict[str, Any] = (
        torch.backends.cpu.get_cpu_capability_info() if hasattr(torch.backends.cpu, "get_cpu_capability_info") else {}
    )
    if capabilities:
        return bool(capabilities.get("avx512_bf16", False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _fabric_precision(precision: str, device: torch.device) -> Any:
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces bfloat16 on every command's stderr
    return "bf16-mixed" if uses_bfloat16(precision, device) else "32-true"
