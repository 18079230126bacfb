# SPDX-License-Identifier: GPL-3.0-or-later
"""Readers for the formats that Blender has no importer for: OFF meshes and binvox voxel grids."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .geometry import BadMeshError


def read_off(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices float64 [N, 3] and triangles int32 [F, 3] of an OFF file; larger faces become fans.

    ModelNet has files whose first line reads `OFF490 518 0`, without the line break. Raises BadMeshError.
    """
    words = _words(path)
    if not words or not words[0].upper().startswith("OFF"):
        raise BadMeshError("is no OFF file: it does not start with OFF")
    words = ([words[0][3:]] if len(words[0]) > 3 else []) + words[1:]
    try:
        vertex_count, face_count = int(words[0]), int(words[1])
        corners_end = 3 + 3 * vertex_count
        vertices = np.array(words[3:corners_end], np.float64).reshape(vertex_count, 3)
        faces = _fans(np.array(words[corners_end:], np.float64).astype(np.int64), face_count)
    except (ValueError, IndexError, OverflowError):
        raise BadMeshError("is damaged: its numbers do not fit its header") from None
    return vertices, faces


def _words(path: Path) -> list[str]:
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    return [word for line in lines for word in line.partition("#")[0].split()]


def _fans(numbers: np.ndarray, face_count: int) -> np.ndarray:
    """Triangles from `n i_1 ... i_n` per face; what colours follow the indices of a face cannot be told apart."""
    if face_count and len(numbers) == 4 * face_count and (numbers[::4] == 3).all():
        return numbers.reshape(face_count, 4)[:, 1:].astype(np.int32)
    triangles, position = [], 0
    for _ in range(face_count):
        corners = numbers[position + 1 : position + 1 + int(numbers[position])]
        if len(corners) < numbers[position] or numbers[position] < 0:
            raise ValueError("a face is cut off")
        triangles += [(corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)]
        position += 1 + len(corners)
    return np.array(triangles, np.int32).reshape(-1, 3)


def read_binvox(path: Path) -> np.ndarray:
    """Occupied voxels bool [X, Y, Z] of a binvox file, in the axes of its mesh. Raises BadMeshError."""
    content = path.read_bytes()
    header, mark, body = content.partition(b"\ndata\n")
    lines = header.decode("ascii", errors="replace").splitlines()
    if not mark or not lines[0].startswith("#binvox"):
        raise BadMeshError("is no binvox file: it does not start with #binvox")
    sides = next(([int(word) for word in line.split()[1:]] for line in lines if line.startswith("dim ")), [])
    if len(sides) != 3 or min(sides) < 1 or max(sides) > 2048:
        raise BadMeshError(f"has the sides {sides}; expected three numbers up to 2048")
    runs = np.frombuffer(body[: len(body) // 2 * 2], np.uint8).reshape(-1, 2)
    if int(runs[:, 1].sum(dtype=np.int64)) != sides[0] * sides[1] * sides[2]:
        raise BadMeshError("is damaged: its runs do not fill the grid")
    values = np.repeat(runs[:, 0] > 0, runs[:, 1])
    return values.reshape(sides[0], sides[1], sides[2]).transpose(0, 2, 1)  # stored x, z, y with y fastest
