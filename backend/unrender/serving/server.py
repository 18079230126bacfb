# SPDX-License-Identifier: Apache-2.0
"""The backend as clients see it: their messages become calls of the job queue, and its news become messages.

One thread, one loop. Nothing that a client sends and nothing that happens in a job may end it.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from unrender.errors import UserError
from unrender.serving.job_process import JobProgressed
from unrender.serving.job_queue import JobQueue
from unrender.serving.jobs import Job, JobState
from unrender.serving.mesh_maker import MeshAnswer, MeshMaker, Ticket
from unrender.serving.mesh_orders import MeshOrder
from unrender.serving.self_description import Descriptions
from unrender_protocol.errors import EncodingError
from unrender_protocol.messages import (
    AcknowledgeResult,
    CancelJob,
    Failure,
    FetchMesh,
    FetchModelPreview,
    FetchResult,
    FollowJob,
    Hello,
    JobAccepted,
    JobCancelled,
    JobDone,
    JobFailed,
    JobList,
    JobProgress,
    JobSummary,
    ListJobs,
    ListModels,
    Message,
    ModelList,
    ModelPreview,
    ResultAcknowledged,
    ShapeMesh,
    SubmitJob,
    Welcome,
)
from unrender_protocol.server import Incoming, ServerEndpoint
from unrender_protocol.transport import ServerTransport

_log = logging.getLogger(__name__)

_WAIT_BUSY = 0.02  # seconds; while jobs run, their news are passed on this often
_WAIT_IDLE = 0.25
_JOBS_LISTED = 60
_LONGEST_TEXT = 160  # characters of a message in a list: the list must fit into a header of 64 KiB
_NOTES = 8  # of a job, each of so many characters at most
_LONGEST_NOTE = 600
_LONGEST_PARAMETERS = 500  # characters, for the same reason

Arrays = Mapping[str, np.ndarray]
Reply = tuple[Message, Arrays]


class JobServer:
    """Serves one job queue, and meshes, to the clients of one transport. Not thread-safe."""

    def __init__(
        self,
        transport: ServerTransport,
        queue: JobQueue,
        descriptions: Descriptions,
        token: str = "",
        meshes: MeshMaker | None = None,
    ) -> None:
        self._endpoint = ServerEndpoint(transport, self._welcome, token=token)
        self._queue = queue
        self._meshes = meshes
        self._descriptions = descriptions
        self._followers: dict[bytes, set[bytes]] = {}  # job -> peers
        self._cancels: dict[bytes, list[tuple[bytes, bytes]]] = {}  # job -> (peer, request id)
        self._answers: dict[type[Message], Callable[[bytes, Any, Arrays, bytes], Reply | None]] = {
            SubmitJob: self._submit,
            FollowJob: self._follow,
            CancelJob: self._cancel,
            FetchResult: self._fetch,
            AcknowledgeResult: self._acknowledge,
            ListJobs: self._list_jobs,
            ListModels: self._list_models,
            FetchModelPreview: self._fetch_model_preview,
            FetchMesh: self._fetch_mesh,
        }

    def __enter__(self) -> "JobServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening. Queue and meshes are their owners' to close."""
        self._endpoint.close()

    @property
    def address(self) -> str:
        """Where clients can connect to."""
        return self._endpoint.address

    @property
    def endpoint(self) -> ServerEndpoint:
        """The clients' side, for its statistics."""
        return self._endpoint

    def run(self, stopped: Callable[[], bool]) -> None:
        """Serve until `stopped()`."""
        while not stopped():
            meshing = self._meshes is not None and self._meshes.is_busy
            self.step(_WAIT_BUSY if meshing or self._queue.is_busy else _WAIT_IDLE)

    def step(self, timeout: float = 0.0) -> None:
        """Answer what came, waiting at most `timeout` seconds for it, and pass on what the jobs report."""
        for incoming in self._endpoint.poll(timeout):
            self._serve(incoming)
        for news in self._queue.poll():
            if isinstance(news, JobProgressed):
                self._publish(news.job, *_progress_message(news))
            else:
                self._changed(news)
        for answer in self._meshes.poll() if self._meshes is not None else ():
            self._send(answer.ticket.peer, *_mesh_message(answer), id=answer.ticket.request)
        self._forget_gone()

    # --- requests ---

    def _serve(self, incoming: Incoming) -> None:
        envelope = incoming.envelope
        job = getattr(envelope.message, "job", None)
        try:
            answer = self._answers[type(envelope.message)]
            reply = answer(incoming.peer, envelope.message, envelope.arrays, envelope.id)
        except UserError as error:
            reply = Failure(error.tag, error.message, error.hint, job=job), {}
        except Exception:
            _log.exception("A request could not be served.")
            reply = Failure("internal", "The server could not serve this request.", "Its log says why.", job=job), {}
        if reply is not None:
            self._send(incoming.peer, *reply, id=envelope.id)

    def _submit(self, peer: bytes, message: SubmitJob, arrays: Arrays, request: bytes) -> Reply | None:
        job = self._queue.submit(message.job, message.kind, message.parameters, arrays)
        self._followers.setdefault(job.id, set()).add(peer)
        self._send(peer, JobAccepted(job.id, job.state.value), id=request)
        if job.state.is_final:
            self._send(peer, self._state_message(job))
        return None

    def _follow(self, peer: bytes, message: FollowJob, arrays: Arrays, request: bytes) -> Reply | None:
        job = self._queue.find(message.job)
        progress = self._queue.shown(job)
        if job.state.is_final:
            if progress is not None and progress.arrays:
                self._send(peer, *_progress_message(progress))  # first: with the end, following is over
            return self._state_message(job), {}
        self._followers.setdefault(job.id, set()).add(peer)
        self._send(peer, self._state_message(job), id=request)
        if progress is not None:
            self._send(peer, *_progress_message(progress))
        return None

    def _cancel(self, peer: bytes, message: CancelJob, arrays: Arrays, request: bytes) -> Reply | None:
        job = self._queue.cancel(message.job, message.patience_seconds)
        if not job.state.is_final:
            self._cancels.setdefault(job.id, []).append((peer, request))
            return None
        self._changed(job)
        return self._state_message(job), {}

    def _fetch(self, peer: bytes, message: FetchResult, arrays: Arrays, request: bytes) -> Reply:
        job = self._queue.find(message.job)
        if job.state in (JobState.FAILED, JobState.CANCELLED):
            return self._state_message(job), {}
        result, found = self._queue.result(message.job)
        return JobDone(job.id, result, sum(array.nbytes for array in found.values())), found

    def _acknowledge(self, peer: bytes, message: AcknowledgeResult, arrays: Arrays, request: bytes) -> Reply:
        self._queue.acknowledge(message.job)
        return ResultAcknowledged(message.job), {}

    def _list_jobs(self, peer: bytes, message: ListJobs, arrays: Arrays, request: bytes) -> Reply:
        return JobList(tuple(self._summary(job) for job in self._queue.jobs(_JOBS_LISTED))), {}

    def _list_models(self, peer: bytes, message: ListModels, arrays: Arrays, request: bytes) -> Reply:
        told = self._descriptions
        return ModelList(told.models(), told.datasets(), told.methods(), told.presets()), {}

    def _fetch_model_preview(self, peer: bytes, message: FetchModelPreview, arrays: Arrays, request: bytes) -> Reply:
        hash, picture = self._descriptions.model_preview(message.model)
        return ModelPreview(message.model, hash), {} if picture is None else {"preview": picture}

    def _fetch_mesh(self, peer: bytes, message: FetchMesh, arrays: Arrays, request: bytes) -> Reply | None:
        if self._meshes is None:
            raise UserError("This server makes meshes only as jobs.", "Generate the shape anew.")
        try:
            order = MeshOrder(
                message.model,
                message.model_hash,
                message.seed,
                message.variety,
                message.threshold,
                message.smoothing,
                message.resolution,
                message.max_faces or None,
                *self._descriptions.weights(message.model, message.model_hash),
            )
        except ValueError as error:
            raise UserError(f"{error}.") from error
        self._meshes.order(Ticket(peer, request), order)
        return None

    def _welcome(self, hello: Hello, protocol: int) -> Welcome:
        return self._descriptions.welcome(protocol)

    # --- news ---

    def _changed(self, job: Job) -> None:
        """Tell those who follow a job that its state has changed, and those who cancelled it that it has stopped."""
        if not job.state.is_final:
            self._publish(job.id, JobAccepted(job.id, job.state.value))
            return
        _log.info("Job %s (%s): %s.", job.id.hex()[:8], job.kind, job.state.value)
        self._descriptions.expire()
        if self._meshes is not None and job.kind == "generate" and job.state is JobState.DONE:
            self._meshes.prepare()  # who has shapes may soon want them with other meshes
        message = self._state_message(job)
        for peer, request in self._cancels.pop(job.id, ()):
            self._followers.get(job.id, set()).discard(peer)
            self._send(peer, message, id=request)
        self._publish(job.id, message)
        self._followers.pop(job.id, None)

    def _publish(self, job: bytes, message: Message, arrays: Arrays | None = None) -> None:
        for peer in tuple(self._followers.get(job, ())):
            self._send(peer, message, arrays)

    def _send(self, peer: bytes, message: Message, arrays: Arrays | None = None, *, id: bytes | None = None) -> None:
        try:
            self._endpoint.send(peer, message, arrays, id=id)
        except EncodingError as error:
            _log.error("A message of type %s could not be sent: %s", type(message).__name__, error)
            failure = Failure(
                "internal", f"The answer is too large to be sent: {error}.", job=getattr(message, "job", None)
            )
            self._endpoint.send(peer, failure, id=id)

    def _forget_gone(self) -> None:
        """Drop followers that have left; they follow again when they come back."""
        peers = self._endpoint.peers
        for job in [job for job, followers in self._followers.items() if not followers <= peers]:
            self._followers[job] &= peers
            if not self._followers[job]:
                del self._followers[job]

    def _state_message(self, job: Job) -> Message:
        accepted = JobAccepted(job.id, job.state.value)
        if job.state is JobState.DONE:
            return JobDone(job.id, dict(job.result or {}), self._queue.result_size(job.id))
        if job.state is JobState.FAILED and job.error is not None:
            return JobFailed(job.id, job.error.tag, job.error.message, job.error.hint)
        if job.state is JobState.CANCELLED:
            return JobCancelled(job.id)
        return accepted

    def _summary(self, job: Job) -> JobSummary:
        parameters = dict(job.parameters) if len(repr(job.parameters)) <= _LONGEST_PARAMETERS else {}
        summary = JobSummary(
            job.id,
            job.kind,
            job.state.value,
            job.submitted,
            acknowledged=job.acknowledged,
            parameters=parameters,
        )
        progress = self._queue.progress(job.id)
        if progress is not None:
            return replace(
                summary,
                phase=progress.phase,
                done=progress.done,
                total=progress.total,
                message=progress.message[:_LONGEST_TEXT],
            )
        if job.error is not None:
            return replace(summary, tag=job.error.tag, message=job.error.message[:_LONGEST_TEXT])
        return summary


def _mesh_message(answer: MeshAnswer) -> Reply:
    if answer.error is not None:
        return Failure(answer.error.tag, answer.error.message, answer.error.hint), {}
    return ShapeMesh(answer.order.model, answer.order.model_hash), answer.arrays


def _progress_message(news: JobProgressed) -> tuple[JobProgress, Arrays]:
    message = JobProgress(
        news.job,
        news.phase,
        max(0, news.done),
        max(0, news.total),
        news.eta_seconds,
        news.message[:_LONGEST_TEXT],
        tuple(note[:_LONGEST_NOTE] for note in news.notes[:_NOTES]),
    )
    return message, news.arrays
