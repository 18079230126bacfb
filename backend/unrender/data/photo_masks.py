# SPDX-License-Identifier: Apache-2.0
"""Masks of objects photographed on a plain background.

The background is whatever can be reached from the border of the photo through pixels of the border's colour. White
paper is the usual case (a pixel is background where min(R, G, B) >= 235), but any plain colour will do, and a paper
that is lit unevenly too: the colour is fitted as a plane over the photo.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray
from scipy import ndimage

NOT_PLAIN = "the background is not plain"
NOTHING = "nothing but background"
SEVERAL = "more than one object"
FAULTS = (NOT_PLAIN, NOTHING, SEVERAL)


@dataclass(frozen=True, slots=True)
class MaskSettings:
    """How a photo is divided into object and background."""

    tolerance: float = 20.0  # levels of 255 by which a channel of a background pixel may differ from the background
    erode_pixels: int = 1  # JPEG leaves a rim of mixed colours, 1 to 2 pixels wide
    smallest_part: float = 0.0  # thickness, as a share of the object's larger side; thinner parts (stems) are cut off
    least_border_share: float = 0.4  # of the border's pixels that must be background, else it is not plain
    least_object_share: float = 0.01  # of the photo's pixels
    most_second_share: float = 0.5  # of the largest component's pixels that a second component may have


@dataclass(frozen=True, slots=True)
class PhotoMask:
    """Where the object is, and what is wrong with that answer (an empty `fault` where nothing is)."""

    mask: NDArray[np.bool_]  # [H, W]
    background: tuple[float, float, float]  # mean colour of the background, 0 to 255
    fault: str


def mask_photo(rgb: UInt8[np.ndarray, "H W 3"], settings: MaskSettings | None = None) -> PhotoMask:
    """Find the one object on a plain background.

    Flood fill from the border through pixels of the background's colour, the largest component of what remains, its
    holes filled, eroded by `erode_pixels`. Never raises for a bad photo: `fault` says why the mask is not to be used.
    """
    settings = settings or MaskSettings()
    background = fit_background(rgb)
    plain = (np.abs(rgb.astype(np.float32) - background).max(axis=2)) <= settings.tolerance
    colour = tuple(float(c) for c in background.mean(axis=(0, 1)))
    mean_colour = (colour[0], colour[1], colour[2])
    if plain[_border(plain.shape)].mean() < settings.least_border_share:
        return PhotoMask(np.zeros(plain.shape, bool), mean_colour, NOT_PLAIN)
    outside = _reachable_from_border(plain)
    components, count = ndimage.label(~outside)
    if count == 0:
        return PhotoMask(np.zeros(plain.shape, bool), mean_colour, NOTHING)
    sizes = np.bincount(components.ravel())[1:]
    largest = ndimage.binary_fill_holes(components == int(sizes.argmax()) + 1)
    if settings.smallest_part > 0:
        largest = _without_thin_parts(largest, settings.smallest_part)
    if settings.erode_pixels:
        # Beyond the photo's edge counts as object: an object that is cut off there has no rim on that side.
        largest = ndimage.binary_erosion(largest, iterations=settings.erode_pixels, border_value=1)
    fault = ""
    if largest.mean() < settings.least_object_share:
        fault = NOTHING
    elif count > 1 and np.partition(sizes, -2)[-2] > settings.most_second_share * sizes.max():
        fault = SEVERAL
    return PhotoMask(largest, mean_colour, fault)


def fit_background(rgb: UInt8[np.ndarray, "H W 3"], iterations: int = 8) -> Float[np.ndarray, "H W 3"]:
    """The background's colour at every pixel, 0 to 255: a plane per channel, fitted to the photo's border.

    Robust: starts at the border's most frequent colour and keeps what lies near, so that objects may touch the border.
    """
    height, width = rgb.shape[:2]
    border = _border((height, width))
    rows, columns = np.nonzero(border)
    colours = rgb[border].astype(np.float32)  # [N, 3]
    # The most frequent colour: quantised to 16 levels a channel, and the median of that cell.
    cells = (colours.astype(np.int64) // 16) @ np.array([256, 16, 1])
    _, inverse, counts = np.unique(cells, return_inverse=True, return_counts=True)
    centre = np.median(colours[inverse == counts.argmax()], axis=0)
    positions = np.stack([np.ones(len(rows)), rows / height - 0.5, columns / width - 0.5], axis=1)
    coefficients = np.zeros((3, 3))
    coefficients[0] = centre
    for iteration in range(iterations):
        # The plane may tilt only as far as the pixels near it, and those near them, support it.
        near = np.abs(colours - positions @ coefficients).max(axis=1) <= (24.0 if iteration else 32.0)
        if near.sum() < 16:
            break
        # A little ridge keeps the tilt at nought where the near pixels lie on one side only.
        gram = positions[near].T @ positions[near] + np.diag([0.0, 1.0, 1.0]) * 0.01 * near.sum()
        coefficients = np.linalg.solve(gram, positions[near].T @ colours[near])
    grid_rows, grid_columns = np.meshgrid(
        np.arange(height) / height - 0.5, np.arange(width) / width - 0.5, indexing="ij"
    )
    plane = np.stack([np.ones_like(grid_rows), grid_rows, grid_columns], axis=2) @ coefficients
    return np.clip(plane, 0.0, 255.0).astype(np.float32)


def _without_thin_parts(mask: Bool[np.ndarray, "H W"], share: float) -> Bool[np.ndarray, "H W"]:
    """The mask opened by a disc whose diameter is that share of its box's larger side; as it was if nothing is left."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    radius = share * max(rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]) / 2.0
    # Beyond the photo's edge the object goes on as it is at the edge: an object cut off there keeps its corners.
    margin = int(np.ceil(radius)) + 1
    padded = np.pad(mask, margin, mode="edge")
    deep = ndimage.distance_transform_edt(padded) > radius
    if not deep.any():
        return mask
    opened = ndimage.distance_transform_edt(~deep) <= radius
    components, count = ndimage.label(opened[margin:-margin, margin:-margin] & mask)
    if count == 0:
        return mask
    return np.asarray(components == int(np.bincount(components.ravel())[1:].argmax()) + 1)


def _border(shape: tuple[int, ...]) -> Bool[np.ndarray, "H W"]:
    """The photo's outermost two pixels."""
    border = np.ones((shape[0], shape[1]), bool)
    border[2:-2, 2:-2] = False
    return border


def _reachable_from_border(plain: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """The plain pixels that are connected to the border through plain pixels (4 neighbours)."""
    labels, count = ndimage.label(plain)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    reached = np.zeros(count + 1, bool)
    reached[edge] = True
    reached[0] = False
    return reached[labels]
