# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of meshes by numpy alone: previews need neither a GPU nor a display. Pure numpy, no bpy.

Every triangle is covered with points closer together than a pixel; the nearest point wins each pixel. The picture is
made twice as large in each direction and averaged, which smooths the outline.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

OVERSAMPLING = 2
POINTS_PER_PIXEL = 1.3
AZIMUTH_RADIANS = math.radians(35.0)
ELEVATION_RADIANS = math.radians(24.0)
MARGIN = 1.08
KEY_LIGHT = (-0.45, 0.65, 0.62)  # camera frame: x right, y up, z towards the camera
FILL_LIGHT = (0.75, 0.15, 0.6)
AMBIENT = 0.16
CLAY = (0.60, 0.29, 0.16)  # linear


@dataclass(frozen=True, slots=True, eq=False)
class Skin:
    """The picture on F faces. corner_uv [F, 3, 2]: u right, v up; picture uint8 [H, W, 3] sRGB, row 0 at the top."""

    corner_uv: np.ndarray
    picture: np.ndarray


def shade_preview(vertices: np.ndarray, faces: np.ndarray, size: int = 128, skin: Skin | None = None) -> np.ndarray:
    """A three-quarter view of the mesh: [size, size, 4] float32 sRGB, straight alpha, row 0 at the top.

    Args:
        vertices: [N, 3], Z up.
        faces: [F, 3], anticlockwise seen from outside.
        size: pixels.
        skin: is shown as it is, for light is painted into it; None for lit clay.
    """
    fine = size * OVERSAMPLING
    projected = _project(np.asarray(vertices, np.float64), fine)
    normals = _vertex_normals(projected, faces)
    attributes = normals[faces] if skin is None else skin.corner_uv
    points, point_attributes = _cover(projected, attributes, faces)
    image = np.zeros((fine * fine, 4))
    pixel = np.clip(points[:, 1].astype(int), 0, fine - 1) * fine + np.clip(points[:, 0].astype(int), 0, fine - 1)
    order = np.argsort(points[:, 2], kind="stable")  # the nearest is written last
    nearest = np.full(fine * fine, -1)
    nearest[pixel[order]] = order
    covered = nearest >= 0
    seen = point_attributes[nearest[covered]]
    image[covered, :3] = _light(seen) if skin is None else _look_up(skin.picture, seen)
    image[covered, 3] = 1.0
    return _reduce(image.reshape(fine, fine, 4), size)


def _project(vertices: np.ndarray, size: int) -> np.ndarray:
    """Pixel x, pixel y (down), and depth towards the camera, in pixels."""
    ca, sa, ce, se = (
        math.cos(AZIMUTH_RADIANS), math.sin(AZIMUTH_RADIANS), math.cos(ELEVATION_RADIANS), math.sin(ELEVATION_RADIANS)
    )  # fmt: skip
    camera = np.array([[ca, sa, 0.0], [-se * sa, se * ca, ce], [sa * ce, -ca * ce, se]])
    seen = vertices @ camera.T
    low, high = seen.min(axis=0), seen.max(axis=0)
    scale = size / (MARGIN * max(float((high - low)[:2].max()), 1e-9))
    seen = (seen - (low + high) / 2) * scale
    return np.stack([size / 2 + seen[:, 0], size / 2 - seen[:, 1], seen[:, 2]], axis=1)


def _vertex_normals(projected: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit normals in the camera frame, averaged over the faces around each vertex by area."""
    corners = projected[faces] * np.array([1.0, -1.0, 1.0])
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(projected)
    for axis in range(3):  # np.add.at would take most of the time of a preview
        weights = np.repeat(face_normals[:, axis], 3)
        normals[:, axis] = np.bincount(faces.ravel(), weights, len(projected))
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _cover(projected: np.ndarray, attributes: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points on all triangles that face the camera, and what corners [F, 3, K] have there, [P, K].

    Faces of one size are handled together.
    """
    corners = projected[faces]
    edges = (corners - np.roll(corners, 1, axis=1))[:, :, :2]
    steps = np.ceil(np.sqrt((edges**2).sum(axis=2)).max(axis=1) * POINTS_PER_PIXEL).astype(int) + 1
    turned = edges[:, 1, 0] * edges[:, 2, 1] - edges[:, 1, 1] * edges[:, 2, 0]
    steps = np.where(
        turned < 0, 2 ** np.ceil(np.log2(steps)).astype(int), 0
    )  # y points down: front faces turn the other way
    points, point_attributes = [], []
    for count in np.unique(steps[steps > 0]):
        chosen = steps == count
        weights = _barycentric_grid(int(count))
        points.append(_combine(weights, projected[faces[chosen]]))
        point_attributes.append(_combine(weights, attributes[chosen]))
    if not points:
        return np.zeros((0, 3)), np.zeros((0, attributes.shape[2]))
    return np.concatenate(points), np.concatenate(point_attributes)


def _combine(weights: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """[P F, K] from weights [P, 3] and what the corners have, [F, 3, K]: a product of matrices is the quickest way."""
    return (weights @ corners.transpose(1, 0, 2).reshape(3, -1)).reshape(-1, corners.shape[2])


def _barycentric_grid(count: int) -> np.ndarray:
    """Weights [P, 3] of a regular grid of points in a triangle, `count` steps along each edge."""
    first, second = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
    inside = first + second <= count
    a, b = first[inside] / count, second[inside] / count
    return np.stack([a, b, 1.0 - a - b], axis=1)


def _light(normals: np.ndarray) -> np.ndarray:
    """sRGB of clay under two lights."""
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    key = np.array(KEY_LIGHT) / np.linalg.norm(KEY_LIGHT)
    fill = np.array(FILL_LIGHT) / np.linalg.norm(FILL_LIGHT)
    light = AMBIENT + 0.8 * np.clip(normals @ key, 0, None) + 0.25 * np.clip(normals @ fill, 0, None)
    linear = np.clip(light[:, None] * np.array(CLAY), 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _look_up(picture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """The colours [P, 3] in [0, 1] of the pixels that places [P, 2] lie in."""
    height, width = picture.shape[:2]
    column = np.clip((uv[:, 0] * width).astype(int), 0, width - 1)
    row = np.clip(((1.0 - uv[:, 1]) * height).astype(int), 0, height - 1)
    return picture[row, column] / 255.0


def _reduce(image: np.ndarray, size: int) -> np.ndarray:
    """Average blocks of pixels; colour counts only where something covers the pixel."""
    blocks = image.reshape(size, OVERSAMPLING, size, OVERSAMPLING, 4)
    alpha = blocks[..., 3].mean(axis=(1, 3))
    colour = (blocks[..., :3] * blocks[..., 3:]).mean(axis=(1, 3)) / np.maximum(alpha, 1e-9)[..., None]
    return np.concatenate([colour, alpha[..., None]], axis=2).astype(np.float32)
