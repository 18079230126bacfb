# SPDX-License-Identifier: GPL-3.0-or-later
"""The one object behind the panels: connection state, jobs, results, and the runner of the effects.

It lives on the main thread and imports no bpy. `poll` is the only place where anything changes by itself; a timer
calls it in the window, a plain loop calls it in background mode and in tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from . import effects, events, job_events
from .inbox import Inbox
from .job_list import JobList
from .model_pictures import ModelPictures
from .news import (
    Backend,
    BackendNews,
    BackendSearched,
    ConnectionNews,
    ConnectionTested,
    JobNews,
    JobsListed,
    Link,
    LinkNews,
    LogLine,
    MeshCame,
    ModelsListed,
    News,
    Tester,
)
from .problems import NO_MESHES, NOT_CONNECTED, Problem
from .remeshing import MeshSettings, Remeshing, ShapeSource
from .states import MESHES, MODEL_PREVIEWS, ONLINE, ConnectionState, ConnectionTest, Server, Target
from .transitions import transition

if TYPE_CHECKING:
    import numpy as np

POLL_SECONDS = 0.010  # what one tick may take of the main thread


class Session(JobList):
    """Connection, jobs and results of one Blender.

    Args:
        link: the socket thread.
        backend: the supervised child.
        inbox: where both put their news.
        clock: seconds that never go back.
        tester: tries connections out; None where nobody asks for that.
    """

    def __init__(
        self,
        link: Link,
        backend: Backend,
        inbox: Inbox[News],
        clock: Callable[[], float] = time.monotonic,
        tester: Tester | None = None,
    ) -> None:
        super().__init__(link, inbox, clock)
        self.state = ConnectionState()
        self.connection_test: ConnectionTest | None = None  # the newest, running or over
        self.backend_place: str | None = None  # of the generator here; "" where none was found, None before looking
        self.shown_items: dict[str, list[tuple[str, str, str]]] = {}  # texts of drop-downs, which Blender only borrows
        self._backend = backend
        self._tester = tester
        self._inbox = inbox
        self._link_number = 0
        self._backend_number = 0
        self._test_number = 0
        self._model_pictures = ModelPictures()
        self.remeshing = Remeshing()

    # What the artist (or a script) asks for

    @property
    def online(self) -> bool:
        """Whether jobs can be submitted now."""
        return self.state.status in ONLINE

    def connect(self, target: Target) -> None:
        """Begin to connect; how it goes shows in `state`."""
        self._happened(events.ConnectRequested(self._clock(), target))

    def refuse_to_connect(self, problem: Problem) -> None:
        """Show why what the preferences say is no way to a server. A connection that works is left alone."""
        self._happened(events.ConnectRefused(self._clock(), problem))

    def disconnect(self) -> None:
        """Go offline. Jobs at a server of somebody else go on; a backend of our own stops."""
        self._happened(events.DisconnectRequested(self._clock()))

    def test_connection(self, target: Target) -> None:
        """Begin to try a connection out, beside the present one; the outcome shows in `connection_test`.

        Raises:
            RuntimeError: this session was made without a tester.
        """
        if self._tester is None:
            raise RuntimeError("this session has nothing to test connections with")
        self._test_number = self._tester.start(target)
        self.connection_test = ConnectionTest(running=True)
        self.revision += 1

    def look_for_backend(self) -> None:
        """Look where the generator is installed on this computer; shows in `backend_place`."""
        self._backend.look()

    def stop_backend(self) -> None:
        """Go offline, and end the server that runs on this computer, also one that outlives Blender."""
        self.disconnect()
        self._backend.stop_running()

    def wish_meshes(self, what: str, wanted: Sequence[tuple[str, ShapeSource, MeshSettings]], max_faces: int) -> None:
        """Want other meshes for objects of the scene, as soon as they can be had; see `Remeshing.wish`."""
        self.revision += 1
        if not self.online or self.state.server is None:
            self.remeshing.refuse(NOT_CONNECTED)
        elif MESHES not in self.state.server.capabilities:
            self.remeshing.refuse(NO_MESHES)
        else:
            self.remeshing.wish(what, wanted, max_faces, self._clock())
            self._ask_for_mesh()

    def refuse_meshes(self, problem: Problem) -> None:
        """Show why an object cannot get another mesh."""
        self.remeshing.refuse(problem)
        self.revision += 1

    def forget_meshes(self) -> None:
        """Drop the meshes that are wished for: the objects are not what they were."""
        self.remeshing.forget()
        self.revision += 1

    @property
    def model_previews(self) -> Mapping[str, np.ndarray]:
        """Pictures of the server's models, uint8 [H, W, 3], by the model's hash; they come one after the other."""
        return self._model_pictures.pictures

    # The clock

    def poll(self, budget_seconds: float = POLL_SECONDS) -> bool:
        """Handle news until none is left or the time is used up (at least one), then let the clock tick.

        Returns whether more news waits.
        """
        end = self._clock() + budget_seconds
        while True:
            news = self._inbox.take()
            if news is None:
                break
            self._handle(news)
            if self._clock() >= end:
                break
        now = self._clock()
        for job in tuple(self.jobs):
            self._job_happened(job, job_events.JobTimePassed(now))
        self._happened(events.TimePassed(now))
        self._ask_for_mesh()
        return len(self._inbox) > 0

    def close(self, timeout: float = 3.0) -> None:
        """Disconnect, and end thread and child."""
        self.disconnect()
        self._uploads.shut_down(timeout)
        self._link.shut_down(timeout)
        self._backend.shut_down(timeout)

    # Inside

    def _handle(self, news: News) -> None:
        if isinstance(news, JobNews):
            self._job_news(news)
        elif isinstance(news, LogLine):
            self._note(news.text)
        elif isinstance(news, BackendNews):
            if news.source == self._backend_number:
                self._happened(news.event)
        elif isinstance(news, BackendSearched):
            self.backend_place = news.place
            self.revision += 1
        elif isinstance(news, ConnectionTested):
            if news.source == self._test_number:
                self.connection_test = news.outcome
                self.revision += 1
        elif news.source == self._link_number:
            self._link_news(news)

    def _link_news(self, news: LinkNews) -> None:
        if isinstance(news, ConnectionNews):
            self._happened(news.event)
        elif isinstance(news, JobsListed):
            self._adopt(news.jobs)
        elif self.state.server is not None:
            server = self.state.server
            if isinstance(news, MeshCame):
                self.remeshing.answered(news.of, news.settings, news.shape, news.problem)
            elif isinstance(news, ModelsListed):
                self.state = replace(self.state, server=_with_models(server, news))
            else:
                self._model_pictures.answered(news.model, news.hash, news.picture, server.models)
            self.revision += 1
            self._ask_for_model_picture()

    def _ask_for_model_picture(self) -> None:
        server = self.state.server
        if server is None or MODEL_PREVIEWS not in server.capabilities:
            return
        model = self._model_pictures.next_to_ask(server.models)
        if model is not None:
            self._link.fetch_model_preview(model)

    def _ask_for_mesh(self) -> None:
        wish = self.remeshing.next_to_ask(self._clock()) if self.online else None
        if wish is not None:
            self._link.fetch_mesh(wish)

    def _happened(self, event: events.ConnectionEvent) -> None:
        before = self.state
        self.state, wanted = transition(before, event)
        if self.state != before:
            self.revision += 1
        if self.state.status != before.status:
            problem = self.state.problem
            self._note(f"{before.status.value} -> {self.state.status.value}" + (f": {problem.tag}" if problem else ""))
        for effect in wanted:
            self._run(effect)

    def _run(self, effect: effects.ConnectionEffect) -> None:
        if isinstance(effect, effects.StartBackend):
            self._backend_number = self._backend.start()
        elif isinstance(effect, effects.StopBackend):
            self._backend_number = -1  # its exit, which was asked for, is no news
            self._backend.stop()
        elif isinstance(effect, effects.OpenLink):
            self._link_number = self._link.open(effect.endpoint)
        elif isinstance(effect, effects.CloseLink):
            self._link_number = -1
            self._link.close()
        elif isinstance(effect, effects.DetachJobs):
            self._tell_jobs(job_events.ConnectionGone(self._clock()))
        else:
            self._link.list_jobs()
            self._tell_jobs(job_events.ConnectionBack(self._clock()))
            self._model_pictures.ask_anew()
            self.remeshing.ask_anew()
            self._ask_for_model_picture()

    def _jobs_counted(self, count: int) -> None:
        if count != self.state.running_jobs:
            self._happened(events.RunningJobsChanged(self._clock(), count))


def _with_models(server: Server, news: ModelsListed) -> Server:
    return replace(server, models=news.models, datasets=news.datasets, methods=news.methods, presets=news.presets)
