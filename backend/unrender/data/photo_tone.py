# SPDX-License-Identifier: Apache-2.0
"""The light of photographs, fitted so that a renderer of one plain material makes pictures of their tone.

A generator whose renders are too bright or too flat roughens its surfaces to match the photos' tone. So the renderer
gets the photos' light: over many photos everything but the light averages out, and what is left is shading as on a
sphere. The fit is Lambert's law on that sphere, scaled to the photos' mean and standard deviation.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy import optimize
from torch import Tensor

from unrender.errors import DataError
from unrender.geometry.conventions import linear_to_srgb, srgb_to_linear
from unrender.geometry.lighting import Lighting

DISC_PIXELS = 48  # the unit disc that every mask is mapped to
RIM = 0.95  # beyond it a mask's edge and the sphere's seldom agree
# Directions that the optimiser starts from: above, left, right, and straight ahead, in the camera frame.
_STARTS = ((0.0, 0.6, 0.8), (-0.6, 0.35, 0.72), (0.6, 0.35, 0.72), (0.0, 0.0, 1.0), (0.0, -0.6, 0.8))


@dataclass(frozen=True, slots=True)
class ToneFit:
    """Lighting that gives a white sphere the photos' tone, and how well it does."""

    lighting: Lighting
    mean: float  # of the photos inside the mask, in their encoding: each photo's own, then their median
    std: float  # likewise
    sphere_mean: float  # of the lit sphere inside its disc, in the same encoding
    sphere_std: float
    residual: float  # root mean square difference of the mean photo and the fitted sphere, relative to the mean
    mean_photo: NDArray[np.float32]  # [D, D] on the unit disc, nan outside; row 0 at the top
    sphere: NDArray[np.float32]  # likewise

    def summary(self) -> dict[str, object]:
        """The fit as values that JSON can hold."""
        return {
            "ambient": round(self.lighting.ambient, 4),
            "lights": [
                {"direction": [round(c, 4) for c in direction], "intensity": round(intensity, 4)}
                for direction, intensity in zip(self.lighting.directions, self.lighting.intensities, strict=True)
            ],
            "mean": round(self.mean, 4),
            "std": round(self.std, 4),
            "sphere_mean": round(self.sphere_mean, 4),
            "sphere_std": round(self.sphere_std, 4),
            "residual": round(self.residual, 4),
        }


def fit_lighting(images: Float[Tensor, "N 2 H W"], encoding: str = "linear", lights: int = 2) -> ToneFit:
    """Fit `lights` camera-fixed directional lights and an ambient term to photographs.

    images: luminance, premultiplied, and alpha. encoding: of the luminance, "linear" or "srgb"; the lighting is linear
    in either case, and with "srgb" it is the encoded render of it that has the photos' tone. The material is white:
    exposure and albedo are in the intensities. Deterministic. Raises DataError where no image shows an object.
    """
    if encoding not in ("linear", "srgb") or not 1 <= lights <= 4:
        raise ValueError(f"encoding must be linear or srgb and lights 1 to 4, got {encoding} and {lights}")
    mean, std = measure_tone(images)
    photo, weight = mean_photo(images)
    inside = weight > 0
    normals = sphere_normals(DISC_PIXELS)
    known = inside & (np.hypot(normals[..., 0], normals[..., 1]) < RIM)
    observed = torch.from_numpy(photo[known] * mean)
    target = (srgb_to_linear(observed) if encoding == "srgb" else observed).numpy().astype(np.float64)
    ambient, vectors = _fit_lambert(normals[known], target, np.sqrt(weight[known]), lights)
    lighting = _match_tone(_lighting(ambient, vectors), mean, std, encoding)
    shaded = shade_sphere(lighting, encoding)
    disc = np.isfinite(shaded)
    relative = shaded[known] - photo[known] * mean
    return ToneFit(
        lighting=lighting,
        mean=mean,
        std=std,
        sphere_mean=float(shaded[disc].mean()),
        sphere_std=float(shaded[disc].std()),
        residual=float(np.sqrt(np.average(relative**2, weights=weight[known])) / mean),
        mean_photo=np.where(inside, photo * mean, np.nan).astype(np.float32),
        sphere=shaded.astype(np.float32),
    )


def measure_tone(images: Float[Tensor, "N 2 H W"]) -> tuple[float, float]:
    """Mean and standard deviation inside the mask, of each photo, and of these the medians over the photos."""
    means, deviations = [], []
    for image in images.numpy():
        alpha = image[1].astype(np.float64)
        if alpha.sum() < 1:
            continue
        inside = alpha > 0.5
        straight = image[0][inside] / alpha[inside]
        means.append(straight.mean())
        deviations.append(straight.std())
    if not means:
        raise DataError("None of the images shows an object: their masks are empty.", "Check the photos' background.")
    return float(np.median(means)), float(np.median(deviations))


def unify_means(images: Float[Tensor, "N 2 H W"]) -> Float[Tensor, "N 2 H W"]:
    """Give all photos the mean of the set by adding a constant inside each mask (IG-GAN, section 4.2).

    With y the luminance, m its mean inside a photo's mask and m* the mean of m over the set: `y + (m* - m)`. Means are
    weighted by alpha, and the luminance is premultiplied in and out, so the background stays black. Where a sum would
    leave [0, 1] it is limited, and that photo's mean comes short of m*. Photos without an object stay as they are.
    """
    grey, alpha = images[:, :1], images[:, 1:]
    covered = alpha.sum(dim=(1, 2, 3), keepdim=True)
    shows = covered >= 1.0
    if not shows.any():
        return images
    means = grey.sum(dim=(1, 2, 3), keepdim=True) / covered.clamp(min=1.0)
    change = torch.where(shows, means[shows].mean() - means, 0.0)
    return torch.cat([(grey + change * alpha).clamp(min=0.0).minimum(alpha), alpha], dim=1)


def mean_photo(images: Float[Tensor, "N 2 H W"]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The photos' median on the unit disc `[D, D]`, each first divided by its own mean, and how many showed each place.

    Every mask's bounding box is stretched to the disc's, so that a photo's ellipse becomes the disc.
    """
    positions = (np.arange(DISC_PIXELS) + 0.5) / DISC_PIXELS
    stack = np.full((len(images), DISC_PIXELS, DISC_PIXELS), np.nan, np.float32)
    for index, image in enumerate(images.numpy()):
        alpha = image[1]
        inside = alpha > 0.5
        if not inside.any():
            continue
        rows = np.flatnonzero(inside.any(axis=1))
        columns = np.flatnonzero(inside.any(axis=0))
        row = (rows[0] + positions * (rows[-1] + 1 - rows[0])).astype(int)
        column = (columns[0] + positions * (columns[-1] + 1 - columns[0])).astype(int)
        straight = np.where(inside, image[0] / np.maximum(alpha, 0.5), np.nan)
        stack[index] = straight[np.ix_(row, column)] / np.nanmean(straight)
    seen = np.isfinite(stack).sum(axis=0)
    normals = sphere_normals(DISC_PIXELS)
    seen = np.where(np.isfinite(normals[..., 2]), seen, 0)
    median = np.zeros((DISC_PIXELS, DISC_PIXELS))
    median[seen > 0] = np.nanmedian(stack[:, seen > 0], axis=0)
    return median, seen.astype(np.float64)


def sphere_normals(pixels: int) -> NDArray[np.float64]:
    """Camera-frame normals `[D, D, 3]` of a sphere that fills the frame, seen orthographically; nan outside it."""
    x = (np.arange(pixels) + 0.5) / pixels * 2.0 - 1.0
    right, up = np.meshgrid(x, -x)
    squared = 1.0 - right**2 - up**2
    normals = np.stack([right, up, np.sqrt(np.maximum(squared, 0.0))], axis=2)
    normals[squared < 0] = np.nan
    return normals


def shade_sphere(lighting: Lighting, encoding: str = "linear", pixels: int = DISC_PIXELS) -> NDArray[np.float64]:
    """A white sphere under the lighting, `[D, D]`, in closed form; nan outside the disc."""
    normals = sphere_normals(pixels)
    shaded = np.full((pixels, pixels), lighting.ambient)
    for direction, intensity in zip(lighting.directions, lighting.intensities, strict=True):
        shaded = shaded + intensity * np.clip(normals @ np.array(direction), 0.0, None)
    if encoding == "srgb":
        shaded = linear_to_srgb(torch.from_numpy(shaded)).numpy()
    return np.where(np.isfinite(normals[..., 2]), shaded, np.nan)


def _fit_lambert(
    normals: Float[np.ndarray, "P 3"], target: Float[np.ndarray, " P"], weight: Float[np.ndarray, " P"], lights: int
) -> tuple[float, Float[np.ndarray, "lights 3"]]:
    """Ambient >= 0 and light vectors (direction times intensity) of the least weighted squares, from several starts."""
    scale = float(np.average(target, weights=weight))
    weight = weight / np.sqrt((weight**2).sum()) / scale

    def residuals(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        vectors = parameters[1:].reshape(lights, 3)
        return weight * (parameters[0] + np.clip(normals @ vectors.T, 0.0, None).sum(axis=1) - target)

    # A light behind the object shows on the rim only, where photos are least to be trusted.
    lower = np.concatenate([[0.0], np.tile([-np.inf, -np.inf, 0.0], lights)])
    best = None
    for directions in combinations(_STARTS, lights):
        start = np.concatenate([[0.3 * scale], np.array(directions).ravel() * scale / lights])
        found = optimize.least_squares(residuals, start, bounds=(lower, np.inf), x_scale=scale, max_nfev=200)
        if best is None or found.cost < best.cost * (1 - 1e-6):
            best = found
    assert best is not None
    return float(best.x[0]), best.x[1:].reshape(lights, 3)


def _lighting(ambient: float, vectors: Float[np.ndarray, "lights 3"]) -> Lighting:
    """The lights in the order of their strength; one of no strength points at the camera."""
    intensities = np.linalg.norm(vectors, axis=1)
    order = np.argsort(-intensities)
    directions = [vectors[i] / intensities[i] if intensities[i] > 1e-9 else np.array([0.0, 0.0, 1.0]) for i in order]
    return Lighting(
        directions=tuple((float(d[0]), float(d[1]), float(d[2])) for d in directions),
        intensities=tuple(float(intensities[i]) for i in order),
        ambient=float(ambient),
    )


def _match_tone(lighting: Lighting, mean: float, std: float, encoding: str) -> Lighting:
    """Scale the lights together, and set the ambient term, so that the sphere has this mean and deviation.

    Where even no ambient light leaves too little contrast, the mean is matched and the deviation is what it is.
    """

    def scaled(parameters: NDArray[np.float64]) -> Lighting:
        gain, ambient = float(parameters[0]), float(parameters[1])
        return Lighting(lighting.directions, tuple(gain * i for i in lighting.intensities), ambient, lighting.shadows)

    def mismatch(parameters: NDArray[np.float64]) -> list[float]:
        shaded = shade_sphere(scaled(parameters), encoding)
        # The mean counts more: it is what must hold where both cannot.
        return [10.0 * float(np.nanmean(shaded) - mean) / mean, float(np.nanstd(shaded) - std) / mean]

    start = np.array([1.0, max(lighting.ambient, 1e-3)])
    found = optimize.least_squares(mismatch, start, bounds=([0.0, 0.0], np.inf), x_scale=[1.0, max(mean, 1e-3)])
    return scaled(found.x)
