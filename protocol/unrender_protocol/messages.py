# SPDX-License-Identifier: Apache-2.0
"""All messages that can cross the wire: a closed set of frozen values, each with its direction.

The type on the wire is the class name in snake_case. Fields are checked by their annotations on both ends. Messages
with `carries_arrays` may be followed by named arrays (see `arrays.py`); all others are refused with arrays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from .schema import AtLeast, Length

JobId = Annotated[bytes, Length(16)]
Count = Annotated[int, AtLeast(0)]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]

MODEL_PREVIEWS = "model_previews"  # the capability of a server that answers `FetchModelPreview`
MESHES = "meshes"  # the capability of a server that answers `FetchMesh`


@dataclass(frozen=True, slots=True)
class Message:
    """Base of all messages."""

    carries_arrays: ClassVar[bool] = False


# --- values inside messages -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Device:
    """A compute device of the server. Memory in bytes; 0 where it is not known."""

    name: str
    kind: str  # "cuda", "cpu", "mps"
    total_memory: Count = 0
    free_memory: Count = 0


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What the server accepts, in bytes and pieces."""

    array_bytes: Count
    message_bytes: Count
    arrays: Count
    jobs: Count = 0  # waiting jobs per client, 0 = not limited


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A model that the server can use; `hash` names its weights."""

    name: str
    method: str
    hash: str
    description: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingMethod:
    """A method that the server trains: `method` of a `train` job, and the `overrides` that make it this one."""

    name: str
    title: str
    method: str
    description: str = ""
    overrides: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingPreset:
    """Settings of a method by their name: `config` of a `train` job. `pictures`: what it is made for, if for some."""

    name: str
    method: str
    description: str = ""
    pictures: str = ""  # "photos" or "renders"


@dataclass(frozen=True, slots=True)
class JobSummary:
    """A job as the server's ledger has it; `created` is Unix time in seconds."""

    job: JobId
    kind: str
    state: JobState
    created: float = 0.0
    phase: str = ""
    done: Count = 0
    total: Count = 0
    tag: str = ""
    message: str = ""
    acknowledged: bool = False  # the result was taken, and is gone
    parameters: dict[str, Any] = field(default_factory=dict)  # as submitted; empty where they are long


# --- connection -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """Client -> server, first message on every connection. `client` is the same for all connections of one client."""

    protocol_min: int
    protocol_max: int
    package_version: str
    capabilities: tuple[str, ...] = ()
    token: str = ""
    client: JobId = bytes(16)


@dataclass(frozen=True, slots=True)
class Welcome(Message):
    """Server -> client, answer to a `Hello` that is accepted. `protocol` is the number that both sides now use."""

    protocol: int
    package_version: str
    device: str
    devices: tuple[Device, ...]
    capabilities: tuple[str, ...]
    limits: ServerLimits
    models: tuple[ModelSummary, ...] = ()
    datasets: tuple[str, ...] = ()  # names of rendered data sets that can be trained on
    methods: tuple[TrainingMethod, ...] = ()
    presets: tuple[TrainingPreset, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused(Message):
    """Server -> client, answer to a `Hello` that is not accepted. The range is the server's.

    Tags: incompatible, wrong_token, server_full.
    """

    tag: str
    message: str
    hint: str = ""
    protocol_min: int = 0
    protocol_max: int = 0


@dataclass(frozen=True, slots=True)
class Ping(Message):
    """Either side -> other: are you there?"""


@dataclass(frozen=True, slots=True)
class Pong(Message):
    """Answer to a `Ping`, with its id."""


@dataclass(frozen=True, slots=True)
class Failure(Message):
    """Server -> client: the request with this id (or the bytes before it) could not be served.

    Tags: bad_message, not_greeted, unknown_job, unknown_kind, not_finished, internal; the server may add others.
    """

    tag: str
    message: str
    hint: str = ""
    job: JobId | None = None


# --- jobs -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SubmitJob(Message):
    """Client -> server: run this once. The client chooses the id; the same id sent again is the same job."""

    carries_arrays: ClassVar[bool] = True
    job: JobId
    kind: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobAccepted(Message):
    """Server -> client: the job is in the ledger, in this state (also the answer to a repeated `SubmitJob`)."""

    job: JobId
    state: JobState = "queued"


@dataclass(frozen=True, slots=True)
class FollowJob(Message):
    """Client -> server: send me what happens to this job. Answered at once with its present state."""

    job: JobId


@dataclass(frozen=True, slots=True)
class JobProgress(Message):
    """Server -> client, newest wins. `done` of `total` counts in the phase's own unit.

    Arrays, each only where it is new: `preview` uint8 [H, W, 3 or 4], a sheet of samples; of a training all evaluations
    so far, float32 [N, 2] as (images shown, value): `scores` the kernel distance, `curve_NAME` any other. `notes`: what
    the user should know, as sentences, always all of them.
    """

    carries_arrays: ClassVar[bool] = True
    job: JobId
    phase: str = ""
    done: Count = 0
    total: Count = 0
    eta_seconds: float | None = None
    message: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobDone(Message):
    """Server -> client. To followers without arrays, `nbytes` saying what is to be fetched; to `FetchResult` with."""

    carries_arrays: ClassVar[bool] = True
    job: JobId
    result: dict[str, Any] = field(default_factory=dict)
    nbytes: Count = 0


@dataclass(frozen=True, slots=True)
class JobFailed(Message):
    """Server -> client. `tag` is a stable word (see `docs/protocol.md`), `hint` says what to do next."""

    job: JobId
    tag: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CancelJob(Message):
    """Client -> server: stop this job. Answered with `JobCancelled`, or with how the job ended before.

    `patience_seconds`: how long the job may take to come to a point that it can be resumed from (0: the server's usual
    two seconds; a server allows at most two minutes). Of several cancels the soonest end counts.
    """

    job: JobId
    patience_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class JobCancelled(Message):
    """Server -> client: work on this job has stopped."""

    job: JobId


@dataclass(frozen=True, slots=True)
class FetchResult(Message):
    """Client -> server: send `JobDone` with the arrays."""

    job: JobId


@dataclass(frozen=True, slots=True)
class AcknowledgeResult(Message):
    """Client -> server: the result is safe here, you may forget it."""

    job: JobId


@dataclass(frozen=True, slots=True)
class ResultAcknowledged(Message):
    """Server -> client: forgotten (also when it was already)."""

    job: JobId


@dataclass(frozen=True, slots=True)
class ListJobs(Message):
    """Client -> server: which jobs does the ledger hold?"""


@dataclass(frozen=True, slots=True)
class JobList(Message):
    """Server -> client: the jobs, newest first, as many as fit into a header."""

    jobs: tuple[JobSummary, ...]


@dataclass(frozen=True, slots=True)
class ListModels(Message):
    """Client -> server: which models can you use?"""


@dataclass(frozen=True, slots=True)
class ModelList(Message):
    """Server -> client: the models, the names of the data sets that can be trained on, and how."""

    models: tuple[ModelSummary, ...]
    datasets: tuple[str, ...] = ()
    methods: tuple[TrainingMethod, ...] = ()
    presets: tuple[TrainingPreset, ...] = ()


@dataclass(frozen=True, slots=True)
class FetchModelPreview(Message):
    """Client -> server, only to one that announces the capability `model_previews`: send a picture of this model."""

    model: str


@dataclass(frozen=True, slots=True)
class ModelPreview(Message):
    """Server -> client: `preview` uint8 [H, W, 3] of the model with these weights; no array where there is none."""

    carries_arrays: ClassVar[bool] = True
    model: str
    hash: str


@dataclass(frozen=True, slots=True)
class FetchMesh(Message):
    """Client -> server, only to one that announces the capability `meshes`: mesh a shape anew, at once.

    The shape is that of `seed` and `variety` by the weights with this hash; `model` is what they were called. The
    others are as in a `generate` job, `max_faces` 0 meaning no limit. Answered with `ShapeMesh`, or with `Failure`:
    empty_shape, unknown_model, model_changed, bad_request, queue_full, bad_checkpoint, crashed.
    """

    model: str
    model_hash: str
    seed: Count
    variety: float = 1.0
    threshold: float = 0.5
    smoothing: float = 1.0
    resolution: Annotated[int, AtLeast(1)] = 1
    max_faces: Count = 0


@dataclass(frozen=True, slots=True)
class ShapeMesh(Message):
    """Server -> client: arrays `vertices` float32 [N, 3] in world units and `faces` int32 [F, 3], outward, F > 0."""

    carries_arrays: ClassVar[bool] = True
    model: str
    model_hash: str


# --- Blender workers --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkerReady(Message):
    """Worker -> pool, once, when it can render."""

    worker: Count
    pid: Count
    blender: str
    protocol: int
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RenderBatch(Message):
    """Pool -> worker: render these meshes or grids (arrays) with these settings."""

    carries_arrays: ClassVar[bool] = True
    seq: Count
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RenderedBatch(Message):
    """Worker -> pool: the images (arrays) of batch `seq`, and where the time went."""

    carries_arrays: ClassVar[bool] = True
    seq: Count
    seconds: float
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RenderFailed(Message):
    """Worker -> pool: batch `seq` could not be rendered; the worker lives on."""

    seq: Count
    tag: str
    message: str


@dataclass(frozen=True, slots=True)
class WorkerHeartbeat(Message):
    """Worker -> pool, every second."""

    worker: Count
    rendered: Count = 0


@dataclass(frozen=True, slots=True)
class StopWorker(Message):
    """Pool -> worker: finish and exit."""

    reason: str = ""


FROM_CLIENT: tuple[type[Message], ...] = (
    Hello, Ping, Pong, SubmitJob, FollowJob, CancelJob, FetchResult, AcknowledgeResult, ListJobs, ListModels,
    FetchModelPreview, FetchMesh,
)  # fmt: skip
FROM_SERVER: tuple[type[Message], ...] = (
    Welcome, Refused, Ping, Pong, Failure, JobAccepted, JobProgress, JobDone, JobFailed, JobCancelled,
    ResultAcknowledged, JobList, ModelList, ModelPreview, ShapeMesh,
)  # fmt: skip
FROM_WORKER: tuple[type[Message], ...] = (WorkerReady, RenderedBatch, RenderFailed, WorkerHeartbeat)
TO_WORKER: tuple[type[Message], ...] = (RenderBatch, StopWorker)


@cache
def message_types() -> Mapping[str, type[Message]]:
    """Return every message class by its type on the wire."""
    classes = (*FROM_CLIENT, *FROM_SERVER, *FROM_WORKER, *TO_WORKER)
    return MappingProxyType({wire_type(cls): cls for cls in classes})


def wire_type(cls: type[Message]) -> str:
    """Return the name that `cls` has on the wire: `JobDone` -> `job_done`."""
    return _snake_case(cls.__name__)


def redundancy_key(message: Message) -> tuple[str, bytes] | None:
    """Return the key under which a newer message makes an older, unsent one superfluous, or None for "send all"."""
    if isinstance(message, JobProgress):
        return wire_type(JobProgress), message.job
    if isinstance(message, (Ping, Pong, WorkerHeartbeat)):
        return wire_type(type(message)), b""
    return None


@cache
def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
