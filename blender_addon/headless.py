# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on without a window: the same session, operators and import, driven by a loop instead of a timer.

Every wait has a deadline, and every failure is a `HeadlessError` with a sentence. Objects are known by name, never
held: a reference would not survive undo or the loading of a file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import bpy

from .connection.endpoints import find_local
from .connection.job_events import JobProgressed
from .connection.jobs import ENDED, WITH_SHAPES, JobStatus
from .connection.problems import Problem
from .connection.session import Session
from .connection.states import ONLINE, Endpoint, Status, Target
from .properties import get_asset_previews, get_session, get_settings
from .ticker import Ticker

POLL_PAUSE_SECONDS = 0.005
_SETTLED = ONLINE | {Status.FAILED, Status.INCOMPATIBLE, Status.OFFLINE}


class HeadlessError(Exception):
    """What went wrong, as in the panel: a stable tag, a sentence, what to do next."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.message} {problem.hint}".strip())
        self.problem = problem


def connect(
    discovery: Path | None = None, address: str | None = None, token: str | None = None, timeout: float = 60.0
) -> Driver:
    """Connect the enabled add-on and return its driver (a context manager that disconnects).

    Args:
        discovery: the file `server.json` that a server on this computer writes; the usual one where None.
        address: instead of a discovery file, where the server listens (`tcp://127.0.0.1:5555`).
        token: goes with `address`.
        timeout: seconds to wait for the welcome.

    Raises:
        HeadlessError: no server, not welcome, or too late.
    """
    found = None if address is not None else find_local(discovery.parent if discovery else None)
    if address is not None:
        endpoint: Endpoint | None = Endpoint(address, token or "")
    else:
        endpoint = found[0] if found else None
    if endpoint is None:
        raise HeadlessError(Problem("no_server", "No generator runs on this computer.", "Start it: unrender serve"))
    from unrender_protocol.discovery import process_is_alive

    driver = Driver()
    driver.session.connect(Target(endpoint))

    def settled() -> bool:
        return driver.session.state.status in _SETTLED or (found is not None and not process_is_alive(found[1]))

    driver.wait(settled, timeout, "the connection")
    if not driver.session.online:
        raise HeadlessError(driver.session.state.problem or Problem("offline", "The connection was closed."))
    return driver


class Driver:
    """Does what an artist does, waiting for each thing to be done."""

    def __init__(self) -> None:
        self.session: Session = get_session(bpy.context)
        self._ticker: Ticker = bpy.context.window_manager.unrender_ticker

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_error: object) -> None:
        self.disconnect()

    def disconnect(self) -> None:
        """Go offline."""
        self.session.disconnect()

    def wait(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        """Poll until `done()`.

        Raises:
            HeadlessError: `what` was not there after `timeout` seconds.
        """
        end = time.monotonic() + timeout
        while not done():
            if time.monotonic() > end:
                message = f"Waited {timeout:.0f} s for {what}."
                raise HeadlessError(Problem("timeout", message, "Look at the generator's log, or allow more time."))
            if not self._ticker.poll():
                time.sleep(POLL_PAUSE_SECONDS)

    def generate(
        self,
        model: str,
        seed: int,
        count: int = 1,
        threshold: float = 0.5,
        variety: float = 1.0,
        timeout: float = 60.0,
        progress: Callable[[JobProgressed], None] | None = None,
        towards: int | None = None,
    ) -> list[str]:
        """Press Generate and wait until all shapes are in the scene; returns the objects' names in seed order.

        Args:
            towards: of a model of textured shapes, another seed, to whose shape they lead in equal steps.

        Raises:
            HeadlessError: no such model, the job failed, or it took longer than `timeout` seconds.
        """
        self._choose(model)
        settings = get_settings(bpy.context)
        settings.seed, settings.count, settings.threshold, settings.variety = seed, count, threshold, variety
        settings.leads = towards is not None
        if towards is not None:
            settings.last_seed = towards
        known = set(self.session.jobs)
        bpy.ops.unrender.generate()
        job_id = next(job for job in self.session.jobs if job not in known)
        self._wait_for_job(job_id, timeout, f"{count} shapes", progress)
        job = self.session.jobs[job_id]
        if job.status != JobStatus.IMPORTED:
            stopped = Problem("not_imported", "The shapes were not imported.", "Look at the report.")
            raise HeadlessError(job.problem or stopped)
        made = [candidate for candidate in bpy.context.scene.objects if candidate.get("unrender_job") == job.key]
        return [candidate.name for candidate in sorted(made, key=lambda candidate: candidate["unrender_index"])]

    def change_meshes(self, names: Sequence[str], timeout: float = 60.0, **settings: float) -> None:
        """Mesh generated objects anew, as the sliders of the selected shapes do, and wait until they are changed.

        Args:
            names: of the objects.
            timeout: seconds.
            settings: threshold, smoothing, resolution: those that are to be others.

        Raises:
            HeadlessError: a mesh cannot be made, or took longer than `timeout` seconds.
        """
        from .shape_settings import change_selected

        self._select(names)
        remeshing = self.session.remeshing
        for name, value in settings.items():
            change_selected(bpy.context, name, value)
        self.wait(lambda: all(remeshing.wanted(name) is None for name in names), timeout, "the meshes")
        if remeshing.problem is not None:
            raise HeadlessError(remeshing.problem)

    def train(
        self,
        folder: Path,
        name: str,
        preset: str = "",
        settings: str = "",
        method: str = "",
        timeout: float = 3600.0,
        progress: Callable[[JobProgressed], None] | None = None,
    ) -> str:
        """Train a model on a folder of photos, wait for its end, and choose it; returns its name.

        `settings` are changes to the preset, `key=value` with spaces between them; preset and method are those that
        suit photos where they are empty.

        Raises:
            HeadlessError: the training failed, or took longer than `timeout` seconds.
        """
        known = set(self.session.jobs)
        bpy.ops.unrender.train_start(
            source="PHOTOS", directory=str(folder), run=name, preset=preset, settings=settings, method=method
        )
        job_id = next(job for job in self.session.jobs if job not in known)
        self._wait_for_job(job_id, timeout, f"the training of {name}", progress)
        job = self.session.jobs[job_id]
        if job.status != JobStatus.IMPORTED:
            raise HeadlessError(job.problem or Problem("stopped", "The training was stopped.", "Continue it."))
        self.wait(lambda: name in self._models(), timeout, "the new model")
        bpy.ops.unrender.use_model(model=name)
        return name

    def mark_assets(self, names: Sequence[str], timeout: float = 600.0) -> None:
        """Mark objects as assets, and wait for their previews.

        Raises:
            HeadlessError: they were not there after `timeout` seconds.
        """
        self._select(names)
        bpy.ops.unrender.mark_asset()
        previews = get_asset_previews(bpy.context)
        self.wait(lambda: not previews.pending, timeout, f"the previews of {len(names)} objects")

    def export_glb(self, names: Sequence[str], folder: Path) -> list[Path]:
        """Save each object as a GLB file; returns the paths in the order of `names`."""
        from .scene.export import file_stem

        self._select(names)
        bpy.ops.unrender.export(directory=str(folder), file_format="GLB")
        return [folder / f"{file_stem(name)}.glb" for name in names]

    def save_blend(self, file: Path) -> None:
        """Save the scene, and the asset catalogs beside it."""
        from .scene.assets import catalog_path, write_catalogs

        file.parent.mkdir(parents=True, exist_ok=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(file), check_existing=False)
        marked = [candidate for candidate in bpy.data.objects if candidate.asset_data is not None]
        write_catalogs(file.parent, sorted({catalog_path(candidate) for candidate in marked}))

    def render_contact_sheet(self, names: Sequence[str], file: Path, size: int = 900, samples: int = 6) -> None:
        """Render the objects in a square, each in three-quarter view, into a PNG."""
        from .scene.contact_sheet import render_contact_sheet

        render_contact_sheet([bpy.data.objects[name] for name in names], file, size, samples)

    def _wait_for_job(
        self, job_id: bytes, timeout: float, what: str, progress: Callable[[JobProgressed], None] | None
    ) -> None:
        """Wait until a job has ended, and its shapes are in the scene if they are to be."""
        shown: tuple[str, int] = ("", -1)

        def ended() -> bool:
            nonlocal shown
            job = self.session.jobs[job_id]
            if progress is not None and (job.phase, job.done) != shown:
                shown = (job.phase, job.done)
                if job.phase:
                    news = JobProgressed(time.monotonic(), job.phase, job.done, job.total, job.eta_seconds, job.message)
                    progress(news)
            if job.status == JobStatus.DONE:  # its result is on its way
                return job.kind in WITH_SHAPES and job_id not in self.session.awaited_imports
            return job.status in ENDED

        self.wait(ended, timeout, what)

    def _models(self) -> list[str]:
        return [card.name for card in (self.session.state.server.models if self.session.state.server else ())]

    def _choose(self, model: str) -> None:
        names = self._models()
        if model not in names:
            known = ", ".join(names) or "none"
            message = f"The generator has no model {model!r}; it has: {known}."
            raise HeadlessError(Problem("unknown_model", message, "Choose one of these, or train one."))
        get_settings(bpy.context).model = model

    def _select(self, names: Sequence[str]) -> None:
        from .scene.objects import select_only

        select_only(bpy.context, [bpy.data.objects[name] for name in names])
