# SPDX-License-Identifier: GPL-3.0-or-later
"""What the protocol's client reports, as news for the session. Runs on the socket thread, so it may take its time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import singledispatch
from typing import Any

import numpy as np

from unrender_protocol import events as wire
from unrender_protocol import messages
from unrender_protocol.client import Client

from . import events, job_events
from .curves import read_curve, read_curves
from .news import (
    ConnectionNews,
    JobNews,
    JobsListed,
    ListedJob,
    LogLine,
    MeshCame,
    ModelPictureCame,
    ModelsListed,
    News,
)
from .problems import (
    BAD_RESULT,
    CANCEL_UNANSWERED,
    CONNECT_TIMEOUT,
    CONNECTION_LOST,
    MESH_UNANSWERED,
    NO_ANSWER,
    NOT_A_GENERATOR,
    NOT_ACCEPTED,
    NextStep,
    Problem,
    said_by_server,
)
from .remeshing import MeshSettings, ShapeSource
from .shapes import BadResultError, Shape, read_shape, read_shapes
from .states import ModelCard, Server, TrainingMethod, TrainingPreset

RESUMABLE_SECONDS = 7 * 24 * 3600.0  # a training that was stopped longer ago is not offered by itself any more

_UNANSWERED: Mapping[type[messages.Message], Problem] = {
    messages.SubmitJob: NOT_ACCEPTED,
    messages.FollowJob: NO_ANSWER,
    messages.FetchResult: NO_ANSWER,
    messages.CancelJob: CANCEL_UNANSWERED,
}


def read_event(event: wire.Event, client: Client, number: int, at: float) -> Iterator[News]:
    """The news in one event of the client of link `number`; `at` is the time on the session's clock."""
    if isinstance(event, wire.Connected):
        yield ConnectionNews(number, events.Welcomed(at, _server(event.welcome)))
    elif isinstance(event, wire.Lost):
        if client.welcome is not None:
            problem = CONNECTION_LOST
        else:
            problem = NOT_A_GENERATOR if client.rejected else CONNECT_TIMEOUT
        yield LogLine(f"link lost: {event.reason}")
        yield ConnectionNews(number, events.LinkLost(at, problem, event.retry_seconds))
    elif isinstance(event, wire.Incompatible):
        yield ConnectionNews(number, events.Refused(at, _incompatible(event), incompatible=True))
    elif isinstance(event, wire.Denied):
        problem = said_by_server(event.tag, _sentence(event.message), _sentence(event.hint))
        yield ConnectionNews(number, events.Refused(at, problem))
    elif isinstance(event, wire.Unanswered):
        yield LogLine(f"{type(event.request).__name__}: {event.message}")
        unanswered = _UNANSWERED.get(type(event.request))
        job = getattr(event.request, "job", None)
        if unanswered is not None and job is not None:
            yield JobNews(job, job_events.JobFailed(at, unanswered))
        if isinstance(event.request, messages.FetchModelPreview):
            yield ModelPictureCame(number, event.request.model)
        if isinstance(event.request, messages.FetchMesh):
            yield _mesh_came(number, event.request, problem=MESH_UNANSWERED)
    else:
        yield from _read(event.message, event, number, at)


def superseded_key(news: News) -> tuple[bytes, bool, bool, bool] | None:
    """The key under which newer news replaces older news that still waits: progress, job by job.

    What brings a picture or curves is replaced only by what brings the same, or the steps that follow would hide it.
    """
    if isinstance(news, JobNews) and isinstance(news.event, job_events.JobProgressed):
        return news.job, news.preview is not None, news.scores is not None, bool(news.curves)
    return None


@singledispatch
def _read(message: messages.Message, arrived: wire.Arrived, number: int, at: float) -> Iterator[News]:
    yield LogLine(f"unexpected {type(message).__name__} from the server")


@_read.register
def _(message: messages.JobAccepted, arrived: wire.Arrived, number: int, at: float) -> Iterator[News]:
    yield JobNews(message.job, job_events.JobAccepted(at, message.state))


@_read.register
def _(message: messages.JobProgress, arrived: wire.Arrived, number: int, at: float) -> Iterator[News]:
    progress = job_events.JobProgressed(
        at, message.phase, message.done, message.total, message.eta_seconds, message.message, message.notes
    )
    arrays = arrived.arrays
    yield JobNews(message.job, progress, preview=_preview(arrays), scores=_scores(arrays), curves=read_curves(arrays))


@_read.register
def _(message: messages.JobDone, arrived: wire.Arrived, number: int, at: float) -> Iterator[News]:
    fetched = isinstance(arrived.request, messages.FetchResult)
    if message.nbytes and not arrived.arrays and not fetched:
        yield JobNews(message.job, job_events.JobFinished(at, message.result, nbytes=message.nbytes))
        return
    try:
        shapes = read_shapes(message.result, arrived.arrays) if "shapes" in message.result else ()
    except BadResultError as error:
        yield LogLine(f"bad result of job {message.job.hex()[:8]}: {error}")
        yield JobNews(message.job, job_events.JobFailed(at, BAD_RESULT))
        return
    finished = job_events.JobFinished(at, message.result, here=True)
    preview = None if shapes else _preview(arrived.arrays)
    yield JobNews(message.job, finished, shapes, preview, _scores(arrived.arrays), read_curves(arrived.arrays))


@_read.register
def _(message: messages.JobFailed, arrived: wire.Arrived, number: int, at: float) -> Iterator[News]:
    yield JobNews(message.job, job_events.JobFailed(at, said_by_server(message.tag, message.message, message.hint)))


@_read.register
def _(message: messages.JobCancelled, arrived: wire.Arrived, number: int, at: float) -> Iterator[News]:
    yield JobNews(message.job, job_events.JobCancelled(at))


@_read.register
def _(message: messages.ResultAcknowledged, arrived: wire.Arrived, number: int, at: float) -> Iterator[News]:
    yield JobNews(message.job, job_events.ResultAcknowledged(at))


@_read.register
def _(message: messages.JobList, arrived: wire.Arrived, number: int, at: float) -> Iterator[News]:
    resumable = _resumable(message.jobs)
    listed = (
        ListedJob(entry.job, entry.kind, _wanted(entry), entry.parameters, entry.job in resumable)
        for entry in message.jobs
    )
    yield JobsListed(number, tuple(listed))


@_read.register
def _(message: messages.ModelList, arrived: wire.Arrived, number: int, at: float) -> Iterator[News]:
    models = tuple(_card(model) for model in message.models)
    yield ModelsListed(number, models, message.datasets, *_trainable(message))


@_read.register
def _(message: messages.ModelPreview, arrived: wire.Arrived, number: int, at: float) -> Iterator[News]:
    yield ModelPictureCame(number, message.model, message.hash, _preview(arrived.arrays))


@_read.register
def _(message: messages.ShapeMesh, arrived: wire.Arrived, number: int, at: float) -> Iterator[News]:
    if not isinstance(arrived.request, messages.FetchMesh):
        return  # the answer to a request that was given up
    try:
        shape = read_shape(arrived.request.seed, arrived.arrays)
    except BadResultError as error:
        yield LogLine(f"bad mesh: {error}")
        yield _mesh_came(number, arrived.request, problem=MESH_UNANSWERED)
        return
    yield _mesh_came(number, arrived.request, shape)


@_read.register
def _(message: messages.Failure, arrived: wire.Arrived, number: int, at: float) -> Iterator[News]:
    job = message.job or getattr(arrived.request, "job", None)
    yield LogLine(f"the server says {message.tag}: {message.message}")
    if isinstance(arrived.request, messages.FetchModelPreview):
        yield ModelPictureCame(number, arrived.request.model)
    if isinstance(arrived.request, messages.FetchMesh):
        problem = said_by_server(message.tag, message.message, message.hint)
        yield _mesh_came(number, arrived.request, problem=replace(problem, action=NextStep.NONE))
    if job is None:
        return
    if message.tag == "unknown_job":
        yield JobNews(job, job_events.JobUnknown(at))
    elif not isinstance(arrived.request, (messages.AcknowledgeResult, messages.CancelJob)):
        yield JobNews(job, job_events.JobFailed(at, said_by_server(message.tag, message.message, message.hint)))


def _mesh_came(
    number: int, request: messages.FetchMesh, shape: Shape | None = None, problem: Problem | None = None
) -> MeshCame:
    source = ShapeSource(request.model, request.model_hash, request.seed, request.variety)
    settings = MeshSettings(request.threshold, request.smoothing, request.resolution)
    return MeshCame(number, source, settings, shape, problem)


def _wanted(entry: messages.JobSummary) -> bool:
    return entry.state in ("queued", "running") or (entry.state == "done" and not entry.acknowledged)


def _resumable(jobs: Iterable[messages.JobSummary]) -> set[bytes]:
    """Of each run the newest job, where that is a training that was stopped within the last days."""
    newest: dict[str, messages.JobSummary] = {}
    for entry in jobs:
        run = str(entry.parameters.get("name", ""))
        if entry.kind == "train" and run and (run not in newest or entry.created > newest[run].created):
            newest[run] = entry
    since = time.time() - RESUMABLE_SECONDS
    return {entry.job for entry in newest.values() if entry.state == "cancelled" and entry.created >= since}


def _server(welcome: messages.Welcome) -> Server:
    methods, presets = _trainable(welcome)
    return Server(
        methods=methods,
        presets=presets,
        package_version=welcome.package_version,
        protocol=welcome.protocol,
        device=welcome.device,
        models=tuple(_card(model) for model in welcome.models),
        capabilities=welcome.capabilities,
        datasets=welcome.datasets,
        free_memory=welcome.devices[0].free_memory if welcome.devices else 0,
        total_memory=welcome.devices[0].total_memory if welcome.devices else 0,
    )


def _trainable(
    told: messages.Welcome | messages.ModelList,
) -> tuple[tuple[TrainingMethod, ...], tuple[TrainingPreset, ...]]:
    methods = (
        TrainingMethod(given.name, given.title, given.method, given.description, dict(given.overrides))
        for given in told.methods
    )
    presets = (TrainingPreset(given.name, given.method, given.description, given.pictures) for given in told.presets)
    return tuple(methods), tuple(presets)


def _card(model: messages.ModelSummary) -> ModelCard:
    return ModelCard(model.name, model.description, model.hash, model.method)


def _incompatible(event: wire.Incompatible) -> Problem:
    if event.update == "server":
        return Problem(
            "incompatible",
            "The generator is older than this add-on.",
            f"Update the generator (Unrender backend), then press Connect. ({event.message})",
            NextStep.CONNECT,
        )
    return Problem(
        "incompatible",
        "This add-on is older than the generator.",
        f"Update the Unrender add-on, then press Connect. ({event.message})",
        NextStep.CONNECT,
    )


def _preview(arrays: Mapping[str, Any]) -> np.ndarray | None:
    """The preview image [H, W, 3 or 4] uint8 that came with a progress, if one did."""
    for array in arrays.values():
        if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] in (3, 4):
            return np.asarray(array)
    return None


def _scores(arrays: Mapping[str, Any]) -> np.ndarray | None:
    """A training's evaluations so far, float32 [N, 2]: images shown, KID."""
    return read_curve(arrays.get("scores"))


def _sentence(text: str) -> str:
    """`text` with a capital and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""
