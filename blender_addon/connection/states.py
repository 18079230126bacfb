# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection as one frozen value: which of eight states it is in, until when, and what is on the other end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .problems import NextStep, Problem

# Times are seconds of time.monotonic().
START_SECONDS = 90.0  # a cold import of torch from a slow disk takes most of a minute
CONNECT_SECONDS = 15.0
GIVE_UP_SECONDS = 600.0  # a laptop lid that is closed for a coffee must not lose the connection
FIRST_RETRY_SECONDS = 1.0
RESTART_WINDOW_SECONDS = 120.0
RESTARTS_ALLOWED = 3


class Status(Enum):
    """The eight states of the connection. The panel shows each with its own sentence."""

    OFFLINE = "OFFLINE"
    STARTING = "STARTING"
    CONNECTING = "CONNECTING"
    READY = "READY"
    BUSY = "BUSY"
    LOST = "LOST"
    INCOMPATIBLE = "INCOMPATIBLE"
    FAILED = "FAILED"


MODEL_PREVIEWS = "model_previews"  # capability of a server that sends pictures of its models
MESHES = "meshes"  # capability of a server that meshes shapes anew
TEXTURED_METHODS = frozenset({"textured_mesh_gan"})  # whose shapes come with a texture, and are not meshed of voxels
ONLINE = frozenset({Status.READY, Status.BUSY})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens and what opens its door. `repr` never shows the secrets."""

    address: str
    token: str = ""
    # CURVE keys, 32 bytes each, for a server on another computer; empty on loopback.
    server_key: bytes = b""
    client_public_key: bytes = b""
    client_secret_key: bytes = b""

    def __repr__(self) -> str:
        return f"Endpoint({self.address!r})"


@dataclass(frozen=True, slots=True)
class Target:
    """What the artist asked for: this computer (`endpoint` None: start a backend), or a server that already runs."""

    endpoint: Endpoint | None = None

    @property
    def local(self) -> bool:
        """Whether the add-on starts and stops the backend itself."""
        return self.endpoint is None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model that the server offers."""

    name: str
    description: str = ""
    hash: str = ""
    method: str = ""

    @property
    def textured(self) -> bool:
        """Whether its shapes come with a texture; their meshes are as they are."""
        return self.method in TEXTURED_METHODS


@dataclass(frozen=True, slots=True)
class TrainingMethod:
    """A method that the server trains; `overrides` are the settings that make `method` this one."""

    name: str
    title: str
    method: str
    description: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingPreset:
    """Settings of a method by their name; `pictures` is what they are made for: "photos", "renders" or unknown."""

    name: str
    method: str
    description: str = ""
    pictures: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """What the server said about itself in its welcome."""

    package_version: str = ""
    protocol: int = 0
    device: str = ""
    models: tuple[ModelCard, ...] = ()
    capabilities: tuple[str, ...] = ()  # kinds of jobs, and what else it can do
    datasets: tuple[str, ...] = ()  # names of rendered data sets to train on
    methods: tuple[TrainingMethod, ...] = ()
    presets: tuple[TrainingPreset, ...] = ()
    free_memory: int = 0  # bytes of its first device when it greeted; 0 where not known
    total_memory: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """How a test of the connection stands or went; the sentence is for the preferences."""

    running: bool = False
    ok: bool = False
    sentence: str = ""
    action: NextStep = NextStep.NONE


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """Everything the transition function knows. Waiting states have a `deadline`; LOST says when it tries next."""

    status: Status = Status.OFFLINE
    target: Target = Target()
    since: float = 0.0
    deadline: float | None = None
    retry_at: float | None = None
    give_up_at: float | None = None  # set while reconnecting, whichever state that is in
    endpoint: Endpoint | None = None  # where the link goes, once known
    backend_alive: bool = False
    restarts: tuple[float, ...] = ()  # times of automatic restarts within the window
    running_jobs: int = 0
    server: Server | None = None
    problem: Problem | None = None
