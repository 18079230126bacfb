# SPDX-License-Identifier: Apache-2.0
"""The light that is fitted to photographs."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.backend.data.photos_for_tests import ellipsoids
from unrender.data.image_folder import load_images
from unrender.data.photo_clean_up import suppress_texture
from unrender.data.photo_tone import fit_lighting, measure_tone, shade_sphere, sphere_normals, unify_means
from unrender.errors import DataError
from unrender.geometry.conventions import linear_to_srgb
from unrender.geometry.lighting import Lighting

ONE = Lighting(directions=((0.48, 0.64, 0.6),), intensities=(0.5,), ambient=0.15)
TWO = Lighting(directions=((0.8, 0.36, 0.48), (-0.6, 0.0, 0.8)), intensities=(0.5, 0.3), ambient=0.1)


def degrees_between(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    return float(np.degrees(np.arccos(np.clip(np.dot(first, second), -1, 1))))


def encode(images: torch.Tensor) -> torch.Tensor:
    return torch.cat([linear_to_srgb(images[:, :1] / images[:, 1:].clamp(min=1e-6)) * images[:, 1:], images[:, 1:]], 1)


@pytest.mark.parametrize("encoding", ["linear", "srgb"])
@pytest.mark.parametrize("known", [ONE, TWO], ids=["one light", "two lights"])
def test_known_lights_are_recovered(known: Lighting, encoding: str) -> None:
    images = ellipsoids(known)
    fit = fit_lighting(encode(images) if encoding == "srgb" else images, encoding, lights=len(known.intensities))
    assert fit.lighting.ambient == pytest.approx(known.ambient, abs=0.04)
    for index, direction in enumerate(known.directions):
        assert degrees_between(fit.lighting.directions[index], direction) < 8
        assert fit.lighting.intensities[index] == pytest.approx(known.intensities[index], rel=0.12)
    assert fit.residual < 0.04


def test_more_lights_follow_a_window_more_closely() -> None:
    beams = [(0.9, y, 0.3) for y in np.linspace(-0.3, 1.5, 9)]
    directions = tuple(tuple(float(c) for c in np.array(beam) / np.linalg.norm(beam)) for beam in beams)
    window = Lighting(directions=directions, intensities=(0.06,) * 9, ambient=0.3)
    two, four = (fit_lighting(ellipsoids(window), lights=lights) for lights in (2, 4))
    assert four.residual < 0.6 * two.residual


@pytest.mark.parametrize("encoding", ["linear", "srgb"])
def test_lit_sphere_has_the_photos_mean_and_deviation(encoding: str) -> None:
    images = ellipsoids(TWO, spread=0.3)
    noisy = images.clone()
    noisy[:, :1] += 0.05 * torch.randn(noisy[:, :1].shape, generator=torch.Generator().manual_seed(0)) * images[:, 1:]
    noisy = noisy.clamp(0, 1)
    photos = encode(noisy) if encoding == "srgb" else noisy
    fit = fit_lighting(photos, encoding)
    mean, std = measure_tone(photos)
    assert (fit.mean, fit.std) == (mean, std)
    sphere = shade_sphere(fit.lighting, encoding, pixels=200)
    assert np.nanmean(sphere) == pytest.approx(mean, rel=0.01)
    assert np.nanstd(sphere) == pytest.approx(std, rel=0.02)


def test_contrast_beyond_lambert_keeps_the_mean() -> None:
    images = ellipsoids(ONE)
    checks = torch.from_numpy((np.indices((64, 64)).sum(axis=0) // 4 % 2).astype(np.float32))
    fit = fit_lighting(torch.stack([images[:, 1] * checks * 0.8, images[:, 1]], 1))
    assert fit.lighting.ambient == pytest.approx(0.0, abs=1e-3)
    assert fit.sphere_mean == pytest.approx(fit.mean, rel=0.05)
    assert fit.sphere_std < fit.std


def test_photos_of_different_albedo_give_the_same_directions() -> None:
    plain, coloured = fit_lighting(ellipsoids(ONE), lights=1), fit_lighting(ellipsoids(ONE, spread=0.7), lights=1)
    assert degrees_between(plain.lighting.directions[0], coloured.lighting.directions[0]) < 3


def test_fit_is_the_same_every_time_and_is_json() -> None:
    first, second = fit_lighting(ellipsoids(TWO)), fit_lighting(ellipsoids(TWO))
    assert first.lighting == second.lighting
    summary = first.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert all(direction[2] >= 0 for direction in first.lighting.directions)
    assert all(np.linalg.norm(direction) == pytest.approx(1.0) for direction in first.lighting.directions)


def test_images_without_an_object_are_refused() -> None:
    with pytest.raises(DataError, match="masks are empty"):
        fit_lighting(torch.zeros(4, 2, 64, 64))


def test_closed_form_sphere_is_the_lighting_s_own_shading() -> None:
    normals = torch.from_numpy(np.nan_to_num(sphere_normals(32)).transpose(2, 0, 1)[None])
    ours = shade_sphere(TWO, pixels=32)
    inside = np.isfinite(ours)
    np.testing.assert_allclose(TWO.shade(normals)[0, 0].numpy()[inside], ours[inside], atol=1e-6)


def test_light_of_real_photos(shared_data: Path) -> None:
    folder = shared_data / "fruits360_photos" / "tomato"
    if not folder.is_dir():
        pytest.skip("../shared/data/fruits360_photos is not beside the checkout")
    names = ("tomato_3", "tomato_10", "tomato_cherry_red_2")
    images = suppress_texture(torch.cat([load_images(folder / name).images[::4] for name in names]))
    fit = fit_lighting(images)
    assert fit.residual < 0.06
    assert fit.sphere_mean == pytest.approx(fit.mean, rel=0.01)
    assert fit.sphere_std == pytest.approx(fit.std, rel=0.02)
    # The fruits are lit from above, and mirrored so that the light comes from the right.
    assert fit.lighting.directions[0][0] > 0.2
    assert fit.lighting.directions[0][1] > 0.2


def test_means_are_unified_by_adding_inside_the_masks() -> None:
    images = torch.zeros(3, 2, 8, 8)
    images[0, :, 2:6, 2:6] = torch.tensor([0.3, 1.0]).view(2, 1, 1)
    images[0, 0, 2:6, 2:4] = 0.5  # mean 0.4
    images[1, :, 0:2, :] = torch.tensor([0.6, 1.0]).view(2, 1, 1)
    images[1, :, 3, :] = torch.tensor([0.3, 0.5]).view(2, 1)  # half covered, as bright: mean 0.6
    images[2, :, 1:3, 1:3] = torch.tensor([0.2, 1.0]).view(2, 1, 1)  # mean 0.2; the set's is 0.4
    unified = unify_means(images)
    assert torch.equal(unified[:, 1], images[:, 1])
    torch.testing.assert_close(unified[0, 0], images[0, 0])
    torch.testing.assert_close(unified[1, 0, 0:2], torch.full((2, 8), 0.4))
    torch.testing.assert_close(unified[1, 0, 3], torch.full((8,), 0.2))
    torch.testing.assert_close(unified[2, 0, 1:3, 1:3], torch.full((2, 2), 0.4))
    assert (unified[:, 0][images[:, 1] == 0] == 0).all()


def test_unified_means_stay_within_white_and_black() -> None:
    images = torch.zeros(2, 2, 4, 4)
    images[:, 1] = 1.0
    images[0, 0, :2] = 1.0  # mean 0.5
    images[1, 0] = 0.9  # the set's mean is 0.7
    unified = unify_means(images)
    assert float(unified.max()) == 1.0
    torch.testing.assert_close(unified[1, 0], torch.full((4, 4), 0.7))
    torch.testing.assert_close(unified[0, 0, 2:], torch.full((2, 4), 0.2))


def test_photos_without_an_object_are_not_unified() -> None:
    empty = torch.zeros(2, 2, 4, 4)
    assert torch.equal(unify_means(empty), empty)
    one = empty.clone()
    one[1, :, 1:3, 1:3] = 0.5
    torch.testing.assert_close(unify_means(one), one)
