# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture on a generated mesh: checked, and made ready for Blender on the socket thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MOST_PIXELS = 8192  # per side


class BadResultError(Exception):
    """A result that is not a set of meshes; the text says what was wrong, for the report."""


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """What lies on a mesh of F faces.

    corner_uv [F, 3, 2] float32: where each corner of each face is in the picture, u to the right and v up, (0, 0) the
    lower left corner; the two sides of a seam differ. png: the picture as a file of 8 bits sRGB, without loss.
    mean_colour: of the whole picture, linear.
    """

    corner_uv: np.ndarray = field(repr=False)
    png: bytes = field(repr=False)
    mean_colour: tuple[float, float, float]


def read_texture(arrays: Mapping[str, np.ndarray], index: int, faces: int) -> Texture | None:
    """What lies on shape `index`; None where the result brings nothing for it.

    Args:
        arrays: `uv_{index}` float32 [M, 2], `uv_faces_{index}` int32 [faces, 3] and `texture_{index}` uint8 [h, w, 3],
            sRGB, row 0 at the top.
        index: of the shape.
        faces: how many its mesh has.

    Raises:
        BadResultError: only some of the three are there, or one has another shape or dtype, points outside the others
            or is not finite.
    """
    import numpy as np

    from ..rendering.png import decode_srgb, encode_png

    names = tuple(f"{kind}_{index}" for kind in ("uv", "uv_faces", "texture"))
    missing = [name for name in names if name not in arrays]
    if len(missing) == len(names):
        return None
    if missing:
        raise BadResultError(f"{' and '.join(missing)} is missing, while {names[0]}, its faces or its texture came")
    uv, uv_faces, picture = (arrays[name] for name in names)
    if uv.dtype != "float32" or uv.ndim != 2 or uv.shape[1] != 2 or not np.isfinite(uv).all():
        raise BadResultError(f"{names[0]} is {uv.dtype} {uv.shape}, expected float32 (n, 2), all finite")
    if uv_faces.dtype != "int32" or uv_faces.shape != (faces, 3):
        raise BadResultError(f"{names[1]} is {uv_faces.dtype} {uv_faces.shape}, expected int32 ({faces}, 3)")
    if uv_faces.min() < 0 or uv_faces.max() >= len(uv):
        raise BadResultError(f"{names[1]} points outside its {len(uv)} places")
    good = picture.dtype == "uint8" and picture.ndim == 3 and picture.shape[2] == 3
    if not good or not 0 < min(picture.shape[:2]) <= max(picture.shape[:2]) <= MOST_PIXELS:
        raise BadResultError(
            f"{names[2]} is {picture.dtype} {picture.shape}, expected uint8 (h, w, 3) of at most {MOST_PIXELS} a side"
        )
    red, green, blue = (float(value) for value in decode_srgb(picture / np.float32(255.0)).mean(axis=(0, 1)))
    return Texture(uv[uv_faces], encode_png(picture), (red, green, blue))
