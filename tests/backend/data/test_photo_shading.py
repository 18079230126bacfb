# SPDX-License-Identifier: Apache-2.0
"""The plump body of an outline, and matt shading on it."""

import numpy as np
import pytest

from tests.backend.data.photos_for_tests import ellipsoid, shade
from unrender.data.photo_shading import MIRROR, inflate, robust_shading, shading_terms
from unrender.geometry.lighting import Lighting

SUN = Lighting(directions=((0.6, 0.64, 0.48),), intensities=(0.6,), ambient=0.2)


@pytest.mark.parametrize(("half_width", "half_height", "turn"), [(24, 24, 0.0), (28, 17, 0.0), (28, 18, 0.7)])
def test_inflating_an_ellipse_gives_the_ellipsoid(half_width: float, half_height: float, turn: float) -> None:
    mask, truth = ellipsoid(64, half_width, half_height, turn)
    normal = inflate(mask)
    cosine = (normal * truth).sum(axis=2)[mask]
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 4.0
    assert np.quantile(cosine, 0.02) > np.cos(np.radians(16))


def test_dents_of_the_outline_show_in_the_body() -> None:
    left, _ = ellipsoid(64, 14, 14)
    bean = np.roll(left, -13, axis=1) | np.roll(left, 13, axis=1)
    normal = inflate(bean)
    # Towards the waist the surface falls from both lobes: it faces right on the left lobe's inner side.
    assert normal[32, 29, 0] > 0.02
    assert normal[32, 35, 0] < -0.02
    assert normal[32, 14, 0] < -0.02


def test_masks_at_the_image_border_are_inflated_too() -> None:
    normal = inflate(np.ones((20, 20), bool))
    assert np.isfinite(normal).all()
    assert normal[10, 10, 2] > 0.99
    assert normal[10, 0, 0] < -0.5 < 0.5 < normal[10, 19, 0]


def test_shading_is_fitted_through_highlights_and_spots() -> None:
    mask, normal = ellipsoid(64, 26, 24)
    truth = shade(normal, SUN)
    seen = truth.copy()
    seen[18:26, 36:44] = 3.0  # a highlight
    seen[34:38, 20:26] = 0.01  # a spot
    terms = shading_terms(normal)
    fitted = terms @ robust_shading(seen, mask, terms)
    error = np.abs(fitted - truth)[mask]
    assert error.mean() < 0.05 * truth[mask].mean()
    naive = terms @ np.linalg.lstsq(terms[mask], seen[mask], rcond=None)[0]
    assert error.mean() < 0.25 * np.abs(naive - truth)[mask].mean()


def test_mirrored_coefficients_shade_the_mirrored_picture() -> None:
    mask, normal = ellipsoid(64, 28, 18, 0.5)
    coefficients = np.random.default_rng(0).normal(size=9)
    mirrored = normal[:, ::-1] * np.array([-1.0, 1.0, 1.0])
    ours = (shading_terms(mirrored) @ (coefficients * MIRROR))[:, ::-1]
    np.testing.assert_allclose(ours[mask], (shading_terms(normal) @ coefficients)[mask], atol=1e-9)
