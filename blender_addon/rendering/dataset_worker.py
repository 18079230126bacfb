# SPDX-License-Identifier: GPL-3.0-or-later
"""One Blender that renders the objects it is told to; started, fed and watched by the supervisor.

It reads lines of JSON: `{"engine", "device", "threads", "blend", "collection"}` first, which it answers with `ready`
(or `unusable`) once it has rendered a first picture with that engine; `{"plan", "out"}`; then `{"object", "name",
"category", "path", "images"}` for each object. It answers with `started`, a `record` or `failed` for each image, and
`finished`; with `fatal` where it cannot go on. The end of its input is its end.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TextIO

import bpy
import numpy as np

from .engines import NoDeviceError, choose_device
from .manifest import DatasetError
from .memory import MemoryWatch
from .outputs import Outputs
from .plan import BLEND, PROCEDURAL, DatasetPlan, Views
from .scene import RenderScene
from .settings import RenderSettings
from .shapes import ArrayShapes, Mesh, ShapeTools
from .sources.blend_file import BlendFile
from .sources.geometry import BadMeshError
from .sources.importers import import_file
from .sources.model import ImportedBlocks, Model
from .stage import Stage

OLDEST_BLENDER = (3, 4)
_AHEAD = 3  # objects that are made while one is rendered
_TRIANGLE = np.array([(-0.4, 0.0, -0.4), (0.4, 0.0, -0.4), (0.0, 0.0, 0.4)], np.float32)


def run(tools: ShapeTools) -> int:
    """Work until the input ends; returns the exit code."""
    talk = _Talk()
    hello = talk.listen()
    if hello is None:
        return 0
    try:
        scene, blend, device = _get_ready(hello)
    except (DatasetError, NoDeviceError, RuntimeError) as error:
        talk.say({"unusable": str(error).strip(), "is_config": isinstance(error, DatasetError)})
        return 0
    version = ".".join(map(str, bpy.app.version))
    talk.say({"ready": {"blender": version, "device": device, "objects": blend.names if blend else None}})
    job = talk.listen()
    if job is None:
        return 0
    plan = DatasetPlan(**job["plan"] | {"passes": tuple(job["plan"]["passes"])})
    stage = Stage(scene, plan, hello["threads"], device)
    _Work(plan, stage, ArrayShapes(plan, tools), blend, Path(job["out"]), talk).run()
    return 0


def _get_ready(hello: dict) -> tuple[RenderScene, BlendFile | None, str]:
    """Render one picture with the engine and the device that are asked for, and open the .blend file."""
    if bpy.app.version < OLDEST_BLENDER:
        version = ".".join(map(str, bpy.app.version))
        raise DatasetError(f"Blender {version} is too old; expected {'.'.join(map(str, OLDEST_BLENDER))} or newer.")
    scene = RenderScene()
    scene.configure(RenderSettings(16, 1, hello["engine"], threads=hello["threads"]))
    device = choose_device(scene.scene, hello["device"]) if hello["engine"] == "cycles" else "cpu"
    scene.set_mesh(_TRIANGLE, np.array([(0, 1, 2)], np.int32))
    picture = scene.render(np.array([(1, 0, 0), (0, 0, 1), (0, -1, 0)], np.float32))["rgba"]
    if not 0.05 < float(picture[..., 3].mean()) < 0.5:
        raise RuntimeError(f"{hello['engine']} rendered a picture in which the test triangle does not appear")
    blend = BlendFile(Path(hello["blend"]), hello["collection"]) if hello["blend"] else None
    return scene, blend, device


class _Talk:
    """Lines of JSON in and out, from any thread."""

    def __init__(self) -> None:
        self._output: TextIO = claim_standard_output()
        self._lock = threading.Lock()
        self._lines: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, name="input", daemon=True).start()

    def say(self, words: dict) -> None:
        with self._lock:
            print(json.dumps(words), file=self._output, flush=True)

    def listen(self) -> dict | None:
        """The next line; None at the end."""
        return self._lines.get()

    def listen_now(self) -> tuple[bool, dict | None]:
        """Whether there is a line already, and it."""
        try:
            return True, self._lines.get_nowait()
        except queue.Empty:
            return False, None

    def _read(self) -> None:
        # Bytes and not text: a line that has come must not wait in a buffer for the next one.
        waiting = b""
        while piece := os.read(0, 65536):
            *lines, waiting = (waiting + piece).split(b"\n")
            for line in lines:
                message = json.loads(line)
                self._lines.put(None if message.get("stop") else message)
        os._exit(0)  # whoever told us what to do is gone


def claim_standard_output() -> TextIO:
    """Keep standard output for ourselves: Blender's own lines would mix with the records."""
    own = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return own


class _Work:
    def __init__(
        self, plan: DatasetPlan, stage: Stage, arrays: ArrayShapes, blend: BlendFile | None, out: Path, talk: _Talk
    ) -> None:
        self._plan, self._stage, self._arrays, self._blend, self._talk = plan, stage, arrays, blend, talk
        self._views = Views(plan)
        self._outputs = Outputs(plan, out)
        self._writer = _Writer(self._outputs, talk)
        self._memory = MemoryWatch()

    def run(self) -> None:
        with self._writer:
            for task, made in self._tasks():
                self._talk.say({"started": task["object"]})
                self._render_object(task, made)
                self._writer.finish(task["object"])
                if self._memory.is_full():
                    break  # the supervisor starts a fresh worker for what is left

    def _tasks(self) -> Iterator[tuple[dict, Future | None]]:
        """The tasks in turn; the objects of the next ones are made in a thread while one is rendered."""
        with ThreadPoolExecutor(1, thread_name_prefix="shapes") as executor:
            waiting: list[tuple[dict, Future | None]] = []
            ended = False
            while waiting or not ended:
                while not ended and len(waiting) <= _AHEAD:
                    there, task = self._talk.listen_now() if waiting else (True, self._talk.listen())
                    if not there:
                        break
                    if task is None:
                        ended = True
                        break
                    made = self._arrays.can_make(task["path"])
                    future = executor.submit(self._arrays.make, task["object"], task["path"]) if made else None
                    waiting.append((task, future))
                if waiting:
                    yield waiting.pop(0)

    def _render_object(self, task: dict, made: Future | None) -> None:
        imported: ImportedBlocks | None = None
        try:
            if made is None and self._blend is None:
                imported = ImportedBlocks()
            self._show(task, made)
            if imported is not None:
                imported.close()
            lighting = self._plan.lighting(task["object"])
            for image in task["images"]:
                view = self._views.view(image, task["category"])
                rendered = self._stage.render(view, lighting, self._plan.image_seed(image))
                rendered = self._outputs.with_background(image, rendered)
                next_view = self._views.view(self._views.next_image(image), task["category"])
                self._writer.put(image, self._record(task, image), rendered, view, next_view)
        except BadMeshError as error:
            self._fail(task, "bad_mesh", f"{task['name']} {error}")
        except DatasetError as error:
            self._talk.say({"fatal": "config", "message": str(error)})
        except MemoryError:
            self._fail(task, "out_of_memory", f"{task['name']} does not fit into memory")
        except Exception as error:  # one object that goes wrong must not end the whole data set
            traceback.print_exc()
            self._fail(task, "render_failed", f"{task['name']}: {type(error).__name__}: {error}")
        finally:
            self._stage.clear()
            if imported is not None:
                imported.remove()

    def _show(self, task: dict, made: Future | None) -> None:
        if made is not None:
            mesh: Mesh = made.result()
            self._stage.show_mesh(mesh.vertices, mesh.faces, mesh.smooth, mesh.colours)
        elif self._plan.kind == BLEND:
            objects = self._blend.objects(task["name"])
            for item in objects:
                item.hide_render = False
            self._stage.show_model(Model(objects))
        else:
            self._stage.show_model(Model(import_file(Path(task["path"]), self._plan.up)))

    def _fail(self, task: dict, tag: str, message: str) -> None:
        self._writer.drain()
        for image in task["images"]:
            if image not in self._writer.written:
                self._talk.say({"failed": image, "object": task["object"], "tag": tag, "message": message})

    def _record(self, task: dict, image: int) -> dict:
        azimuth, elevation = self._views.angles(image, task["category"])
        record = {
            "index": image,
            "file": "",
            "class": task["category"],
            "name": task["name"],
            "object": task["object"],
            "azimuth": azimuth,
            "elevation": elevation,
            "config": self._plan.fingerprint(),
        }
        if self._plan.kind == PROCEDURAL:
            record["shape_seed"] = self._plan.shape_seed(task["object"])
        return record


class _Writer:
    """Encodes and writes images in a thread; an image is reported only after all its files are complete."""

    def __init__(self, outputs: Outputs, talk: _Talk) -> None:
        self.written: set[int] = set()
        self._outputs, self._talk = outputs, talk
        self._queue: queue.Queue = queue.Queue(maxsize=32)
        self._thread = threading.Thread(target=self._run, name="image writer", daemon=True)

    def __enter__(self) -> _Writer:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._queue.put(None)
        self._thread.join()

    def put(self, image: int, record: dict, *what: object) -> None:
        """Hand over one image; waits where the disk is slower than the renderer."""
        self._queue.put((image, record, what))

    def finish(self, index: int) -> None:
        """Say that the object is finished once its images are written."""
        self._queue.put(index)

    def drain(self) -> None:
        """Wait until everything that was handed over is written."""
        self._queue.join()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, int):
                self._talk.say({"finished": item})
            else:
                self._write(*item)
            self._queue.task_done()

    def _write(self, image: int, record: dict, what: tuple) -> None:
        try:
            self._outputs.write(image, *what)
        except OSError as error:
            print(error, file=sys.stderr, flush=True)
            self._talk.say({"fatal": "disk", "message": error.strerror or str(error)})
        else:
            files = self._outputs.paths(image)
            record["file"] = files.pop("rgb")
            if files:
                record["passes"] = files
            self.written.add(image)
            self._talk.say({"record": record})
