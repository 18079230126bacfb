# SPDX-License-Identifier: Apache-2.0
"""What `unrender doctor` looks at. Each check is tried, not guessed, and says what to do where it fails."""

import importlib.metadata
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from unrender.cli.engine_probe import probe_engine
from unrender.errors import UnrenderError
from unrender.storage import data_home

_PACKAGES = (
    "unrender",
    "unrender-protocol",
    "torch",
    "numpy",
    "pyzmq",
    "msgpack",
    "safetensors",
    "scikit-image",
    "trimesh",
)
_FREE_DISK = 2 << 30  # bytes below which a training run is likely to fill the disk
_IMPORT_SECONDS = 120.0
_SLOW_ENGINE = 30.0  # seconds for one small picture

State = Literal["works", "missing", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing and its state: it works, an optional thing is missing, or an essential one is broken."""

    name: str
    state: State
    detail: str
    advice: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def examine() -> Iterator[Finding]:
    """All checks, one after another, each as soon as it is done."""
    for name, check in _CHECKS.items():
        try:
            yield from check()
        except UnrenderError as error:
            yield Finding(name, "broken", error.message, error.hint)
        except Exception as error:  # a check that fails must not hide the ones after it
            yield Finding(
                name, "broken", f"the check itself failed ({type(error).__name__}: {error})", "Please report it."
            )


def _packages() -> Iterator[Finding]:
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    absent = [name for name, version in versions.items() if version is None]
    detail = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    if absent:
        yield Finding(
            "packages",
            "broken",
            f"not installed: {', '.join(absent)}",
            "Run scripts/demo, or pip install unrender.",
            versions,
        )
    else:
        yield Finding("packages", "works", detail, facts=versions)


def _torch() -> Iterator[Finding]:
    code = "import torch; print(torch.__version__, torch.get_num_threads())"
    try:
        answer = subprocess.run(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_IMPORT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        yield Finding("torch", "broken", "could not be imported in time", "Look for a disk that is very slow or full.")
        return
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or ["no message"])[-1]
        yield Finding(
            "torch", "broken", f"cannot be imported ({last})", "Make the environment anew: scripts/make_environment."
        )
        return
    version, threads = answer.stdout.split()[:2]
    yield Finding(
        "torch", "works", f"{version}, {threads} threads", facts={"version": version, "threads": int(threads)}
    )


def _devices() -> Iterator[Finding]:
    from unrender.serving.devices import list_devices

    devices = list_devices()
    for device in devices:
        memory = (
            f", {device.free_memory / 2**30:.1f} of {device.total_memory / 2**30:.1f} GiB free"
            if device.total_memory
            else ""
        )
        facts = {"kind": device.kind, "total_memory": device.total_memory, "free_memory": device.free_memory}
        yield Finding("device", "works", f"{device.name}{memory}", facts=facts)
    if not any(device.kind != "cpu" for device in devices):
        yield Finding(
            "graphics card", "missing", "none that torch can use", "Everything works on the CPU, only slower."
        )


def _data_home() -> Iterator[Finding]:
    home = data_home()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=home) as file:
            file.write(bytes(4096))
    except OSError as error:
        yield Finding(
            "data home", "broken", f"{home} cannot be written ({error})", "Set UNRENDER_HOME to a folder of yours."
        )
        return
    free = shutil.disk_usage(home).free
    facts = {"path": str(home), "free_bytes": free}
    detail = f"{home}, {free / 2**30:.1f} GiB free"
    if free < _FREE_DISK:
        yield Finding("data home", "missing", detail, "Free some space: training needs a few GiB.", facts)
    else:
        yield Finding("data home", "works", detail, facts=facts)


def _models() -> Iterator[Finding]:
    from unrender.methods.models import list_models

    names = [model.name for model in list_models()]
    if names:
        yield Finding("models", "works", ", ".join(names), facts={"models": names})
    else:
        yield Finding("models", "missing", "none", "Train one (unrender train --help), or install the bundled ones.")


def _blender() -> Iterator[Finding]:
    from unrender.renderers.off_the_shelf.discovery import find_blender

    blender = find_blender()
    found = {"kind": blender.kind, "version": blender.version, "command": list(blender.command)}
    yield Finding("blender", "works", f"{blender.version} ({blender.kind}: {' '.join(blender.command)})", facts=found)
    for engine, essential in (("cycles", True), ("eevee", False), ("workbench", False)):
        report = probe_engine(engine)
        facts: dict[str, Any] = {"seconds": report.seconds, "blender": report.blender}
        if report.works:
            slow = (
                "" if report.seconds < _SLOW_ENGINE else "Too slow to be of use: it has no graphics card to draw with."
            )
            yield Finding(engine, "works", f"rendered a picture in {report.seconds:.1f} s, start included", slow, facts)
        elif essential:
            advice = report.hint or "Install a newer Blender, or run scripts/demo, which installs bpy."
            yield Finding(engine, "broken", report.problem, advice, facts)
        else:
            yield Finding(
                engine, "missing", report.problem, "It needs a graphics driver (EGL); Cycles does all work.", facts
            )


def _opengl() -> Iterator[Finding]:
    report = probe_engine("opengl")
    if report.works:
        facts = {"seconds": report.seconds, "device": report.device}
        yield Finding("opengl", "works", f"rendered a picture with {report.device}", facts=facts)
    else:
        advice = report.hint or "It needs a graphics driver, or Mesa's OpenGL in software; Cycles does all work."
        yield Finding("opengl", "missing", report.problem, advice)


def _server() -> Iterator[Finding]:
    from unrender_protocol.discovery import find_local_server
    from unrender_protocol.errors import WireError
    from unrender_protocol.zmq_server import RouterTransport

    try:
        running = find_local_server(data_home())
        if running is not None:
            facts = {"address": running.address, "pid": running.pid}
            yield Finding("server", "works", f"runs at {running.address} (process {running.pid})", facts=facts)
            return
        RouterTransport("tcp://127.0.0.1:*").close()
    except WireError as error:
        yield Finding("server", "broken", str(error), "Allow this program to listen on 127.0.0.1.")
        return
    yield Finding("server", "works", "none runs; a port on 127.0.0.1 can be opened", facts={"address": None})


_CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "packages": _packages,
    "torch": _torch,
    "devices": _devices,
    "data home": _data_home,
    "models": _models,
    "blender": _blender,
    "opengl": _opengl,
    "server": _server,
}
