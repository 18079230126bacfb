# SPDX-License-Identifier: Apache-2.0
"""The Blenders of a Ray cluster, for a data set."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from unrender.data.dataset_rendering import Blenders, DatasetRequest
from unrender.data.farm.carried_files import carry
from unrender.data.farm.dataset_farm import DatasetFarm, RemoteWorker, WorkerLostError
from unrender.data.farm.worker_host import Said, WorkerHost
from unrender.data.procedural import CLASSES
from unrender.errors import ConfigurationError
from unrender.renderers.farm.cluster import Cluster, Placed, reason
from unrender.renderers.farm.placement import Share

_CLOSE_SECONDS = 5.0


@contextlib.contextmanager
def blenders_of_cluster(
    address: str, request: DatasetRequest, out: Path, threads: int, say: Callable[[str], None]
) -> Iterator[Blenders]:
    """Connect to the cluster; its workers end with the context. Raises what `Cluster` and `carry` raise."""
    if request.device == "auto":
        raise ConfigurationError(
            "With --device auto every machine would choose for itself, and pixels would differ.",
            "With --ray, say --device cpu or gpu.",
        )
    trees, large = carry(files_of(request))
    share = Share(cpus=threads, gpus=0 if request.device == "cpu" else 1)
    cluster = Cluster(address, share, say, must_see=tuple(large))
    try:
        say(f"the Ray cluster has {cluster.describe()}.")
        carried = cluster.put(trees)

        def start() -> RemoteWorker | None:
            placed = cluster.place(WorkerHost, carried)
            return None if placed is None else _ClusterWorker(cluster, placed)

        with DatasetFarm(start, out, say) as farm:
            yield Blenders(farm.command, farm.environment, cluster.workers)
    finally:
        cluster.close()


def files_of(request: DatasetRequest) -> list[str]:
    """Names of the files and folders that the images are made from."""
    names = [request.objects] if request.source == "objects" else []
    names += [request.source] if request.source not in (*CLASSES, "objects") else []
    names += [name for name in (request.cameras, request.lights or "") if Path(name).suffix]
    names += [request.background] if request.background != "transparent" and request.background[:1] != "#" else []
    return [name for name in names if name]


class _ClusterWorker:
    """A `RemoteWorker` that is an actor."""

    def __init__(self, cluster: Cluster, placed: Placed) -> None:
        self._cluster, self._placed = cluster, placed

    def tell(self, lines: list[bytes]) -> None:
        self._call("tell", lines)

    def listen(self) -> list[Said]:
        return self._call("listen")  # type: ignore[no-any-return]

    def end_input(self) -> None:
        self._call("end_input")

    def close(self) -> None:
        with contextlib.suppress(self._cluster.error):  # its machine may be gone
            self._cluster.get(self._placed.actor.close.remote(), timeout=_CLOSE_SECONDS)
        self._cluster.release(self._placed)

    def _call(self, method: str, *arguments: Any) -> Any:
        try:
            return self._cluster.get(getattr(self._placed.actor, method).remote(*arguments))
        except self._cluster.error as error:
            machine = self._placed.machine
            is_gone = not self._cluster.answers(machine)
            what = f"{machine.name} was lost" if is_gone else f"a worker on {machine.name} was lost ({reason(error)})"
            raise WorkerLostError(what, is_gone) from error
