# SPDX-License-Identifier: GPL-3.0-or-later
"""What the threads tell the main thread, and the two doors through which the main thread tells them what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from .events import ConnectionEvent
from .job_events import JobEvent
from .problems import Problem
from .remeshing import MeshSettings, MeshWish, ShapeSource
from .shapes import Shape
from .states import ConnectionTest, Endpoint, ModelCard, Target, TrainingMethod, TrainingPreset

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class ConnectionNews:
    """Something happened to link or backend number `source`; news of an older one than the present is void."""

    source: int
    event: ConnectionEvent


@dataclass(frozen=True, slots=True)
class BackendNews:
    """Something happened to backend child number `source`."""

    source: int
    event: ConnectionEvent


@dataclass(frozen=True, slots=True)
class JobNews:
    """Something happened to a job.

    `shapes` are the meshes of a result that came along, `preview` an image uint8 [H, W, 3 or 4], `scores` a training's
    evaluations so far, float32 [N, 2] (images shown, KID), `curves` the same of other values (see `curves.py`),
    `upload` what is to be sent with the job.
    """

    job: bytes
    event: JobEvent
    shapes: tuple[Shape, ...] = ()
    preview: np.ndarray | None = field(default=None, compare=False)
    scores: np.ndarray | None = field(default=None, compare=False)
    curves: Mapping[str, tuple[np.ndarray, ...]] = field(default_factory=dict, compare=False)
    upload: Mapping[str, np.ndarray] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job as the server's ledger has it."""

    job: bytes
    kind: str
    wanted: bool  # unfinished, or with a result that nobody has taken yet
    parameters: Mapping[str, Any] = field(default_factory=dict)
    resumable: bool = False  # a training that was stopped lately, and whose run nothing has been done with since


@dataclass(frozen=True, slots=True)
class JobsListed:
    """The server's ledger."""

    source: int
    jobs: tuple[ListedJob, ...]


@dataclass(frozen=True, slots=True)
class ModelsListed:
    """The models that the server offers now, and what it can train."""

    source: int
    models: tuple[ModelCard, ...]
    datasets: tuple[str, ...] = ()
    methods: tuple[TrainingMethod, ...] = ()
    presets: tuple[TrainingPreset, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelPictureCame:
    """The picture uint8 [H, W, 3] of a model; None where it has none, or the server did not answer."""

    source: int
    model: str
    hash: str = ""  # empty: the server did not answer
    picture: np.ndarray | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class MeshCame:
    """Another mesh of a shape, or why there is none."""

    source: int
    of: ShapeSource
    settings: MeshSettings
    shape: Shape | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class ConnectionTested:
    """Test number `source` of the connection is over."""

    source: int
    outcome: ConnectionTest


@dataclass(frozen=True, slots=True)
class BackendSearched:
    """Where on this computer the backend is installed, as a person writes it; empty where it was not found."""

    place: str


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line for the report."""

    text: str


LinkNews = ConnectionNews | JobsListed | ModelsListed | ModelPictureCame | MeshCame
News = LinkNews | BackendNews | BackendSearched | JobNews | ConnectionTested | LogLine


class Link(Protocol):
    """The socket thread as the session sees it. No method waits, except `shut_down`."""

    def open(self, endpoint: Endpoint) -> int:
        """Close any older link, open a new one and greet; returns the number that its news will carry."""

    def close(self) -> None:
        """Close the link."""

    def submit(self, job: bytes, kind: str, parameters: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Send the job; the same id sent twice is run once."""

    def follow(self, job: bytes) -> None:
        """Ask what becomes of the job."""

    def cancel(self, job: bytes, patience_seconds: float) -> None:
        """Ask for the job to be stopped; it may take `patience_seconds` to come to where it can go on later."""

    def fetch(self, job: bytes, nbytes: int) -> None:
        """Ask for the result with its arrays, which are `nbytes` long."""

    def acknowledge(self, job: bytes) -> None:
        """Tell the server that the result is safe here."""

    def list_jobs(self) -> None:
        """Ask for the ledger."""

    def list_models(self) -> None:
        """Ask for the models."""

    def fetch_model_preview(self, model: str) -> None:
        """Ask for the picture of a model."""

    def fetch_mesh(self, wish: MeshWish) -> None:
        """Ask for a mesh; `MeshCame` follows."""

    def shut_down(self, timeout: float) -> None:
        """End the thread, waiting for it at most `timeout` seconds."""


class Backend(Protocol):
    """The supervised child as the session sees it. No method waits, except `shut_down`."""

    def start(self) -> int:
        """Start the child; returns the number that its news will carry."""

    def stop(self) -> None:
        """Stop the child if one runs that is ours to stop."""

    def look(self) -> None:
        """Look where the backend is installed; `BackendSearched` follows."""

    def stop_running(self) -> None:
        """End the server that runs on this computer, whoever started it."""

    def shut_down(self, timeout: float) -> None:
        """Stop the child and wait for its end at most `timeout` seconds."""


class Tester(Protocol):
    """Tests of a connection as the session sees them."""

    def start(self, target: Target) -> int:
        """Begin a test; returns the number that its outcome will carry."""
