# SPDX-License-Identifier: Apache-2.0
"""A small server that behaves as it is told, over any transport: the emulated backend of the add-on's tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import numpy as np

from unrender_protocol import messages as m
from unrender_protocol.server import EndpointLimits, ServerEndpoint
from unrender_protocol.transport import ServerTransport

CUBE_VERTICES = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32) - 0.5
CUBE_FACES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ],
    np.int32,
)  # fmt: skip

# An octahedron that unfolds into one square: its front, at -Y, is the middle, and the corners meet at the back.
BALL_VERTICES = np.array([[-1, 0, 0], [0, -1, 0], [0, 0, -1], [0, 0, 1], [0, 1, 0], [1, 0, 0]], np.float32) / 2
BALL_FACES = np.array(
    [[4, 0, 3], [0, 1, 3], [3, 1, 5], [3, 5, 4], [0, 4, 2], [0, 2, 1], [1, 2, 5], [2, 4, 5]], np.int32
)
BALL_UV = np.array([[u, v] for v in (1.0, 0.5, 0.0) for u in (0.0, 0.5, 1.0)], np.float32)
BALL_UV_FACES = np.array(
    [[0, 3, 1], [3, 4, 1], [1, 4, 5], [1, 5, 2], [3, 6, 7], [3, 7, 4], [4, 7, 5], [7, 8, 5]], np.int32
)

SHEET = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)  # a sheet of samples
SCORES = np.array([[1000, 0.3], [2000, 0.1], [3000, 0.12]], np.float32)  # of a training: images shown, KID
CURVES = {
    "curve_generator_loss": SCORES,
    "curve_discriminator_loss": SCORES * np.array([1, 2], np.float32),
    "curve_proxy_loss": SCORES,
    "curve_of_another_shape": SCORES[0],
}
METHODS = (
    m.TrainingMethod("iggan", "IG-GAN", "voxel_gan", "Solid shapes"),
    m.TrainingMethod("visual_hull", "Visual hull", "voxel_gan", "Outlines only", {"route": "visual_hull"}),
    m.TrainingMethod("textured_mesh", "Textured mesh", "textured_mesh_gan", "Shapes with their colours"),
)
PRESETS = (
    m.TrainingPreset("iggan-16", "voxel_gan", "The smallest", "renders"),
    m.TrainingPreset("iggan-32", "voxel_gan", "The usual one", "renders"),
    m.TrainingPreset("iggan-photos-32", "voxel_gan", "For photos", "photos"),
    m.TrainingPreset("newest-64", "voxel_gan", "Made after this add-on", "renders"),
    m.TrainingPreset("of-another", "image_gan", "Of another method"),
    m.TrainingPreset("textured-16", "textured_mesh_gan", "In seconds", "photos"),
    m.TrainingPreset("textured-mushrooms-64", "textured_mesh_gan", "Of rendered mushrooms", "renders"),
    m.TrainingPreset("textured-photos-64", "textured_mesh_gan", "Whole photos", "photos"),
)
MODELS = {  # what a shape of theirs is called, their hash and method
    "chairs": ("chair", "abc", "voxel_gan"),
    "balls": ("ball", "bbb", "textured_mesh_gan"),
}
MODEL_PICTURE = np.full((8, 8, 3), 200, np.uint8)


def cube(width: float, height: float) -> tuple[np.ndarray, np.ndarray]:
    """A box around the origin: vertices [8, 3], faces [12, 3]."""
    return CUBE_VERTICES * np.array([width, width, height], np.float32), CUBE_FACES


def ball(seed: int) -> dict[str, np.ndarray]:
    """The arrays of a shape with its texture, without the ends of their names: a higher shape for a higher seed.

    The picture's four quarters, as one sees them from the front: red, green over blue, white; each somewhat darker in
    its outer half, which is on the back.
    """
    picture = np.zeros((16, 16, 3), np.uint8)
    for rows, columns, colour in (
        (slice(0, 8), slice(0, 8), (255, 0, 0)),
        (slice(0, 8), slice(8, 16), (0, 255, 0)),
        (slice(8, 16), slice(0, 8), (0, 0, 255)),
        (slice(8, 16), slice(8, 16), (255, 255, 255)),
    ):
        picture[rows, columns] = colour
    row, column = np.indices((16, 16)) - 7.5
    picture[np.abs(row) + np.abs(column) > 8] //= 2
    vertices = BALL_VERTICES * np.array([1.0, 1.0, 1.0 + 0.01 * seed], np.float32)
    return {
        "vertices": vertices,
        "faces": BALL_FACES,
        "uv": BALL_UV,
        "uv_faces": BALL_UV_FACES,
        "texture": picture,
    }


@dataclass
class Behaviour:
    """How the server treats jobs. `hold` keeps them running until it is set."""

    hold: threading.Event = field(default_factory=threading.Event)
    fail_with: m.JobFailed | None = None
    answers: bool = True
    damage: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]] = lambda arrays: arrays
    progress_messages: int = 3
    sends_pictures: bool = True  # of models
    makes_meshes: bool = True  # apart from jobs
    tells_presets: bool = True
    empty_above: float = 0.9  # the threshold
    held_meshes: bool = False  # requests for meshes wait


class FakeServer:
    """Serves `generate` with boxes, of the model "balls" with those, `train` and `render_dataset` with a sheet.

    From a thread. A context manager.
    """

    def __init__(self, transport: ServerTransport, token: str = "") -> None:
        self.behaviour = Behaviour()
        self.behaviour.hold.set()
        self.submissions: list[bytes] = []
        self.parameters: dict[bytes, dict[str, Any]] = {}
        self.kinds: dict[bytes, str] = {}
        self.uploads: dict[bytes, dict[str, np.ndarray]] = {}
        self.trained: list[str] = []
        self.acknowledged: list[bytes] = []
        self.patience: dict[bytes, float] = {}
        self.pictures_asked: list[str] = []
        self.meshes_asked: list[m.FetchMesh] = []
        self._meshes: list[tuple[bytes, bytes, m.FetchMesh]] = []
        self.states: dict[bytes, str] = {}
        self._followers: dict[bytes, bytes] = {}
        self._endpoint = ServerEndpoint(transport, self._welcome, token=token, limits=EndpointLimits())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.address = transport.address

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)
        self._endpoint.close()

    def _welcome(self, hello: m.Hello, protocol: int) -> m.Welcome:
        limits = m.ServerLimits(2**28, 2**28, 256)
        return m.Welcome(
            protocol,
            "9.9.9",
            "Test device",
            (),
            (
                *("generate", "train", "render_dataset"),
                *((m.MODEL_PREVIEWS,) if self.behaviour.sends_pictures else ()),
                *((m.MESHES,) if self.behaviour.makes_meshes else ()),
            ),
            limits,
            (m.ModelSummary("chairs", "voxel_gan", "abc"), m.ModelSummary("balls", "textured_mesh_gan", "")),
            ("stools",),
            *self._trainable(),
        )

    def _trainable(self) -> tuple[tuple[m.TrainingMethod, ...], tuple[m.TrainingPreset, ...]]:
        return (METHODS, PRESETS) if self.behaviour.tells_presets else ((), ())

    def _run(self) -> None:
        while not self._stop.is_set():
            for incoming in self._endpoint.poll(0.005):
                self._serve(incoming.peer, incoming.envelope.message, incoming.envelope.id, incoming.envelope.arrays)
            self._work()

    def _serve(self, peer: bytes, message: m.Message, id: bytes, arrays: Mapping[str, np.ndarray]) -> None:
        job = getattr(message, "job", b"")
        if not self.behaviour.answers:
            return
        if isinstance(message, m.SubmitJob):
            self.submissions.append(job)
            if self.states.setdefault(job, "queued") == "queued":
                self.parameters[job], self.kinds[job] = message.parameters, message.kind
                self.uploads[job] = {name: array.copy() for name, array in arrays.items()}
            self._followers[job] = peer
            self._endpoint.send(peer, m.JobAccepted(job, self.states[job]), id=id)
            if self.states[job] == "done":
                self._endpoint.send(peer, self._done(job))
        elif isinstance(message, m.ListJobs):
            listed = [
                m.JobSummary(
                    job,
                    self.kinds[job],
                    state,
                    created=time.time() - 1000 + list(self.states).index(job),
                    acknowledged=job in self.acknowledged,
                    parameters=self.parameters[job],
                )
                for job, state in self.states.items()
            ]
            self._endpoint.send(peer, m.JobList(tuple(listed)), id=id)
        elif isinstance(message, m.ListModels):
            models = tuple(m.ModelSummary(name, "voxel_gan", "def") for name in ("tubs", *self.trained))
            self._endpoint.send(peer, m.ModelList(models, ("stools",), *self._trainable()), id=id)
        elif isinstance(message, m.FetchModelPreview):
            self.pictures_asked.append(message.model)
            pictured = message.model == "chairs"
            arrays = {"preview": MODEL_PICTURE} if pictured else {}
            self._endpoint.send(peer, m.ModelPreview(message.model, "abc" if pictured else "def"), arrays, id=id)
        elif isinstance(message, m.FetchMesh):
            self.meshes_asked.append(message)
            self._meshes.append((peer, id, message))
        elif job not in self.states:
            self._endpoint.send(peer, m.Failure("unknown_job", "I do not know that job.", job=job), id=id)
        elif isinstance(message, m.FollowJob):
            self._followers[job] = peer
            done = self.states[job] == "done"
            self._endpoint.send(peer, self._done(job) if done else m.JobAccepted(job, self.states[job]), id=id)
        elif isinstance(message, m.CancelJob):
            self.patience[job] = message.patience_seconds
            self.states[job] = "cancelled"
            self._endpoint.send(peer, m.JobCancelled(job), id=id)
        elif isinstance(message, m.FetchResult):
            self._endpoint.send(peer, self._done(job), self.behaviour.damage(self._arrays(job)), id=id)
        elif isinstance(message, m.AcknowledgeResult):
            self.acknowledged.append(job)
            self._endpoint.send(peer, m.ResultAcknowledged(job), id=id)

    def _answer_meshes(self) -> None:
        for peer, id, wanted in self._meshes:
            if wanted.threshold > self.behaviour.empty_above:
                words = f"Seed {wanted.seed} gives an empty shape at threshold {wanted.threshold:.2g}."
                self._endpoint.send(peer, m.Failure("empty_shape", words, "Lower the threshold."), id=id)
                continue
            if wanted.model_hash != "abc":
                failure = m.Failure("model_changed", "The model has been trained further.", "Generate it anew.")
                self._endpoint.send(peer, failure, id=id)
                continue
            # A box whose width tells the threshold, its height the smoothing, its number of faces the resolution.
            vertices, faces = cube(wanted.threshold, 1.0 + wanted.smoothing)
            for _ in range(wanted.resolution - 1):
                vertices, faces = (
                    np.concatenate([vertices, vertices + 2]),
                    np.concatenate([faces, faces + len(vertices)]),
                )
            arrays = self.behaviour.damage({"vertices": vertices, "faces": faces.astype(np.int32)})
            self._endpoint.send(peer, m.ShapeMesh(wanted.model, wanted.model_hash), arrays, id=id)
        self._meshes.clear()

    def _work(self) -> None:
        if not self.behaviour.held_meshes:
            self._answer_meshes()
        for job, state in list(self.states.items()):
            peer = self._followers.get(job, b"")
            if state == "queued":
                self.states[job] = "running"
                for done in range(1, self.behaviour.progress_messages + 1):
                    total = self.behaviour.progress_messages + 1
                    if self.kinds[job] == "train":
                        sheet = {"preview": SHEET, "scores": SCORES, **CURVES} if done == 1 else {}
                        self._endpoint.send(
                            peer,
                            m.JobProgress(job, "adversarial", done, total, 90.0, "kid 0.1", ("There are few photos.",)),
                            sheet,
                        )
                    else:
                        self._endpoint.send(peer, m.JobProgress(job, "sampling", done, total, 1.5))
            elif state == "running" and self.behaviour.hold.is_set():
                if self.behaviour.fail_with is not None:
                    self.states[job] = "failed"
                    failed = self.behaviour.fail_with
                    self._endpoint.send(peer, m.JobFailed(job, failed.tag, failed.message, failed.hint))
                else:
                    self.states[job] = "done"
                    self.trained += [self.parameters[job]["name"]] if self.kinds[job] == "train" else []
                    self._endpoint.send(peer, self._done(job))

    def _done(self, job: bytes) -> m.JobDone:
        if self.kinds[job] == "train":
            return m.JobDone(job, {"run": self.parameters[job]["name"]}, SHEET.nbytes)
        if self.kinds[job] == "render_dataset":
            return m.JobDone(job, {"dataset": self.parameters[job]["name"], "images": 4}, SHEET.nbytes)
        seed, count = self.parameters[job]["seed"], self.parameters[job]["count"]
        model = self.parameters[job]["model"]
        noun, hash, method = MODELS.get(model, MODELS["chairs"])
        shapes = [{"index": i, "seed": seed + i, "name": f"{noun}_{seed + i:04d}"} for i in range(count)]
        result = {"model": model, "model_hash": hash, "method": method, "shapes": shapes}
        return m.JobDone(job, result, sum(array.nbytes for array in self._arrays(job).values()))

    def _arrays(self, job: bytes) -> dict[str, np.ndarray]:
        if self.kinds[job] in ("train", "render_dataset"):
            return {"sample": SHEET}
        arrays = {}
        for index in range(self.parameters[job]["count"]):
            if self.parameters[job]["model"] == "balls":
                made = ball(self.parameters[job]["seed"] + index)
                arrays |= {f"{name}_{index}": array for name, array in made.items()}
            else:
                arrays[f"vertices_{index}"], arrays[f"faces_{index}"] = cube(0.4 + 0.02 * index, 0.8)
        return arrays


def wait_until(
    done: Callable[[], bool], poll: Callable[[], object] = lambda: None, seconds: float = 20.0, pause: float = 0.002
) -> None:
    """Poll until `done()`; an AssertionError after `seconds`, which is far more than anything here needs."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "the awaited never happened"
        poll()
        time.sleep(pause)
