# SPDX-License-Identifier: Apache-2.0
"""Photographs made plain: what a renderer of one matt material cannot show is taken out of the shading.

A generator imitates highlights, spots and stems by bumps and holes, and a fruit's colour by its roughness, for shape
is all that it has. So every photo gets one light side, one tone and one contrast, and its shading is smoothed and
limited around a smooth base. Outlines (alpha) are not touched.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from unrender.data.photo_shading import MIRROR, inflate, robust_shading, shading_terms
from unrender.geometry.conventions import linear_to_srgb, srgb_to_linear

Unify = Literal["ratio", "additive", "none"]


@dataclass(frozen=True, slots=True)
class CleanUpSettings:
    """How far photographs are made plain; lengths are in pixels of a 64-pixel image and grow with its size."""

    rim_pixels: float = 2.0  # of the object's edge, whose colour is mixed with the background's and is not used
    align_light: bool = True  # mirror photos that are lit from the left, so that all are lit from the right
    brighter_limit: float = 0.05  # of relative deviations above the base: highlights, light spots; 0 removes them
    darker_limit: float = 0.2  # of relative deviations below the base: furrows between ribs, but also stems
    broad_pixels: float = 5.0  # sigma of the high-pass of what deviates from the base; 0 for none
    smooth_pixels: float = 0.8  # sigma of the low-pass of what deviates from the base; 0 for none
    unify_mean: Unify = "ratio"  # "ratio" is an albedo, "additive" is the paper's, "none" keeps tone and contrast
    mean: float = 0.5  # of every photo inside the mask, in linear light
    contrast: float | None = 0.32  # standard deviation over mean of every photo's base ("ratio" only); None keeps it
    most_gain: float = 2.0  # by which contrast is raised
    relight: float = 0.5  # 0 keeps each photo's light, 1 gives all photos the light that is their median


def suppress_texture(
    images: Float[Tensor, "N 2 H W"], settings: CleanUpSettings | None = None, encoding: str = "linear"
) -> Float[Tensor, "N 2 H W"]:
    """Make photographs plain, as `settings` says; luminance premultiplied by alpha in, and out, in their encoding.

    Each photo is divided, in linear light, into the shading of a matt body with its outline (the base) and what
    deviates from that (the detail). The bases get one mean, one contrast and, in part, one light; the detail is
    smoothed and limited; photos lit from the left are mirrored. Images without an object come back as they are.
    """
    settings = settings or CleanUpSettings()
    alpha = images[:, 1].numpy()
    straight = images[:, 0].numpy() / np.maximum(alpha, 1e-3)
    if encoding == "srgb":
        straight = srgb_to_linear(torch.from_numpy(straight)).numpy()
    chosen = np.flatnonzero((alpha > 0.5).any(axis=(1, 2)))
    if not len(chosen):
        return images.clone()
    scale = images.shape[-1] / 64.0
    photos = [_fit_photo(straight[index], alpha[index], settings.rim_pixels * scale) for index in chosen]
    toned, gains = _unify(photos, settings)
    left = np.array([settings.align_light and photo.coefficients[1] < 0 for photo in photos])
    mirror = np.where(left[:, None], MIRROR, 1.0)
    # The common light is that of the photos after mirroring; each photo gets it as seen before.
    common = np.median(toned * mirror, axis=0) * mirror
    relit = toned + settings.relight * (common - toned)
    result = images.numpy().copy()
    for place, index in enumerate(chosen):
        shading = _plain_shading(straight[index], photos[place], relit[place], float(gains[place]), settings, scale)
        if encoding == "srgb":
            shading = linear_to_srgb(torch.from_numpy(shading)).numpy()
        result[index, 0] = shading * alpha[index]
        if left[place]:
            result[index] = result[index, :, :, ::-1].copy()
    return torch.from_numpy(result)


@dataclass(frozen=True, slots=True)
class _Photo:
    """What is known of one photo's base."""

    normal: NDArray[np.float32]  # [H, W, 3]
    core: NDArray[np.bool_]  # [H, W], deeper than the rim
    coefficients: NDArray[np.float64]  # [9], of its shading
    term_mean: NDArray[np.float64]  # [9], of the shading terms inside the mask
    term_covariance: NDArray[np.float64]  # [9, 9]


def _fit_photo(straight: Float[np.ndarray, "H W"], alpha: Float[np.ndarray, "H W"], rim: float) -> _Photo:
    inside = alpha > 0.5
    deep = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1] > rim
    core = deep if deep.any() else inside  # an object that is all rim
    normal = inflate(inside)
    terms = shading_terms(normal)
    return _Photo(
        normal=normal.astype(np.float32),
        core=core,
        coefficients=robust_shading(straight, core, terms),
        term_mean=terms[inside].mean(axis=0),
        term_covariance=np.cov(terms[inside], rowvar=False, bias=True),
    )


def _unify(photos: list[_Photo], settings: CleanUpSettings) -> tuple[Float[np.ndarray, "P 9"], Float[np.ndarray, " P"]]:
    """The bases' coefficients with one mean, and one contrast, inside every mask; and how much contrast was raised."""
    coefficients = np.stack([photo.coefficients for photo in photos])
    gains = np.ones(len(photos))
    if settings.unify_mean == "none":
        return coefficients, gains
    means = np.array([photo.term_mean @ photo.coefficients for photo in photos])
    constant = np.eye(9)[0]  # the first shading term is 1
    if settings.unify_mean == "additive":
        return coefficients + (settings.mean - means)[:, None] * constant, gains
    means = np.maximum(means, 1e-6)
    relative = coefficients / means[:, None] - constant
    if settings.contrast is not None:
        variances = [c @ photo.term_covariance @ c for c, photo in zip(relative, photos, strict=True)]
        # A flat photo has no shading to strengthen, only noise.
        gains = np.clip(settings.contrast / np.sqrt(np.maximum(variances, 1e-12)), 0.2, settings.most_gain)
    return settings.mean * (constant + gains[:, None] * relative), gains


def _plain_shading(
    straight: Float[np.ndarray, "H W"],
    photo: _Photo,
    coefficients: Float[np.ndarray, " 9"],
    gain: float,
    settings: CleanUpSettings,
    scale: float,
) -> Float[np.ndarray, "H W"]:
    """One photo's base under its new coefficients, with its detail limited and smoothed."""
    terms = shading_terms(photo.normal.astype(np.float64))
    base = terms @ photo.coefficients
    # Nothing in a photo is black; below that a relative detail means nothing.
    base = np.maximum(base, 0.1 * max(float(base[photo.core].mean()), 1e-6))
    # Contrast that is lowered lowers the detail too; raised contrast must not raise what is left of a highlight.
    ratio = np.where(photo.core, np.log(np.maximum(straight / base, 1e-3)) * min(gain, 1.0), 0.0)
    detail = compress(ratio, settings.brighter_limit, settings.darker_limit)
    if settings.broad_pixels > 0:
        # What is broad is colour (a yellow shoulder, rot), what is narrow may be a furrow between ribs. Limited first:
        # a highlight would leave a dark ring.
        sigma = settings.broad_pixels * scale
        share = np.maximum(ndimage.gaussian_filter(photo.core.astype(np.float64), sigma), 1e-9)
        detail = detail - ndimage.gaussian_filter(detail, sigma) / share
    # Beyond the core each pixel has the detail of the core's nearest one.
    nearest = ndimage.distance_transform_edt(~photo.core, return_distances=False, return_indices=True)
    detail = ndimage.gaussian_filter(detail[tuple(nearest)], settings.smooth_pixels * scale)
    return np.clip((terms @ coefficients) * np.exp(detail), 0.0, 1.0)


def compress(detail: Float[np.ndarray, "*shape"], above: float, below: float) -> Float[np.ndarray, "*shape"]:
    """Relative detail, softly limited to `above` over nought and to `below` under it; a limit of 0 removes it."""
    limit = np.where(detail > 0, above, below)
    return np.where(limit > 0, limit * np.tanh(detail / np.maximum(limit, 1e-9)), 0.0)
