# SPDX-License-Identifier: Apache-2.0
"""Films of generated shapes: the same shapes from all around, or one shape that turns into others before one camera."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from unrender.errors import CancelledError, ConfigurationError
from unrender.geometry.cameras import Cameras
from unrender.geometry.conventions import linear_to_srgb, srgb_to_linear
from unrender.geometry.lighting import Lighting
from unrender.geometry.meshes import Mesh
from unrender.geometry.textured_mesh import TexturedMesh
from unrender.geometry.textured_shape import TexturedShape
from unrender.methods.generate import Shape, ShapeMaker
from unrender.renderers.differentiable.mesh_renderer import MeshRenderer
from unrender.training.progress import CancelCheck, Progress, ProgressCallback, ignore_progress, never_cancelled

FilmKind = Literal["turn", "identity"]
Frame = NDArray[np.uint8]

_MOST_SHAPES = 64
_PAPER = 0.06  # linear grey behind the shapes
_FINER = 2  # pixels that are drawn for each one of a frame, each way
_FIELD_OF_VIEW = math.radians(10.0)
_WHITE = Lighting((), (), 1.0)  # textures have their light in them
_LIGHT = Lighting(((-0.4, 0.6, 0.6928), (0.7, 0.1, 0.7071)), (0.55, 0.2), 0.2)


@dataclass(frozen=True, slots=True)
class FilmSettings:
    """frames: of one round, after which the film begins anew. size: pixels a side of each shape's picture. azimuth,
    elevation: of the camera, in degrees; a turn begins at that azimuth."""

    frames: int = 96
    size: int = 256
    azimuth_degrees: float = 30.0
    elevation_degrees: float = 15.0


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame: shapes side by side, all seen from one camera."""

    shapes: tuple[Shape, ...]
    azimuth_degrees: float
    elevation_degrees: float


def turn_shots(maker: ShapeMaker, seed: int, count: int, variety: float, settings: FilmSettings) -> Iterator[Shot]:
    """The shapes of `count` seeds from all around: every shot has the very same ones, and the camera goes round once.

    From the last shot to the first it is as far as from any to the next.
    """
    shapes = tuple(maker.shape(seed + index, variety) for index in range(count))
    for index in range(settings.frames):
        azimuth = settings.azimuth_degrees + 360.0 * index / settings.frames
        yield Shot(shapes, azimuth, settings.elevation_degrees)


def identity_shots(maker: ShapeMaker, seed: int, count: int, variety: float, settings: FilmSettings) -> Iterator[Shot]:
    """A shape that turns into those of the next seeds and back into the first, from one camera.

    From the last shot to the first it is as far as from any to the next.
    """
    for index in range(settings.frames):
        place = index * count / settings.frames
        first = int(place)
        shape = maker.between(seed + first, seed + (first + 1) % count, place - first, variety)
        yield Shot((shape,), settings.azimuth_degrees, settings.elevation_degrees)


def film(
    maker: ShapeMaker,
    kind: FilmKind,
    seed: int,
    count: int,
    variety: float = 1.0,
    settings: FilmSettings | None = None,
    progress: ProgressCallback = ignore_progress,
    cancelled: CancelCheck = never_cancelled,
) -> Iterator[Frame]:
    """The frames [H, W, 3] of a film, sRGB, drawn as they are asked for.

    kind: "turn" shows the shapes of `count` seeds beside one another from all around, "identity" leads from one of
    them to the next. Raises as `generate_shapes`, and ConfigurationError for too few or too many shapes.
    """
    settings = settings or FilmSettings()
    least = 2 if kind == "identity" else 1
    if not least <= count <= _MOST_SHAPES:
        raise ConfigurationError(
            f"A film ({kind}) of {count} shapes was asked for, but {least} to {_MOST_SHAPES} were expected.",
            "Ask for another count.",
        )
    shots = (turn_shots if kind == "turn" else identity_shots)(maker, seed, count, variety, settings)
    started = time.monotonic()
    for index in range(settings.frames):
        if cancelled():
            raise CancelledError(f"Stopped after {index} of {settings.frames} frames; the film was not written.")
        yield draw_shot(next(shots), settings.size)
        eta = (time.monotonic() - started) / (index + 1) * (settings.frames - index - 1)
        progress(Progress("film", index + 1, settings.frames, eta))


@torch.no_grad()
def draw_shot(shot: Shot, size: int) -> Frame:
    """A picture [H, W, 3], sRGB, of the shapes in rows that are about as many as columns, `size` pixels a side each."""
    shapes = [_drawable(shape) for shape in shot.shapes]
    count = len(shapes)
    angles = torch.tensor([shot.azimuth_degrees, shot.elevation_degrees]).deg2rad().view(2, 1).expand(-1, count)
    cameras = Cameras(angles[0], angles[1], field_of_view=_FIELD_OF_VIEW)
    is_textured = isinstance(shot.shapes[0], TexturedShape)
    renderer = MeshRenderer(size * _FINER, background=(_PAPER, _PAPER, _PAPER), passes=())
    linear = renderer.render(shapes, cameras, _WHITE if is_textured else _LIGHT).rgb
    tiles = linear_to_srgb(functional.avg_pool2d(linear, _FINER))
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = torch.full((rows * columns, *tiles.shape[1:]), float(linear_to_srgb(torch.tensor(_PAPER))))
    sheet[:count] = tiles
    placed = sheet.unflatten(0, (rows, columns)).permute(0, 3, 1, 4, 2).reshape(rows * size, columns * size, 3)
    return (placed * 255.0).round().to(torch.uint8).numpy()


def _drawable(shape: Shape) -> Mesh | TexturedMesh:
    if isinstance(shape, Mesh):
        return shape
    encoded: Tensor = torch.from_numpy(shape.texture).permute(2, 0, 1) / 255.0
    return TexturedMesh(
        torch.from_numpy(shape.mesh.vertices),
        torch.from_numpy(shape.mesh.faces),
        uv=torch.from_numpy(shape.uv),
        uv_faces=torch.from_numpy(shape.uv_faces),
        texture=srgb_to_linear(encoded),
    )
