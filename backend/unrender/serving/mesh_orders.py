# SPDX-License-Identifier: Apache-2.0
"""What clients ask for when they want a mesh at once, checked; and the inside of the process that makes it.

Orders and answers are single lines of JSON on a pipe; the arrays of an answer follow it as raw bytes.
"""

import json
import re
import signal
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from unrender.errors import UnknownModelError, UserError
from unrender.serving.failures import describe_exception
from unrender.serving.handlers.parameters import check_mesh, check_shape

_HASH = re.compile(r"[0-9a-f]{16}")
_LONGEST_NAME = 200

Arrays = Mapping[str, np.ndarray]


class ModelChangedError(UserError):
    """A shape of weights that are there no more: its run was trained further."""

    tag = "model_changed"


@dataclass(frozen=True, slots=True)
class MeshOrder:
    """One mesh of one shape. `folder`: of the model with these weights; empty where there is none.

    known: whether there is a model of that name at all, with whatever weights.
    """

    model: str
    model_hash: str
    seed: int
    variety: float
    threshold: float
    smoothing: float
    resolution: int
    max_faces: int | None
    folder: str = ""
    known: bool = False

    def __post_init__(self) -> None:
        if len(self.model) > _LONGEST_NAME:
            raise ValueError(f"model has {len(self.model)} characters, but at most {_LONGEST_NAME} were expected")
        if not _HASH.fullmatch(self.model_hash):  # it becomes part of a file's name
            raise ValueError(f"model_hash is {self.model_hash!r:.40}, but 16 hexadecimal digits were expected")
        check_shape(self.seed, self.variety)
        check_mesh(self.threshold, self.smoothing, self.resolution, self.max_faces)

    def to_line(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def make_meshes(connection: Connection, home: str) -> None:
    """Answer orders until the pipe closes. The target of the process.

    home: the data folder, whose cache of grids is used.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the server's terminal reaches us too; the server decides
    from unrender.methods.grid_cache import grid_cache
    from unrender.methods.voxel_shapes import ShapeSource

    shapes = ShapeSource(grid_cache(Path(home)))
    try:
        while True:
            order = MeshOrder(**json.loads(connection.recv_bytes()))
            report, arrays = _answer(order, shapes)
            connection.send_bytes(json.dumps(report).encode())
            for array in arrays:
                connection.send_bytes(array.tobytes())
    except (EOFError, OSError):
        return  # the server has let go of us, or is gone


def read_answer(connection: Connection) -> tuple[Mapping[str, Any], Arrays]:
    """The answer to an order; waits for it. Raises EOFError or OSError where the process has ended."""
    report = json.loads(connection.recv_bytes())
    arrays = {
        name: np.frombuffer(connection.recv_bytes(), dtype).reshape(shape)
        for name, dtype, shape in report.get("arrays", ())
    }
    return report, arrays


def _answer(order: MeshOrder, shapes: Any) -> tuple[dict[str, Any], Sequence[np.ndarray]]:
    try:
        mesh = _mesh(order, shapes)
    except Exception as error:  # whatever it was, the client must hear of it
        failure = describe_exception(error)
        if failure.tag == "internal":
            traceback.print_exc()
        return {"failed": [failure.tag, failure.message, failure.hint]}, ()
    arrays = {"vertices": mesh.vertices, "faces": mesh.faces}
    return {"arrays": [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]}, tuple(
        arrays.values()
    )


def _mesh(order: MeshOrder, shapes: Any) -> Any:
    from unrender.meshing import MeshSettings
    from unrender.methods.generate import makes_voxels
    from unrender.methods.grid_cache import ShapeKey
    from unrender.methods.models import read_model
    from unrender.methods.voxel_shapes import mesh_shape

    key = ShapeKey(order.model_hash, order.seed, order.variety)
    grid = shapes.find(key)
    if grid is None:
        model = read_model(Path(order.folder)) if order.folder else None
        if model is None or model.hash != order.model_hash:
            raise _gone(order)
        if not makes_voxels(model):
            raise UserError(
                f"The model {order.model!r} makes surfaces with a texture and no voxels: there is no other mesh of its "
                "shapes.",
                "Generate with another seed or variety instead.",
            )
        grid = shapes.grid(key, model)
    return mesh_shape(grid, key, MeshSettings(order.threshold, order.smoothing, order.resolution, order.max_faces))


def _gone(order: MeshOrder) -> UserError:
    if order.known or order.folder:
        return ModelChangedError(
            f"The model {order.model!r} has been trained further since this shape was made.", "Generate it anew."
        )
    return UnknownModelError(
        f"The model {order.model!r} that made this shape is not here any more.",
        "Connect to the generator that has it, or generate with another model.",
    )
