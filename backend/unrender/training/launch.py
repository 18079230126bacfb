# SPDX-License-Identifier: Apache-2.0
"""Starting the processes that train together, and hearing from them.

one process                    the function runs right here
several on this machine        spawned from here, one per device; this process only passes reports on
several machines by hand       the same on every machine, with MASTER_ADDR, MASTER_PORT and NODE_RANK set
torchrun, srun                 they have started this process as one of many: it joins the others
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from lightning_fabric.plugins.environments import (
    ClusterEnvironment,
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from lightning_fabric.plugins.environments.lightning import find_free_network_port

from unrender.errors import ConfigurationError
from unrender.training.devices import Devices
from unrender.training.process_group import ProcessGroup
from unrender.training.progress import CancelCheck, ProgressCallback, ignore_progress

Result = TypeVar("Result")
Work = Callable[..., Result]

_RENDEZVOUS = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK")


@dataclass(frozen=True, slots=True)
class Layout:
    """Processes on each machine, and machines."""

    devices: int = 1
    nodes: int = 1

    def __post_init__(self) -> None:
        if self.devices < 1 or self.nodes < 1:
            raise ConfigurationError(
                f"Training on {self.devices} devices of {self.nodes} machines was asked for.",
                "Give --devices and --nodes of at least 1.",
            )

    @property
    def world(self) -> int:
        return self.devices * self.nodes


def reports_to_user(asked: Layout) -> bool:
    """Whether this process is alone, has started the first of the others, or was started as the first."""
    if _started_layout() is not None:
        return _cluster_environment().global_rank() == 0
    return asked.nodes == 1 or os.environ.get("NODE_RANK", "0") == "0"


def launch(
    work: Work[Result],
    arguments: tuple[Any, ...],
    asked: Layout,
    precision: str,
    progress: ProgressCallback,
    cancelled: CancelCheck,
) -> Result | None:
    """Call `work(devices, progress, cancelled, *arguments)` in every process; returns what it returned in the first.

    work: a function of a module. arguments, result: plain values, dataclasses and arrays, no tensors. Only the first
    process reports progress; a request to stop reaches all of them. None in those that were started as others than the
    first. Raises what `work` raised, DeviceLostError if a process died, ConfigurationError.
    """
    started = _started_layout()
    if started is not None:
        devices = Devices.join(_cluster_environment(), started.devices, started.nodes, precision)
        return _work(devices, work, arguments, progress, cancelled)
    if asked.world == 1:
        return work(Devices.single(precision), progress, cancelled, *arguments)
    environment = _rendezvous(asked)
    group = ProcessGroup(
        asked.devices, _work_as_one_of_many, (environment, work, arguments, asked, precision), progress, cancelled
    )
    return group.run()


def _work_as_one_of_many(
    rank: int,
    progress: ProgressCallback,
    cancelled: CancelCheck,
    environment: dict[str, str],
    work: Work[Result],
    arguments: tuple[Any, ...],
    layout: Layout,
    precision: str,
) -> Result | None:
    """The inside of a spawned process."""
    os.environ.update(environment)
    os.environ["LOCAL_RANK"] = str(rank)
    devices = Devices.join(LightningEnvironment(), layout.devices, layout.nodes, precision)
    return _work(devices, work, arguments, progress, cancelled)


def _work(
    devices: Devices,
    work: Work[Result],
    arguments: tuple[Any, ...],
    progress: ProgressCallback,
    cancelled: CancelCheck,
) -> Result | None:
    result = work(devices, progress if devices.is_first else ignore_progress, cancelled, *arguments)
    devices.leave()
    return result if devices.is_first else None


def _rendezvous(layout: Layout) -> dict[str, str]:
    """The variables by which the processes find one another."""
    if layout.nodes == 1:
        found = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(find_free_network_port()), "NODE_RANK": "0"}
    else:
        found = {name: os.environ[name] for name in _RENDEZVOUS if name in os.environ}
        missing = [name for name in _RENDEZVOUS if name not in found]
        if missing:
            raise ConfigurationError(
                f"Training on {layout.nodes} machines needs the environment variables {', '.join(missing)}.",
                "On every machine set MASTER_ADDR (of the first), MASTER_PORT (a free one there) and NODE_RANK "
                "(0, 1, ...), or start all with torchrun or srun.",
            )
    # The rendezvous of torch's wheels for Windows has no libuv.
    return found | ({"USE_LIBUV": "0"} if os.name == "nt" else {})


def _started_layout() -> Layout | None:
    """How torchrun or srun have laid out the processes that this is one of; None if it is not one of many."""
    if TorchElasticEnvironment.detect():
        world, here = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])
        return None if world == 1 else _evenly(world, here, world // here)
    # A batch script inherits the number of tasks too; only in a step that srun started are there so many processes.
    tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))
    nodes = int(os.environ.get("SLURM_STEP_NUM_NODES", "1"))
    if tasks > 1 and "SLURM_NTASKS_PER_NODE" not in os.environ:
        raise ConfigurationError(
            f"srun started {tasks} processes, but does not say how many on each machine.",
            "Start them with --ntasks-per-node in the place of --ntasks.",
        )
    return None if tasks == 1 else _evenly(tasks, tasks // nodes, nodes)


def _evenly(world: int, devices: int, nodes: int) -> Layout:
    if devices * nodes != world:
        raise ConfigurationError(
            f"{world} processes were started, {devices} on one of {nodes} machines.",
            "Start equally many on every machine.",
        )
    return Layout(devices, nodes)


def _cluster_environment() -> ClusterEnvironment:
    return TorchElasticEnvironment() if TorchElasticEnvironment.detect() else SLURMEnvironment()
