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
from jaxtyping import Bool, Float
from scipy import ndimage
from torch import Tensor

from unrender.geometry.conventions import linear_to_srgb, srgb_to_linear

Unify = Literal["ratio", "additive", "none"]


@dataclass(frozen=True, slots=True)
class CleanUpSettings:
    """How far photographs are made plain; lengths are in pixels of a 64-pixel image and grow with its size."""

    rim_pixels: float = 2.0  # of the object's edge, whose colour is mixed with the background's and is not used
    align_light: bool = True  # mirror photos that are lit from the left, so that all are lit from the right
    brighter_limit: float = 0.06  # of relative deviations above the base: highlights, light spots; 0 removes them
    darker_limit: float = 0.25  # of relative deviations below the base: furrows between ribs, but also stems
    smooth_pixels: float = 0.8  # sigma of the low-pass of what deviates from the base; 0 for none
    unify_mean: Unify = "ratio"  # "ratio" is an albedo, "additive" is the paper's, "none" keeps tone and contrast
    mean: float = 0.5  # of every photo inside the mask, in linear light
    contrast: float | None = 0.32  # standard deviation over mean of every photo's base ("ratio" only); None keeps it
    most_gain: float = 2.0  # by which contrast is raised


def suppress_texture(
    images: Float[Tensor, "N 2 H W"], settings: CleanUpSettings | None = None, encoding: str = "linear"
) -> Float[Tensor, "N 2 H W"]:
    """Make photographs plain, as `settings` says; luminance premultiplied by alpha in, and out, in their encoding.

    All steps are in linear light: the base of each photo by a robust low-pass inside its mask; deviations from it
    compressed to `detail_limit` (a highlight or a stem is limited, a rib is kept); a low-pass; mean and contrast
    unified; light aligned. Images without an object come back as they are.
    """
    settings = settings or CleanUpSettings()
    array = images.numpy().astype(np.float64)
    alpha = array[:, 1]
    straight = array[:, 0] / np.maximum(alpha, 1e-3)
    if encoding == "srgb":
        straight = srgb_to_linear(torch.from_numpy(straight)).numpy()
    scale = images.shape[-1] / 64.0
    core = _core(alpha, settings.rim_pixels * scale)
    has_object = core.any(axis=(1, 2))
    inside = alpha > 0.5
    base = robust_base(straight, core)
    toned, gain = _unify(base, inside & has_object[:, None, None], settings)
    # Contrast that is lowered lowers the detail too; raised contrast must not raise what is left of a highlight.
    detail = np.where(core, straight / np.maximum(base, 1e-6) - 1.0, 0.0) * np.minimum(gain, 1.0)
    detail = _compress(detail, settings.brighter_limit, settings.darker_limit)
    detail = _fill_and_smooth(detail, core, settings.smooth_pixels * scale)
    shading = toned * (1.0 + detail)
    shading = np.clip(shading, 0.0, 1.0)
    if encoding == "srgb":
        shading = linear_to_srgb(torch.from_numpy(shading)).numpy()
    result = np.stack([shading * alpha, alpha], axis=1)
    result[~has_object] = array[~has_object]
    if settings.align_light:
        mirrored = lit_from_left(result)
        result[mirrored] = result[mirrored][..., ::-1]
    return torch.from_numpy(np.ascontiguousarray(result, dtype=np.float32))


def robust_base(
    luminance: Float[np.ndarray, "N H W"], core: Bool[np.ndarray, "N H W"], iterations: int = 8
) -> Float[np.ndarray, "N H W"]:
    """The shading of a matt ellipsoid under any distant light that comes closest to each photo, inside its box.

    Nine spherical harmonics of the ellipsoid's normal hold 99% of Lambertian shading (Basri and Jacobs, "Lambertian
    reflectance and linear subspaces", 2003). Least squares, reweighted (Welsch) so that highlights, spots and stems do
    not count. Nought where an image has no core.
    """
    base = np.zeros_like(luminance)
    for index, (values, mask) in enumerate(zip(luminance, core, strict=True)):
        if not mask.any():
            continue
        terms = _shading_terms(mask)  # [H, W, 9]
        inside, observed = terms[mask], values[mask]
        weight = np.ones(len(observed))
        for _ in range(iterations):
            # The ridge holds back what the mask's pixels say nothing of.
            gram = (inside * weight[:, None]).T @ inside + np.diag([0.0, *[1e-3 * weight.sum()] * 8])
            coefficients = np.linalg.solve(gram, (inside * weight[:, None]).T @ observed)
            difference = observed - inside @ coefficients
            level = max(float(np.median(observed)), 1e-6)
            spread = max(1.4826 * float(np.median(np.abs(difference))), 0.02 * level)
            # Highlights are brighter than any matt surface; what is darker may be the unlit side.
            weight = np.exp(-0.5 * (difference / (np.where(difference > 0, 2.0, 4.0) * spread)) ** 2)
        # Even the unlit side of a photo's object is not black.
        base[index] = np.maximum(terms @ coefficients, 0.1 * level)
    return base


def _shading_terms(mask: Bool[np.ndarray, "H W"]) -> Float[np.ndarray, "H W 9"]:
    """Spherical harmonics up to degree two of the normal of the ellipsoid that fills the mask's box."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    y = (np.arange(mask.shape[0]) + 0.5 - (rows[0] + rows[-1] + 1) / 2) / ((rows[-1] + 1 - rows[0]) / 2 + 0.5)
    x = (np.arange(mask.shape[1]) + 0.5 - (columns[0] + columns[-1] + 1) / 2) / ((columns[-1] + 1 - columns[0]) / 2 + 0.5)
    u, v = np.meshgrid(x, -y)
    length = np.maximum(np.hypot(u, v), 1.0)  # beyond the ellipsoid: its rim
    u, v = u / length, v / length
    w = np.sqrt(np.maximum(1.0 - u**2 - v**2, 0.0))
    return np.stack([np.ones_like(u), u, v, w, u * v, u * w, v * w, u**2 - v**2, 3 * w**2 - 1], axis=2)


def lit_from_left(images: Float[np.ndarray, "N 2 H W"]) -> Bool[np.ndarray, " N"]:
    """Which images are brighter on the left of their mask than on the right."""
    columns = np.arange(images.shape[-1]) + 0.5
    alpha = images[:, 1]
    area = np.maximum(alpha.sum(axis=(1, 2)), 1e-9)
    centre = (alpha * columns).sum(axis=(1, 2)) / area
    brightness = np.maximum(images[:, 0].sum(axis=(1, 2)), 1e-9)
    bright_centre = (images[:, 0] * columns).sum(axis=(1, 2)) / brightness
    return np.asarray(bright_centre < centre)


def _core(alpha: Float[np.ndarray, "N H W"], rim: float) -> Bool[np.ndarray, "N H W"]:
    """What lies deeper in each mask than the rim; all of a mask that is thinner than that."""
    cores = []
    for mask in alpha > 0.99:
        deep = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] > rim
        cores.append(deep if deep.any() else mask)
    return np.stack(cores)


def _fill_and_smooth(
    values: Float[np.ndarray, "N H W"], core: Bool[np.ndarray, "N H W"], sigma: float
) -> Float[np.ndarray, "N H W"]:
    """Low-passed values of the core, each pixel beyond it taking those of the core's nearest pixel."""
    filled = np.empty_like(values)
    for index, (value, mask) in enumerate(zip(values, core, strict=True)):
        if not mask.any():
            filled[index] = value
            continue
        nearest = ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)
        filled[index] = value[tuple(nearest)]
    return ndimage.gaussian_filter(filled, (0.0, sigma, sigma)) if sigma > 0 else filled


def _compress(
    detail: Float[np.ndarray, "N H W"], brighter: float, darker: float
) -> Float[np.ndarray, "N H W"]:
    """Relative detail, softly limited to `brighter` above nought and to `darker` below it; a limit of 0 removes it."""
    above = brighter * np.tanh(np.maximum(detail, 0.0) / brighter) if brighter > 0 else 0.0
    below = darker * np.tanh(np.minimum(detail, 0.0) / darker) if darker > 0 else 0.0
    return np.asarray(above + below) * np.ones_like(detail)


def _unify(
    base: Float[np.ndarray, "N H W"], inside: Bool[np.ndarray, "N H W"], settings: CleanUpSettings
) -> tuple[Float[np.ndarray, "N H W"], Float[np.ndarray, "N 1 1"]]:
    """The base with one mean, and one contrast, inside every mask; and by how much each contrast was raised."""
    gain = np.ones((len(base), 1, 1))
    if settings.unify_mean == "none":
        return base, gain
    count = np.maximum(inside.sum(axis=(1, 2)), 1)[:, None, None]
    mean = (base * inside).sum(axis=(1, 2), keepdims=True) / count
    if settings.unify_mean == "additive":
        return base + settings.mean - mean, gain
    relative = base / np.maximum(mean, 1e-6) - 1.0
    if settings.contrast is not None:
        contrast = np.sqrt((relative**2 * inside).sum(axis=(1, 2), keepdims=True) / count)
        # A flat photo has no shading to strengthen, only noise.
        gain = np.clip(settings.contrast / np.maximum(contrast, 1e-6), 0.2, settings.most_gain)
    return settings.mean * (1.0 + relative * gain), gain
