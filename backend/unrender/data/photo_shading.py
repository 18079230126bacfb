# SPDX-License-Identifier: Apache-2.0
"""Shading of an object that is known by its outline: a plump body's normals, and matt shading fitted on them."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import linalg, ndimage

# What mirroring a picture does to the coefficients of `shading_terms`: those odd in u change their sign.
MIRROR = np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0, 1.0])


def inflate(mask: Bool[np.ndarray, "H W"]) -> Float[np.ndarray, "H W 3"]:
    """Camera-frame normals of the plump body with this outline; of the nearest place of it outside the mask.

    Its height is the root of the solution of Poisson's equation with nought on the outline: exactly a sphere over a
    disc and an ellipsoid over an ellipse, and as round as the outline allows elsewhere. The mask must not be empty.
    """
    number = np.full((mask.shape[0] + 2, mask.shape[1] + 2), -1)
    inside = np.pad(mask, 1)
    count = int(mask.sum())
    number[inside] = np.arange(count)
    rows, columns = np.nonzero(inside)
    right, below = number[rows, columns + 1], number[rows + 1, columns]
    own = np.arange(count)
    # The five-point Laplacian as a symmetric band: rows of the lower diagonals, by how far the neighbour's number is.
    band = np.zeros((max(int((below - own).max()), 1) + 1, count))
    band[0] = 4.0
    for other in (right, below):
        linked = other >= 0
        band[other[linked] - own[linked], own[linked]] = -1.0
    squared = np.zeros(number.shape)
    squared[inside] = linalg.solveh_banded(band, np.full(count, 4.0), lower=True, check_finite=False)
    # With height z and z^2 = f the gradient of z is that of f over 2 z; a rim pixel's centre lies within the outline.
    slope_down, slope_right = np.gradient(squared)
    normal = np.stack([-slope_right, slope_down, 2.0 * np.sqrt(np.maximum(squared, 0.0))], axis=2)[1:-1, 1:-1]
    normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-9)
    nearest = ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)
    return normal[tuple(nearest)]


def robust_shading(
    luminance: Float[np.ndarray, "H W"],
    core: Bool[np.ndarray, "H W"],
    terms: Float[np.ndarray, "H W 9"],
    rounds: int = 8,
) -> Float[np.ndarray, " 9"]:
    """Coefficients of the matt shading (`shading_terms`) that comes closest to a photo.

    Least squares, reweighted (Welsch) so that highlights, spots and stems do not count.
    """
    inside, observed = terms[core], luminance[core]
    level = max(float(np.median(observed)), 1e-6)
    weight = np.ones(len(observed))
    coefficients = np.zeros(9)
    for _ in range(rounds):
        # The ridge holds back what the core's pixels say nothing of.
        weighted = inside * weight[:, None]
        gram = weighted.T @ inside + np.diag([0.0, *[1e-3 * weight.sum()] * 8])
        coefficients = np.linalg.solve(gram, weighted.T @ observed)
        difference = observed - inside @ coefficients
        spread = max(1.4826 * float(np.median(np.abs(difference))), 0.02 * level)
        # A highlight is no shading at all; what is darker may still be the unlit side.
        weight = np.exp(-0.5 * (difference / (np.where(difference > 0, 2.0, 2.5) * spread)) ** 2)
    return coefficients


def shading_terms(normal: Float[np.ndarray, "H W 3"]) -> Float[np.ndarray, "H W 9"]:
    """Spherical harmonics up to degree two, unnormalised: they hold 99% of Lambertian shading under distant light.

    Basri and Jacobs, "Lambertian reflectance and linear subspaces", 2003.
    """
    u, v, w = np.moveaxis(normal, 2, 0)
    return np.stack([np.ones_like(u), u, v, w, u * v, u * w, v * w, u**2 - v**2, 3 * w**2 - 1], axis=2)
