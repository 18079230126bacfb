# SPDX-License-Identifier: Apache-2.0
"""Masks of objects on a plain background."""

import io

import numpy as np
import pytest
from PIL import Image

from unrender.data.photo_masks import NOT_PLAIN, NOTHING, SEVERAL, MaskSettings, fit_background, mask_photo

SIZE = 100


def disc(radius: float = 30.0, centre: tuple[float, float] = (50.0, 50.0), size: int = SIZE) -> np.ndarray:
    rows, columns = np.mgrid[:size, :size] + 0.5
    return (rows - centre[1]) ** 2 + (columns - centre[0]) ** 2 <= radius**2


def photograph(mask: np.ndarray, colour: tuple[int, ...] = (180, 30, 20), background: object = 255) -> np.ndarray:
    """A photo of a shaded object, as a JPEG file would hold it."""
    rows = np.mgrid[: mask.shape[0], : mask.shape[1]][0]
    shade = (1.1 - 0.6 * rows / mask.shape[0])[..., None]
    pixels = np.where(mask[..., None], np.array(colour) * shade, np.asarray(background, float))
    stream = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=75)
    return np.array(Image.open(stream))


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


@pytest.mark.parametrize("background", [255, (240, 244, 250), (20, 20, 24), (60, 160, 70)])
def test_object_is_found_on_any_plain_colour(background: object) -> None:
    truth = disc()
    found = mask_photo(photograph(truth, background=background))
    assert found.fault == ""
    assert overlap(found.mask, truth) > 0.9
    assert np.abs(np.array(found.background) - np.broadcast_to(background, 3)).max() < 3


def test_erosion_takes_the_rim_of_mixed_colours_off() -> None:
    truth = disc()
    beyond = []
    for pixels in (0, 1, 2):
        found = mask_photo(photograph(truth), MaskSettings(erode_pixels=pixels)).mask
        beyond.append(int((found & ~truth).sum()))
        assert found.sum() > 0.82 * truth.sum()
    assert beyond[1] < 0.2 * beyond[0]
    assert beyond[2] < 0.01 * truth.sum()


def test_background_may_be_lit_unevenly_and_be_noisy() -> None:
    truth = disc()
    slope = 245 - 60 * (np.mgrid[:SIZE, :SIZE][1] / SIZE)[..., None] * np.ones(3)
    noisy = slope + np.random.default_rng(0).normal(0, 3, slope.shape)
    found = mask_photo(photograph(truth, background=noisy))
    assert found.fault == ""
    assert overlap(found.mask, truth) > 0.9


def test_object_may_touch_the_border_and_have_bright_holes() -> None:
    truth = disc(radius=50)
    pierced = truth & ~disc(radius=8)  # a white highlight inside is no background
    found = mask_photo(photograph(pierced), MaskSettings(erode_pixels=0))
    assert found.fault == ""
    assert overlap(found.mask, truth) > 0.95


def test_largest_of_the_components_is_the_object() -> None:
    crumb = disc(4, (90, 90))
    found = mask_photo(photograph(disc() | crumb))
    assert found.fault == ""
    assert not (found.mask & crumb).any()


def test_stems_are_cut_off_on_request_only() -> None:
    stem = np.zeros((SIZE, SIZE), bool)
    stem[2:25, 48:52] = True
    pixels = photograph(disc() | stem)
    assert (mask_photo(pixels).mask & stem)[:15].any()
    cut = mask_photo(pixels, MaskSettings(smallest_part=0.15)).mask
    assert not cut[:15].any()
    assert overlap(cut, disc()) > 0.88


def test_object_of_thin_parts_only_is_kept_whole() -> None:
    bar = np.zeros((SIZE, SIZE), bool)
    bar[47:53, 10:90] = True
    assert mask_photo(photograph(bar), MaskSettings(smallest_part=0.5)).mask.sum() > 0.5 * bar.sum()


@pytest.mark.parametrize(
    ("pixels", "fault"),
    [
        (np.random.default_rng(1).integers(0, 255, (SIZE, SIZE, 3)).astype(np.uint8), NOT_PLAIN),
        (np.full((SIZE, SIZE, 3), 255, np.uint8), NOTHING),
        (photograph(disc(3)), NOTHING),
        (photograph(disc(18, (25, 50)) | disc(17, (75, 50))), SEVERAL),
    ],
    ids=["noise", "empty", "speck", "two"],
)
def test_bad_photos_say_what_is_wrong(pixels: np.ndarray, fault: str) -> None:
    assert mask_photo(pixels).fault == fault


def test_fitted_background_is_a_plane_of_colour() -> None:
    rows, columns = np.mgrid[:80, :120] / np.array([80, 120])[:, None, None]
    truth = np.stack([230 - 20 * rows, 220 + 15 * columns, 200 + 0 * rows], axis=2)
    fitted = fit_background(np.round(truth).astype(np.uint8))
    assert np.abs(fitted - truth).max() < 2.0
