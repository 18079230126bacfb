# SPDX-License-Identifier: Apache-2.0
"""A Ray cluster whose machines have Blenders. Ray is imported here, when a cluster is asked for, and nowhere before.

Workers are actors that declare the processors (and the GPU) they use, spread over all machines with the same version of
Blender. A machine that is lost takes its workers with it, and one that joins later is used from then on.
"""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import unrender
from unrender.errors import BlenderNotFoundError, ConfigurationError, RenderError
from unrender.renderers.farm.own_output import own_output
from unrender.renderers.farm.placement import Candidate, Machine, Share, alike, emptiest, with_room
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation, find_blender

AUTO = "auto"
_REACH_SECONDS = 5.0
_SURVEY_SECONDS = 240.0
_START_SECONDS = 120.0
_ANSWER_SECONDS = 5.0
_REFRESH_SECONDS = 10.0
_INSTALL = "Install it on every machine: pip install 'unrender[ray]'."


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """An actor and where it runs."""

    actor: Any
    machine: Machine


class Cluster:
    """Connects, looks for Blenders on all machines, and places actors; `close` ends them. For any number of threads.

    address: "auto" for the cluster that this machine is part of, or HOST:PORT of its head. say: gets a sentence where a
    machine cannot be used. must_see: paths that a machine must have to be used. Raises ConfigurationError where Ray is
    not installed, the address cannot be reached or no machine is large enough, BlenderNotFoundError where none has a
    Blender.
    """

    def __init__(
        self,
        address: str,
        share: Share,
        say: Callable[[str], None] = lambda words: None,
        must_see: tuple[str, ...] = (),
    ) -> None:
        self._share, self._say, self._must_see = share, say, must_see
        self._ray, self._is_ours = _connect(address)
        self._leaving = contextlib.ExitStack()
        self._leaving.enter_context(own_output())
        self._lock = threading.Lock()
        self._held: dict[str, int] = {}
        self._known: dict[str, Candidate] = {}
        self._usable: list[Candidate] = []
        self._version: str | None = None
        self._looked = time.monotonic()
        try:
            self._look(self._machines())
        except Exception:
            self.close()
            raise

    @property
    def workers(self) -> int:
        """How many workers the cluster has room for."""
        return sum(one.machine.room(self._share) for one in self._usable)

    @property
    def blender(self) -> BlenderInstallation:
        """One of the Blenders; they are all of one version."""
        assert not isinstance(self._usable[0].found, str)
        return self._usable[0].found

    def describe(self) -> str:
        """A phrase with the machines that are used."""
        places = ", ".join(f"{one.machine.name} x {one.machine.room(self._share)}" for one in self._usable)
        return f"room for {self.workers} workers with Blender {self.blender.version}: {places}"

    def place(self, kind: type, *arguments: Any) -> Placed | None:
        """Start an actor `kind(blender, *arguments)`, which has a method `ready`, on the emptiest machine.

        Returns None while there is no room. Raises RenderError where no machine is left that could take it.
        """
        with self._lock:
            chosen = emptiest(self._usable, self._held, self._share)
            if chosen is not None:
                self._held[chosen.machine.id] = self._held.get(chosen.machine.id, 0) + 1
        if chosen is None:
            self._refresh()
            return None
        actor = self._start(kind, chosen, arguments)
        try:
            self._ray.get(actor.ready.remote(), timeout=_START_SECONDS)
        except self._ray.exceptions.RayError as error:
            self.release(Placed(actor, chosen.machine))
            if isinstance(error, self._ray.exceptions.GetTimeoutError):
                self._say(f"{chosen.machine.name} has not started a worker for {_START_SECONDS:g} s: is it busy?")
            elif self.answers(chosen.machine):
                raise RenderError(f"A worker on {chosen.machine.name} did not start: {reason(error)}") from error
            self._refresh()
            return None
        return Placed(actor, chosen.machine)

    def release(self, placed: Placed) -> None:
        """End an actor, whether it lives or not."""
        with contextlib.suppress(Exception):  # there is nothing that could still be done about it
            self._ray.kill(placed.actor)
        with self._lock:
            self._held[placed.machine.id] -= 1

    def answers(self, machine: Machine) -> bool:
        """Whether a machine still runs what it is asked to; takes seconds where it does not."""
        try:
            self._ray.get(self._task(_greet, machine).remote(), timeout=_ANSWER_SECONDS)
        except self._ray.exceptions.RayError:
            with self._lock:
                self._usable = [one for one in self._usable if one.machine.id != machine.id]
            self._known.pop(machine.id, None)  # should it only have been slow, it is asked again
            return False
        return True

    def get(self, reference: Any, timeout: float | None = None) -> Any:
        """The value of a Ray reference. Raises RayError of Ray."""
        return self._ray.get(reference, timeout=timeout)

    def put(self, value: Any) -> Any:
        """A Ray reference to a value, which each machine then fetches once."""
        return self._ray.put(value)

    @property
    def error(self) -> type[Exception]:
        """What Ray raises where a task fails or its machine is lost."""
        return self._ray.exceptions.RayError  # type: ignore[no-any-return]

    def close(self) -> None:
        """Leave the cluster, which ends what runs there for this program."""
        if self._is_ours:
            self._ray.shutdown()
            self._is_ours = False
        self._leaving.close()

    def _start(self, kind: type, chosen: Candidate, arguments: tuple[Any, ...]) -> Any:
        return (
            self._ray.remote(kind)
            .options(
                num_cpus=self._share.cpus,
                num_gpus=self._share.gpus,
                max_concurrency=4,  # it is told things, and asked for news, while it works
                scheduling_strategy=self._on(chosen.machine),
            )
            .remote(chosen.found, *arguments)
        )

    def _task(self, function: Callable[..., Any], machine: Machine) -> Any:
        return self._ray.remote(function).options(num_cpus=0, max_retries=0, scheduling_strategy=self._on(machine))

    def _on(self, machine: Machine) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        return NodeAffinitySchedulingStrategy(machine.id, soft=False)

    def _machines(self) -> list[Machine]:
        found = []
        for node in self._ray.nodes():
            if node["Alive"]:
                name = f"{node['NodeManagerHostname']} ({node['NodeID'][:6]})"
                resources = node["Resources"]
                found.append(Machine(node["NodeID"], name, int(resources.get("CPU", 0)), int(resources.get("GPU", 0))))
        return found

    def _refresh(self) -> None:
        """See which machines are gone and which are new; at most every few seconds."""
        time.sleep(0.5)  # whoever asks has nothing else to do
        with self._lock:
            if time.monotonic() - self._looked < _REFRESH_SECONDS:
                return
            self._looked = time.monotonic()
        try:
            self._look(self._machines())
        except (ConfigurationError, BlenderNotFoundError) as error:
            raise RenderError(f"The Ray cluster has no machine left that could render. {error}") from error

    def _look(self, machines: list[Machine]) -> None:
        roomy = with_room(machines, self._share)
        new = [machine for machine in roomy if machine.id not in self._known]
        surveys = [(machine, self._task(_survey, machine).remote(self._must_see)) for machine in new]
        deadline = time.monotonic() + _SURVEY_SECONDS
        for machine, survey in surveys:
            self._known[machine.id] = Candidate(machine, self._answer(survey, deadline))
        if new:  # meanwhile one may have gone, which Ray takes a while to notice
            there = {machine.id for machine in self._machines()}
            roomy = with_room([machine for machine in machines if machine.id in there], self._share)
        usable, notes = alike([self._known[machine.id] for machine in roomy], self._share, self._version)
        for note in notes:
            if any(note.startswith(machine.name) for machine in new):
                self._say(note)
        with self._lock:
            self._usable = usable
            self._version = self.blender.version

    def _answer(self, survey: Any, deadline: float) -> BlenderInstallation | str:
        try:
            found, version = self._ray.get(survey, timeout=max(0.0, deadline - time.monotonic()))
        except self._ray.exceptions.GetTimeoutError:
            return f"it did not answer within {_SURVEY_SECONDS:g} s"
        except self._ray.exceptions.RayError as error:
            return f"unrender cannot run there ({reason(error)})"
        if version != unrender.__version__:
            return f"it has unrender {version}, and this machine {unrender.__version__}"
        return found  # type: ignore[no-any-return]


def reason(error: Exception) -> str:
    """The last line of what Ray says, which is the one that names the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300] if lines else type(error).__name__


def _connect(address: str) -> tuple[Any, bool]:
    """The module ray, connected; whether it was this function that connected it."""
    try:
        import ray
    except ImportError as error:
        raise ConfigurationError("Ray, which renders on many machines, is not installed.", _INSTALL) from error
    if ray.is_initialized():
        return ray, False
    if address != AUTO:
        _check_reachable(address)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise ConfigurationError(
            f"No Ray cluster can be joined at {address!r}: {reason(error)}",
            "Start one with: ray start --head, and on each other machine: ray start --address HOST:PORT.",
        ) from error
    return ray, True


def _check_reachable(address: str) -> None:
    """Ray itself would try for a minute and more."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise ConfigurationError(f"The Ray address is {address!r}; expected auto, or HOST:PORT of the cluster's head.")
    try:
        socket.create_connection((host, int(port)), timeout=_REACH_SECONDS).close()
    except OSError as error:
        raise ConfigurationError(
            f"Nothing answers at the Ray address {address} ({error.strerror or error}).",
            "Start a cluster there with: ray start --head --port PORT.",
        ) from error


def _survey(must_see: tuple[str, ...]) -> tuple[BlenderInstallation | str, str]:
    """Runs on a machine of the cluster: its Blender, or why it cannot be used, and its version of unrender."""
    for path in must_see:
        if not Path(path).exists():
            return f"it does not see {path}, which is too large to be sent", unrender.__version__
    try:
        return find_blender(), unrender.__version__
    except BlenderNotFoundError as error:
        return error.message, unrender.__version__


def _greet() -> bool:
    return True
