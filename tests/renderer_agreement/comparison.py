# SPDX-License-Identifier: Apache-2.0
"""Where and how far a rendered picture departs from its reference."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from tests.renderer_agreement.rays import Reference, Viewpoint

_NEIGHBOURS = np.ones((3, 3), bool)
_STEEPEST = 0.25  # cosine: a surface is compared where it is seen at less than 75 degrees
_ROUNDEST = np.cos(np.radians(15.0))  # between pixels that touch: what bends more is an edge


@dataclass(frozen=True, slots=True)
class Departure:
    """lacking, excess: pixels further than one from the outline that the picture has not, or should not have.

    depth: world units; normal: degrees; both [N] at the pixels whose neighbours show the same smooth part of the
    surface, None where the picture has none. compared: [H, W], which pixels those are.
    """

    lacking: int
    excess: int
    depth: np.ndarray | None
    normal: np.ndarray | None
    compared: np.ndarray


def depart(
    wanted: Reference, alpha: np.ndarray, depth: np.ndarray | None = None, normal: np.ndarray | None = None
) -> Departure:
    """alpha and depth [H, W], normal [H, W, 3], against the reference."""
    covered = alpha > 0.5
    certain = ndimage.binary_erosion(wanted.silhouette, _NEIGHBOURS)
    possible = ndimage.binary_dilation(wanted.silhouette, _NEIGHBOURS)
    if wanted.partly is not None:
        near_outline = ndimage.binary_dilation(wanted.partly, _NEIGHBOURS)
        certain, possible = certain & ~near_outline, possible | near_outline
    compared = certain & smooth_parts(wanted)
    angle = None
    if normal is not None:
        got = normal[compared]
        cosine = (got * wanted.normal[compared]).sum(-1) / np.maximum(np.linalg.norm(got, axis=-1), 1e-9)
        angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    return Departure(
        lacking=int((certain & ~covered).sum()),
        excess=int((covered & ~possible).sum()),
        depth=None if depth is None else np.abs(depth - wanted.depth)[compared],
        normal=angle,
        compared=compared,
    )


def smooth_parts(wanted: Reference) -> np.ndarray:
    """Pixels whose eight neighbours lie on the same smooth surface and see it at a fair angle."""
    normal, depth = wanted.normal, wanted.depth
    alike = np.ones(depth.shape, bool) if wanted.mixed is None else ~wanted.mixed
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        ahead, behind = (np.roll(depth, sign * np.array(shift), (0, 1)) for sign in (1, -1))
        alike &= np.abs(ahead - 2 * depth + behind) < 0.01  # no step, however steep the surface
        for sign in (1, -1):
            alike &= np.roll(wanted.face, sign * np.array(shift), (0, 1)) == wanted.face
            alike &= (np.roll(normal, sign * np.array(shift), (0, 1)) * normal).sum(-1) > _ROUNDEST
    return alike & (normal[..., 2] > _STEEPEST)


def look(cast: Callable[[Viewpoint], Reference], viewpoint: Viewpoint, fineness: int = 3) -> Reference:
    """What the centres of the pixels show, and by `fineness`^2 rays (odd) which pixels show more than one thing: cracks
    and slits may be finer than a pixel, and an average over it sees them."""
    fine = cast(replace(viewpoint, size=viewpoint.size * fineness))
    middle = slice(fineness // 2, None, fineness)
    cover = _blocks(fine.silhouette, fineness)
    return Reference(
        *(image[middle, middle] for image in (fine.silhouette, fine.depth, fine.normal, fine.face)),
        mixed=_blocks(~smooth_parts(fine), fineness).any(axis=-1),
        partly=cover.any(axis=-1) & ~cover.all(axis=-1),
        normals=np.stack([_blocks(fine.normal[..., axis], fineness) for axis in range(3)], axis=-1),
    )


def _blocks(image: np.ndarray, side: int) -> np.ndarray:
    """[H side, W side] to [H, W, side * side]"""
    height, width = image.shape[0] // side, image.shape[1] // side
    return image.reshape(height, side, width, side).transpose(0, 2, 1, 3).reshape(height, width, -1)
