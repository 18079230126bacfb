# SPDX-License-Identifier: Apache-2.0
"""Photographs made plain: tone, contrast and light unified, texture out, shape kept."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from tests.backend.data.photos_for_tests import ellipsoid, ellipsoids, shade
from unrender.data.photo_clean_up import CleanUpSettings, compress, suppress_texture
from unrender.geometry.conventions import linear_to_srgb, srgb_to_linear
from unrender.geometry.lighting import Lighting

SUN = Lighting(directions=((0.6, 0.64, 0.48),), intensities=(0.6,), ambient=0.25)
KEEP = CleanUpSettings(unify_mean="none", align_light=False, relight=0.0)


def straight(images: torch.Tensor) -> np.ndarray:
    return (images[:, 0] / images[:, 1].clamp(min=1e-6)).numpy()


def tones(images: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    inside = images[:, 1].numpy() > 0.5
    values = [grey[mask] for grey, mask in zip(straight(images), inside, strict=True)]
    return np.array([v.mean() for v in values]), np.array([v.std() / v.mean() for v in values])


def textured(count: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Matt ellipsoids, and the same with a highlight, a spot and a grain."""
    plain = ellipsoids(SUN, count)
    seen = plain.clone()
    seen[:, 0, 20:27, 34:41] = 1.0
    seen[:, 0, 36:39, 24:27] *= 0.1
    grain = torch.randn(seen[:, 0].shape, generator=torch.Generator().manual_seed(1))
    seen[:, 0] *= 1 + 0.08 * grain
    return plain, seen.clamp(0, 1) * (plain[:, 1:] > 0)


def test_matt_photos_pass_nearly_unchanged() -> None:
    plain = ellipsoids(SUN, 6)
    result = suppress_texture(plain, KEEP)
    inside = plain[:, 1].numpy() > 0.5
    relative = np.abs(straight(result) / straight(plain).clip(1e-6) - 1)[inside]
    assert relative.mean() < 0.04
    assert torch.equal(result[:, 1], plain[:, 1])


def test_highlights_spots_and_grain_go() -> None:
    plain, seen = textured()
    result = suppress_texture(seen, KEEP)
    highlight, spot = np.s_[:, 21:26, 35:40], np.s_[:, 37, 25]
    truth, before, after = straight(plain), straight(seen), straight(result)
    assert np.median(before[highlight] / truth[highlight]) > 1.25
    assert np.abs(after[highlight] / truth[highlight] - 1).max() < 0.12
    assert (before[spot] / truth[spot]).max() < 0.2
    assert (after[spot] / truth[spot]).min() > 0.78
    core = ndimage.binary_erosion(plain[:, 1].numpy() > 0, np.ones((1, 5, 5)), iterations=2)
    core[:, 18:30, 31:44] = False
    core[:, 33:42, 21:30] = False

    def roughness(values: np.ndarray) -> float:
        fine = values / truth.clip(1e-6)
        return float(np.std((fine - ndimage.gaussian_filter(fine, (0, 3, 3)))[core]))

    assert roughness(after) < 0.45 * roughness(before)


def test_furrows_between_ribs_stay() -> None:
    mask, normal = ellipsoid(64, 26, 26)
    columns = np.arange(64)
    furrows = 1 - 0.3 * np.exp(-(((columns[:, None] - np.array([22, 32, 42])) / 1.2) ** 2)).sum(axis=1)
    image = torch.from_numpy(np.stack([shade(normal, SUN) * furrows * mask, mask])[None].astype(np.float32))
    after = straight(suppress_texture(image, KEEP))[0, 24:40]
    for furrow in (22, 32, 42):
        shoulder = (after[:, furrow - 4] + after[:, furrow + 4]) / 2
        assert (after[:, furrow] / shoulder).mean() < 0.92
    without = CleanUpSettings(unify_mean="none", darker_limit=0.0, brighter_limit=0.0)
    flat = straight(suppress_texture(image, without))[0]
    assert (flat[24:40, 32] / ((flat[24:40, 28] + flat[24:40, 36]) / 2)).mean() > 0.98


def test_broad_patches_of_colour_fade() -> None:
    plain = ellipsoids(SUN, 4)
    seen = plain.clone()
    seen[:, 0, 24:42, 20:32] *= 0.7

    def darkness(broad_pixels: float) -> float:
        settings = CleanUpSettings(unify_mean="none", align_light=False, relight=0.0, broad_pixels=broad_pixels)
        relative = straight(suppress_texture(seen, settings)) / straight(plain).clip(1e-6)
        return float(1 - relative[:, 32:36, 24:28].mean() / relative[:, 32:36, 44:48].mean())

    assert darkness(0.0) > 0.1
    assert darkness(5.0) < 0.8 * darkness(0.0)


def test_ratio_unification_gives_one_mean_and_contrast() -> None:
    photos = ellipsoids(SUN, 12, spread=0.6).clamp(max=1.0)
    assert np.ptp(tones(photos)[0]) > 0.3
    means, contrasts = tones(suppress_texture(photos, CleanUpSettings(mean=0.5, contrast=0.3, relight=0.0)))
    np.testing.assert_allclose(means, 0.5, atol=0.02)
    np.testing.assert_allclose(contrasts, 0.3, atol=0.03)
    own = tones(suppress_texture(photos, CleanUpSettings(contrast=None, relight=0.0)))[1]
    np.testing.assert_allclose(own, tones(photos)[1], atol=0.03)


def test_additive_unification_shifts_the_mean_only() -> None:
    photos = ellipsoids(SUN, 8, spread=0.3) * torch.tensor([0.5, 1.0])[:, None, None]
    result = suppress_texture(photos, CleanUpSettings(unify_mean="additive", mean=0.4, relight=0.0))
    means, contrasts = tones(result)
    np.testing.assert_allclose(means, 0.4, atol=0.02)
    before = tones(photos)
    np.testing.assert_allclose(contrasts * means, before[1] * before[0], atol=0.03)


def test_photos_lit_from_the_left_are_mirrored() -> None:
    photos = ellipsoids(SUN, 6)
    from_left = photos.flip(3)
    straightened = suppress_texture(from_left, CleanUpSettings(relight=0.0))
    torch.testing.assert_close(straightened, suppress_texture(photos, CleanUpSettings(relight=0.0)), atol=0.02, rtol=0)
    kept = suppress_texture(from_left, CleanUpSettings(relight=0.0, align_light=False))
    torch.testing.assert_close(kept.flip(3), straightened, atol=0.02, rtol=0)
    assert torch.equal(kept[:, 1], from_left[:, 1])


def test_relighting_brings_lights_together() -> None:
    other = Lighting(directions=((0.2, 0.0, 0.98),), intensities=(0.6,), ambient=0.25)
    photos = torch.cat([ellipsoids(SUN, 7, seed=1), ellipsoids(other, 5, seed=1)])

    def apart(relight: float) -> float:
        values = straight(suppress_texture(photos, CleanUpSettings(relight=relight)))
        return float(np.abs(values[:5] - values[7:])[:, 16:48, 16:48].mean())

    assert apart(1.0) < 0.25 * apart(0.0)
    assert apart(1.0) < apart(0.5) < apart(0.0)


def test_encoded_photos_are_treated_in_linear_light() -> None:
    photos = ellipsoids(SUN, 5, spread=0.3).clamp(max=1.0)
    encoded = torch.cat([linear_to_srgb(photos[:, :1]) * photos[:, 1:], photos[:, 1:]], 1)
    result = suppress_texture(encoded, encoding="srgb")
    torch.testing.assert_close(srgb_to_linear(result[:, :1]), suppress_texture(photos)[:, :1], atol=2e-3, rtol=0)


def test_images_without_an_object_come_back_as_they_are() -> None:
    photos = ellipsoids(SUN, 3)
    photos[1] = 0
    result = suppress_texture(photos)
    assert torch.equal(result[1], photos[1])
    assert torch.isfinite(result).all()
    assert torch.equal(suppress_texture(torch.zeros(2, 2, 32, 32)), torch.zeros(2, 2, 32, 32))


@pytest.mark.parametrize("size", [32, 128])
def test_lengths_grow_with_the_image(size: int) -> None:
    images = ellipsoids(SUN, 3, size=size)
    values = tones(suppress_texture(images, CleanUpSettings(relight=0.0)))
    np.testing.assert_allclose(values[0], 0.5, atol=0.03)


def test_compression_limits_each_side_on_its_own() -> None:
    values = compress(np.array([-5.0, -0.01, 0.0, 0.01, 5.0]), 0.1, 0.3)
    np.testing.assert_allclose(values, [-0.3, -0.01, 0.0, 0.01, 0.1], atol=1e-4)
    np.testing.assert_allclose(compress(np.array([-1.0, 1.0]), 0.0, 0.2), [-0.2, 0.0], atol=1e-3)
