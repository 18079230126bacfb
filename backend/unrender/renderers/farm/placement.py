# SPDX-License-Identifier: Apache-2.0
"""Which machine of a cluster gets the next worker: plain values, without Ray."""

from dataclasses import dataclass

from unrender.errors import BlenderNotFoundError, ConfigurationError
from unrender.renderers.off_the_shelf.discovery import BlenderInstallation


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker declares to need of its machine: whole processors and GPUs."""

    cpus: int = 1
    gpus: int = 0

    def __str__(self) -> str:
        words = f"{self.cpus} processor{'s' if self.cpus > 1 else ''}"
        return f"{words} and {self.gpus} GPU" if self.gpus else words


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of the cluster, and what it declared when it joined."""

    id: str
    name: str
    cpus: int
    gpus: int

    def room(self, share: Share) -> int:
        """How many workers it can hold."""
        by_cpus = self.cpus // share.cpus
        return min(by_cpus, self.gpus // share.gpus) if share.gpus else by_cpus


@dataclass(frozen=True, slots=True)
class Candidate:
    """A machine that could be asked: the Blender that it found, or a phrase that says why there is none."""

    machine: Machine
    found: BlenderInstallation | str


def with_room(machines: list[Machine], share: Share) -> list[Machine]:
    """Those that can hold a worker. Raises ConfigurationError where there is none."""
    roomy = [machine for machine in machines if machine.room(share) > 0]
    if not roomy:
        most = max((machine.gpus if share.gpus else machine.cpus for machine in machines), default=0)
        what = "GPUs" if share.gpus else "processors"
        raise ConfigurationError(
            f"No machine of the Ray cluster can hold a worker, which needs {share}: "
            f"of {len(machines)} machines the largest declares {most} {what}.",
            "Ask for fewer threads, or start Ray there with more (ray start --num-cpus, --num-gpus).",
        )
    return roomy


def alike(candidates: list[Candidate], share: Share, version: str | None = None) -> tuple[list[Candidate], list[str]]:
    """The machines to use, all with one version of Blender, and a sentence for each that is left out.

    Other versions draw other pixels. version: the one that is in use; None takes that which most workers can have, of
    equals the newest. Raises BlenderNotFoundError where no machine has it.
    """
    room: dict[str, int] = {}
    for one in candidates:
        if not isinstance(one.found, str):
            room[one.found.version] = room.get(one.found.version, 0) + one.machine.room(share)
    if not room or (version is not None and version not in room):
        reasons = "; ".join(f"{one.machine.name}: {_describe(one.found)}" for one in candidates)
        raise BlenderNotFoundError(
            f"No machine of the Ray cluster has a Blender that can render ({reasons}).",
            "Install Blender, or unrender's Blender environment, there, or set UNRENDER_BLENDER before ray start.",
        )
    version = version or max(room, key=lambda name: (room[name], _numbers(name)))
    chosen, notes = [], []
    for one in candidates:
        if isinstance(one.found, str):
            notes.append(f"{one.machine.name} is left out: {one.found}")
        elif one.found.version != version:
            notes.append(
                f"{one.machine.name} is left out: it has Blender {one.found.version}, and the others {version}, whose "
                "pixels differ."
            )
        else:
            chosen.append(one)
    return chosen, notes


def emptiest(candidates: list[Candidate], held: dict[str, int], share: Share) -> Candidate | None:
    """The machine with the smallest part of its room taken; None where all are full. held: workers by machine."""
    free = [one for one in candidates if held.get(one.machine.id, 0) < one.machine.room(share)]
    return min(free, key=lambda one: held.get(one.machine.id, 0) / one.machine.room(share), default=None)


def _describe(found: BlenderInstallation | str) -> str:
    return found if isinstance(found, str) else f"Blender {found.version}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
