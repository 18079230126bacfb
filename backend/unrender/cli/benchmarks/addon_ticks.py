# SPDX-License-Identifier: Apache-2.0
"""`unrender bench addon-ticks`: how long the add-on's timer keeps Blender's main thread, from a source checkout.

The server is emulated in this process: it streams sheets of samples as a training does, and answers `generate` with
ready meshes, so that nothing but the add-on is measured.
"""

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from unrender.cli.console import print_json
from unrender.errors import UserError

_BLENDER_SECONDS = 400.0


class StreamingServer:
    """Serves one client with a training that never ends and shapes that are ready at once. A context manager."""

    def __init__(self, sheet_pixels: int, sheets_per_second: float, resolution: int) -> None:
        from unrender.data.procedural import make_shape
        from unrender.geometry.marching_cubes import marching_cubes, smooth_binary_field
        from unrender_protocol.pairing import Pairing, new_token, write_pairing_line
        from unrender_protocol.security import TokenSecurity
        from unrender_protocol.server import EndpointLimits, ServerEndpoint
        from unrender_protocol.zmq_server import RouterTransport

        token = new_token()
        transport = RouterTransport(security=TokenSecurity(token))
        self.pairing = write_pairing_line(Pairing(transport.address, token))
        self.mesh = marching_cubes(smooth_binary_field(make_shape("chair", 3, resolution)))
        self._sheets = np.random.default_rng(0).integers(0, 255, (4, sheet_pixels, sheet_pixels, 3), np.uint8)
        self._interval = 1.0 / sheets_per_second
        self._endpoint = ServerEndpoint(transport, self._welcome, token=token, limits=EndpointLimits())
        self._training: tuple[bytes, bytes] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "StreamingServer":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join(5.0)
        self._endpoint.close()

    def _welcome(self, _hello: Any, protocol: int) -> Any:
        from unrender_protocol import messages as m

        model = m.ModelSummary("measured", "voxel_gan", "abc")
        limits = m.ServerLimits(2**28, 2**28, 256)
        return m.Welcome(protocol, "0", "Emulated", (), ("generate", "train"), limits, (model,))

    def _run(self) -> None:
        shown, due = 0, time.monotonic()
        while not self._stop.is_set():
            for incoming in self._endpoint.poll(0.01):
                self._serve(incoming.peer, incoming.envelope.message, incoming.envelope.id)
            if self._training is not None and time.monotonic() >= due:
                due = time.monotonic() + self._interval
                shown += 1
                self._stream(shown)

    def _stream(self, shown: int) -> None:
        from unrender_protocol import messages as m

        assert self._training is not None
        peer, job = self._training
        scores = np.stack([np.arange(shown), np.linspace(0.5, 0.1, shown)], axis=1).astype(np.float32)
        news = m.JobProgress(job, "adversarial", shown, 10_000, 100.0, "kid 0.1")
        self._endpoint.send(peer, news, {"preview": self._sheets[shown % 4], "scores": scores})

    def _serve(self, peer: bytes, message: Any, request: bytes) -> None:
        from unrender_protocol import messages as m

        if isinstance(message, m.SubmitJob):
            self._endpoint.send(peer, m.JobAccepted(message.job, "running"), id=request)
            if message.kind == "train":
                self._training = peer, message.job
            else:
                self._finish(peer, message)
        elif isinstance(message, m.AcknowledgeResult):
            self._endpoint.send(peer, m.ResultAcknowledged(message.job), id=request)
        elif isinstance(message, m.ListJobs):
            self._endpoint.send(peer, m.JobList(()), id=request)
        elif isinstance(message, m.ListModels):
            self._endpoint.send(peer, m.ModelList(()), id=request)

    def _finish(self, peer: bytes, message: Any) -> None:
        from unrender_protocol import messages as m

        count, seed = message.parameters["count"], message.parameters["seed"]
        shapes = [{"index": i, "seed": seed + i, "name": f"chair_{seed + i:04d}"} for i in range(count)]
        arrays: dict[str, Any] = {}
        for index in range(count):
            arrays[f"vertices_{index}"], arrays[f"faces_{index}"] = self.mesh
        done = m.JobDone(message.job, {"model": "measured", "model_hash": "abc", "shapes": shapes})
        self._endpoint.send(peer, done, arrays)


def command(
    blender: Annotated[str, typer.Option(help="A Blender, or a Python with bpy; found by itself if left out.")] = "",
    window: Annotated[bool, typer.Option(help="Open a window, on the display that DISPLAY names.")] = False,
    seconds: Annotated[float, typer.Option(min=1, help="Streaming without results.")] = 10.0,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs whose results arrive meanwhile.")] = 4,
    count: Annotated[int, typer.Option(min=1, help="Shapes per job.")] = 9,
    resolution: Annotated[int, typer.Option(min=8, help="Voxels per side of the shapes; 64 gives 11 400 faces.")] = 64,
    sheets: Annotated[float, typer.Option(min=0.1, help="Sheets of 512 pixels per second.")] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Length of the add-on's ticks: idle, connected, while a training streams, and while results are imported."""
    with StreamingServer(512, sheets, resolution) as server, tempfile.TemporaryDirectory() as folder:
        report = run_blender(server.pairing, blender, window, Path(folder), (seconds, jobs, count))
    summary = {
        "blender": report["blender"],
        "window": report["window"],
        "faces": len(server.mesh[1]),
        "sheets_per_second": sheets,
        "ticks": {name: summarise(lengths) for name, lengths in report["ticks"].items()},
    }
    if as_json:
        print_json(summary)
        return
    typer.echo(f"Blender {summary['blender']}, meshes of {summary['faces']} faces; milliseconds per tick")
    for name, figures in summary["ticks"].items():
        typer.echo(f"{name:34} " + "  ".join(f"{key} {value}" for key, value in figures.items()))


def summarise(milliseconds: list[float]) -> dict[str, float | int]:
    """Percentiles of tick lengths, and how many were longer than the budget and the limit."""
    lengths = np.asarray(milliseconds)
    p50, p95 = np.percentile(lengths, (50, 95))
    return {
        "count": len(lengths),
        "p50": round(float(p50), 2),
        "p95": round(float(p95), 2),
        "max": round(float(lengths.max()), 2),
        "over_10": int((lengths > 10.0).sum()),
        "over_15": int((lengths > 15.0).sum()),
    }


def run_blender(
    pairing: str, blender: str, window: bool, folder: Path, amount: tuple[float, int, int]
) -> dict[str, Any]:
    """Run the measurement inside a Blender and return its report. Raises UserError, BlenderNotFoundError."""
    import unrender_protocol
    from unrender.packaging.addon_source import find_addon_source
    from unrender.renderers.off_the_shelf.discovery import find_blender, probe

    found = probe(blender) if blender else find_blender()
    if isinstance(found, str):
        raise UserError(f"{blender} {found}.", "Name a Blender, or a Python that has bpy.")
    source = find_addon_source()
    script = source.parent / "scripts" / "measure_ticks.py"
    if not script.is_file():
        raise UserError("This measurement needs a checkout of the sources.", "Run it from there.")
    legacy = folder / "scripts" / "addons" / "unrender"  # where Blenders before 4.2 look
    shutil.copytree(source, legacy, ignore=shutil.ignore_patterns("__pycache__"))
    with (legacy / "__init__.py").open("a", encoding="utf-8") as code:
        code.write('\nbl_info = {"name": "Unrender", "blender": (3, 4, 0), "category": "Add Mesh"}\n')
    arguments = ["--pairing", pairing, "--out", str(folder / "ticks.json")]
    for name, value in zip(("--seconds", "--jobs", "--count"), amount, strict=True):
        arguments += [name, str(value)]
    command_line = found.script_command(script, arguments)
    if window:
        command_line = [word for word in command_line if word not in ("-b", "--background")]
    environment = os.environ | {
        "PYTHONPATH": str(Path(unrender_protocol.__file__).resolve().parents[1]),
        "BLENDER_USER_SCRIPTS": str(folder / "scripts"),
        "BLENDER_USER_CONFIG": str(folder / "config"),
    }
    ran = subprocess.run(command_line, env=environment, capture_output=True, text=True, timeout=_BLENDER_SECONDS)
    if not (folder / "ticks.json").is_file():
        raise UserError(f"Blender ended with {ran.returncode}: {ran.stderr[-1500:]}", "See its messages above.")
    report: dict[str, Any] = json.loads((folder / "ticks.json").read_text(encoding="utf-8"))
    return report
