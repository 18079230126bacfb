# SPDX-License-Identifier: Apache-2.0
"""What users are told of their pictures: views, numbers, sizes, kinds, blackness, and photos that are held out."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unrender.data.image_folder import ImageSet
from unrender.errors import DataError
from unrender.methods import train
from unrender.methods.voxel_gan.config import VoxelGanConfig, load_config
from unrender.methods.voxel_gan.pictures.checks import complaints
from unrender.methods.voxel_gan.pictures.loading import load_config_for_data, load_pictures


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNRENDER_HOME", str(tmp_path / "home"))


def image_set(count: int, cropped: int = 0, side: float = 64.0, grey: float = 0.5) -> ImageSet:
    images = torch.full((count, 2, 64, 64), 1.0)
    images[:, 0] = grey
    names = tuple(f"{index}.png" for index in range(count))
    return ImageSet(images, names, "linear", (True,) * cropped + (False,) * (count - cropped), (side,) * count, ())


def config(*settings: str) -> VoxelGanConfig:
    return load_config("iggan-32", settings)


def test_ordinary_pictures_are_passed_in_silence() -> None:
    assert complaints(config(), 500, None, {}) == []
    known = {"views.elevation_degrees": [-30.0, 60.0], "views.azimuth_degrees": [-180.0, 180.0], "views.width": 1.1}
    assert complaints(config(), 500, image_set(500, 500), known) == []
    narrower = config("views.elevation_degrees=[0,30]")
    assert complaints(narrower, 500, None, known) == []


def test_views_that_no_picture_shows() -> None:
    known = {"views.elevation_degrees": [15.0, 60.0], "views.azimuth_degrees": [-60.0, 60.0], "views.width": 1.2}
    azimuth, elevation, width = complaints(config(), 500, None, known)
    assert azimuth.startswith("views.azimuth_degrees is -180 to 180, but the pictures were rendered from -60 to 60")
    assert elevation.endswith("Set views.elevation_degrees=[15,60].")
    assert width.endswith("Set views.width=1.2.")


def test_few_pictures_ask_for_augmentation() -> None:
    (sentence,) = complaints(config(), 99, None, {})
    assert sentence.startswith("There are only 99 training pictures")
    assert "augmentation_target=0.6" in sentence
    assert complaints(config(), 100, None, {}) == []
    assert complaints(config("augmentation_target=0.6"), 20, None, {}) == []


def test_cut_outs_among_photographs_and_pictures_that_are_too_small_or_black() -> None:
    (mixed,) = complaints(config(), 200, image_set(200, cropped=150), {})
    assert mixed.startswith("50 of 200 pictures have transparency and keep their frame, but 150 are photographs")
    assert complaints(config("photos.framing=object"), 200, image_set(200, cropped=150), {}) == []
    (small,) = complaints(config(), 200, image_set(200, side=40.0), {})
    assert small.startswith("200 of 200 pictures are smaller than 64 pixels")
    (black,) = complaints(config(), 200, image_set(200, grey=0.001), {})
    assert "black: only outlines" in black


def test_a_data_sets_record_is_the_law_of_views_unless_one_is_stated(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    plan = {"azimuth_degrees": [-60, 60], "elevation_degrees": [15, 60], "width": 1.2}
    (folder / "dataset.json").write_text(json.dumps({"plan": plan}), encoding="utf-8")
    views = load_config_for_data("iggan-32", folder, ()).views
    assert (views.azimuth_degrees, views.elevation_degrees, views.width) == ((-60.0, 60.0), (15.0, 60.0), 1.2)
    stated = load_config_for_data("iggan-32", folder, ("views.elevation_degrees=[0,90]",)).views
    assert (stated.azimuth_degrees, stated.elevation_degrees) == ((-60.0, 60.0), (0.0, 90.0))
    assert load_config_for_data("iggan-32", pictures, ()).views == config().views


def test_a_training_says_aloud_and_in_its_log_what_is_odd(
    pictures: Path, tiny: tuple[str, ...], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = train("voxel_gan", "iggan-32", pictures, tmp_path / "run", (*tiny, "total_images=4"))
    assert "only 24 training pictures" in (run.path / "log.txt").read_text(encoding="utf-8")
    assert "only 24 training pictures" in caplog.text


def write_things(folder: Path, things: int, photos: int) -> Path:
    """Photographs of discs on white, each of another tone, a folder per thing."""
    y, x = np.mgrid[:72, :72] - 35.5
    for index in range(things * photos):
        pixels = np.full((72, 72, 3), 255, np.uint8)
        pixels[x**2 + y**2 <= 25**2] = 60 + 97 * index % 140
        path = folder / f"fruit_{index // photos}" / f"r0_{index % photos}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


def test_photos_of_things_that_are_held_out_are_not_trained_on(tmp_path: Path) -> None:
    folder = write_things(tmp_path / "fruit", things=4, photos=20)
    settings = config("photos.held_out=0.25")
    seen, kept = (load_pictures(folder, settings, split) for split in ("train", "held_out"))
    things = [{source.split("/")[0] for source in part.sources} for part in (seen, kept)]
    assert (len(seen), len(kept)) == (60, 20)
    assert (len(things[0]), len(things[1])) == (3, 1)
    assert things[0].isdisjoint(things[1])
    assert len(load_pictures(folder, settings)) == 80
    assert len(load_pictures(folder, config(), "train")) == 80
    with pytest.raises(DataError, match=r"divides 80 photos of 4 things into 80 and 0|at least 16"):
        load_pictures(write_things(tmp_path / "few", things=4, photos=5), config("photos.held_out=0.25"), "held_out")


def test_unified_means(tmp_path: Path) -> None:
    folder = write_things(tmp_path / "fruit", things=1, photos=16)
    unified = load_pictures(folder, config("photos.unify_mean=true")).images
    plain = load_pictures(folder, config()).images

    def means(images: torch.Tensor) -> torch.Tensor:
        return images[:, 0].sum(dim=(1, 2)) / images[:, 1].sum(dim=(1, 2))

    assert float(means(plain).std()) > 0.01
    torch.testing.assert_close(means(unified), means(plain).mean().expand(16), atol=0.01, rtol=0)


def test_pictures_of_mixed_sizes_become_one_size(tmp_path: Path) -> None:
    for index in range(16):
        rgba = np.zeros((40 + index, 90 - index, 4), np.uint8)
        rgba[10:30, 20:50] = 255
        Image.fromarray(rgba).save(tmp_path / f"{index}.png")
    loaded = load_pictures(tmp_path, config())
    assert loaded.images.shape == (16, 2, 64, 64)
    assert loaded.sides[0] == 90.0
    assert loaded.enlarged == 0


def test_masks_that_are_black_throughout(tmp_path: Path) -> None:
    for index in range(16):
        rgba = np.full((32, 32, 4), 200, np.uint8)
        rgba[..., 3] = 0
        Image.fromarray(rgba).save(tmp_path / f"{index}.png")
    with pytest.raises(DataError, match=r"All 16 images.*transparent throughout: their masks are black"):
        load_pictures(tmp_path, config())
