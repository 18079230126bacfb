# SPDX-License-Identifier: Apache-2.0
"""Analytic solids and how they are painted into a boolean grid; numpy only, so that Blender's Python can use it too.

Every part of every procedural shape is one kind of solid: a *sweep*. Its section, a rectangle or a superellipse, moves
along one axis while its centre and its half sizes follow piecewise linear curves. That covers boxes, tapered and
splayed legs, leaning backs, cylinders, ellipsoids, profiles of revolution and rounded boxes, and because the two
section axes separate, a sweep is evaluated only in its bounding box from two small 2D tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

RECTANGLE = float("inf")
"""Exponent of a section that is a rectangle; 2 is an ellipse, values between are rounded rectangles."""

SECTION_AXES = ((1, 2), (0, 2), (0, 1))
"""The two axes of the section of a sweep along x, y and z."""

_ANGLES = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)


@dataclass(frozen=True, slots=True)
class Sweep:
    """A section that moves along an axis, in world units.

    axis: 0, 1 or 2. along: [K] increasing positions on it. centre, half: [K, 2] centre and half sizes of the section
    on the two other axes, in their order. exponent: of the superellipse |u|^p + |v|^p <= 1, `RECTANGLE` for a
    rectangle. cut: takes the solid away from what was painted before it instead of adding it. material: what it is
    made of, where the class has colours; it changes no shape.
    """

    axis: int
    along: NDArray[np.float64]
    centre: NDArray[np.float64]
    half: NDArray[np.float64]
    exponent: float = RECTANGLE
    cut: bool = False
    material: str = ""

    def mirrored(self) -> Sweep:
        """Return the solid mirrored left to right (x becomes -x)."""
        if self.axis == 0:
            return replace(self, along=-self.along[::-1], centre=self.centre[::-1], half=self.half[::-1])
        return replace(self, centre=self.centre * np.array([-1.0, 1.0]))

    def as_cut(self) -> Sweep:
        """Return the same solid as something to take away."""
        return replace(self, cut=True)

    def of(self, material: str) -> Sweep:
        """Return the same solid made of something."""
        return replace(self, material=material)

    def distance(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far points [N, 3] are outside of the surface, negative inside.

        Exact where the sections are rectangles that do not change; elsewhere to first order: the distance within the
        section, along the ray from its middle where it is a superellipse, shortened by how fast the section grows.
        """
        place = points[:, self.axis]
        beyond = np.maximum(self.along[0] - place, place - self.along[-1])
        step = np.clip(place, self.along[0], self.along[-1])
        sides = SECTION_AXES[self.axis]
        centre = np.stack([np.interp(step, self.along, self.centre[:, side]) for side in (0, 1)], 1)
        half = np.stack([np.interp(step, self.along, self.half[:, side]) for side in (0, 1)], 1)
        half = np.maximum(half, 1e-9)
        offset = np.abs(points[:, sides] - centre)
        if self.exponent == RECTANGLE:
            over = offset - half
            across = np.linalg.norm(np.maximum(over, 0.0), axis=1) + np.minimum(over.max(axis=1), 0.0)
        else:
            share = offset / half
            largest = np.maximum(share.max(axis=1), 1e-9)  # taken out before the powers, which would overflow
            share = largest * (((share / largest[:, None]) ** self.exponent).sum(axis=1)) ** (1.0 / self.exponent)
            across = np.linalg.norm(offset, axis=1) * (1.0 - 1.0 / np.maximum(share, 1e-9))
            across = np.where(share < 1e-6, -half.min(axis=1), across)
        across = across / self._steepness(step)
        outside = np.hypot(np.maximum(across, 0.0), np.maximum(beyond, 0.0))
        return outside + np.minimum(np.maximum(across, beyond), 0.0)

    def _steepness(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        """How much longer a step from section to section is on the surface than along the axis, at places [N]."""
        change = np.abs(np.diff(self.half, axis=0)) + np.abs(np.diff(self.centre, axis=0))
        slopes = change.max(axis=1) / np.maximum(np.diff(self.along), 1e-9)
        piece = np.clip(np.searchsorted(self.along, place, side="right") - 1, 0, len(slopes) - 1)
        return np.hypot(1.0, slopes[piece])

    def outline(self) -> NDArray[np.float64]:
        """Return points [P, 3] on the outline of every section: their hull is the hull of the solid."""
        cos, sin = np.cos(_ANGLES), np.sin(_ANGLES)
        if self.exponent == RECTANGLE:
            directions = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
        else:
            stretch = (np.abs(cos) ** self.exponent + np.abs(sin) ** self.exponent) ** (-1.0 / self.exponent)
            directions = np.stack([cos * stretch, sin * stretch], 1)
        section = self.centre[:, None] + self.half[:, None] * directions  # [K, P, 2]
        points = np.empty((*section.shape[:2], 3))
        points[..., self.axis] = self.along[:, None]
        points[..., SECTION_AXES[self.axis][0]] = section[..., 0]
        points[..., SECTION_AXES[self.axis][1]] = section[..., 1]
        return points.reshape(-1, 3)

    def placed(self, offset: NDArray[np.float64], scale: float) -> Sweep:
        """Return the solid moved by `-offset` [3] and then scaled about the origin."""
        section = offset[list(SECTION_AXES[self.axis])]
        return replace(
            self,
            along=(self.along - offset[self.axis]) * scale,
            centre=(self.centre - section) * scale,
            half=self.half * scale,
        )


def box(low: Sequence[float], high: Sequence[float]) -> Sweep:
    """Return the axis-aligned box between two corners (x, y, z)."""
    return sweep(2, (low[2], high[2]), [_middle(low, high)] * 2, [_half(low, high)] * 2)


def pillow(low: Sequence[float], high: Sequence[float], rounding: float = 0.03, exponent: float = 5.0) -> Sweep:
    """Return a box with rounded vertical edges and the upper and lower rims rounded over `rounding`."""
    rounding = min(rounding, 0.5 * (high[2] - low[2]))
    turn = np.linspace(0.0, 0.5 * np.pi, 5)
    inset = rounding * (1.0 - np.sin(turn))
    rise = rounding * (1.0 - np.cos(turn))
    along = np.concatenate([low[2] + rise, high[2] - rise[::-1]])
    inset = np.concatenate([inset, inset[::-1]])
    half = np.asarray(_half(low, high))[None] - inset[:, None]
    return sweep(2, along, [_middle(low, high)] * len(along), half, exponent)


def post(
    foot: Sequence[float],
    head: Sequence[float],
    half_foot: float | tuple[float, float],
    half_head: float | tuple[float, float] | None = None,
    exponent: float = RECTANGLE,
) -> Sweep:
    """Return a bar that rises from `foot` to `head` (x, y, z) with horizontal sections: splayed where they differ."""
    half_head = half_foot if half_head is None else half_head
    halves = [(h, h) if isinstance(h, (int, float)) else h for h in (half_foot, half_head)]
    return sweep(2, (foot[2], head[2]), [foot[:2], head[:2]], halves, exponent)


def rail(
    start: Sequence[float], end: Sequence[float], half: float | tuple[float, float], exponent: float = RECTANGLE
) -> Sweep:
    """Return a bar between two points (x, y, z) along x or y, whichever is longer; `half`: of its section."""
    axis = 0 if abs(end[0] - start[0]) >= abs(end[1] - start[1]) else 1
    if end[axis] < start[axis]:
        start, end = end, start
    u, v = SECTION_AXES[axis]
    halves = [(half, half) if isinstance(half, (int, float)) else half] * 2
    return sweep(axis, (start[axis], end[axis]), [(start[u], start[v]), (end[u], end[v])], halves, exponent)


def turned(
    heights: Sequence[float] | NDArray[np.float64],
    radii: Sequence[float] | NDArray[np.float64],
    centres: Sequence[Sequence[float]] | NDArray[np.float64] = ((0.0, 0.0),),
    stretch: float = 1.0,
    exponent: float = 2.0,
) -> Sweep:
    """Return a profile of revolution about a vertical line, or about a bent one where `centres` [K, 2] differ.

    stretch: half size along y over half size along x.
    """
    radii = np.asarray(radii, float)
    centre = np.broadcast_to(np.asarray(centres, float), (len(radii), 2))
    return sweep(2, heights, centre, np.stack([radii, radii * stretch], 1), exponent)


def sweep(
    axis: int,
    along: Sequence[float] | NDArray[np.float64],
    centre: Sequence[Sequence[float]] | NDArray[np.float64],
    half: Sequence[Sequence[float]] | NDArray[np.float64],
    exponent: float = RECTANGLE,
) -> Sweep:
    """Return the general solid from anything array-like; see `Sweep` for the arguments."""
    return Sweep(axis, np.asarray(along, float), np.asarray(centre, float), np.asarray(half, float), exponent)


def both_sides(*solids: Sweep) -> list[Sweep]:
    """Return every solid and its mirror image."""
    return [*solids, *(solid.mirrored() for solid in solids)]


def fit_to_ball(solids: list[Sweep], radius: float) -> list[Sweep]:
    """Return the solids with their common bounding box centred on the origin and their farthest point at `radius`."""
    points = np.concatenate([solid.outline() for solid in solids if not solid.cut])
    low, high = points.min(0), points.max(0)
    centre = 0.5 * (low + high)
    scale = radius / np.sqrt(((points - centre) ** 2).sum(1).max())
    return [solid.placed(centre, float(scale)) for solid in solids]


def nearest_surface(solids: list[Sweep], points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number of the solid whose surface each of the points [N, 3] lies on: the nearest one's, cuts included;
    where two are equally near, the later one's."""
    distances = np.stack([np.abs(solid.distance(points)) for solid in solids[::-1]])
    return len(solids) - 1 - distances.argmin(axis=0)


def paint(solids: list[Sweep], resolution: int) -> NDArray[np.bool_]:
    """Return the grid [X, Y, Z] that is true where a voxel's centre lies inside the solids, painted in order."""
    grid = np.zeros((resolution,) * 3, dtype=bool)
    centres = (np.arange(resolution) + 0.5) / resolution - 0.5
    for solid in solids:
        _paint_one(grid, centres, solid)
    return grid


def _paint_one(grid: NDArray[np.bool_], centres: NDArray[np.float64], solid: Sweep) -> None:
    # Evaluates only inside the bounding box of the solid.
    first, last = np.searchsorted(centres, (solid.along[0], solid.along[-1]))
    if first == last:
        return
    steps = centres[first:last]
    sections, slices = [], [slice(first, last)]
    for side in (0, 1):
        middle = np.interp(steps, solid.along, solid.centre[:, side])
        half = np.maximum(np.interp(steps, solid.along, solid.half[:, side]), 1e-9)
        begin = int(np.searchsorted(centres, (middle - half).min()))
        end = int(np.searchsorted(centres, (middle + half).max(), side="right"))
        if begin >= end:
            return
        slices.append(slice(begin, end))
        sections.append(np.abs(centres[begin:end] - middle[:, None]) / half[:, None])  # [steps, voxels]
    if solid.exponent == RECTANGLE:
        inside = (sections[0] <= 1.0)[:, :, None] & (sections[1] <= 1.0)[:, None, :]
    else:
        powers = [section**solid.exponent for section in sections]
        inside = powers[0][:, :, None] + powers[1][:, None, :] <= 1.0
    target = np.moveaxis(grid, solid.axis, 0)[tuple(slices)]
    if solid.cut:
        target &= ~inside
    else:
        target |= inside


def _middle(low: Sequence[float], high: Sequence[float]) -> tuple[float, float]:
    return (0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]))


def _half(low: Sequence[float], high: Sequence[float]) -> tuple[float, float]:
    return (0.5 * (high[0] - low[0]), 0.5 * (high[1] - low[1]))
