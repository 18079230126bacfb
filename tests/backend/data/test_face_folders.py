# SPDX-License-Identifier: Apache-2.0
"""FFHQ's and CelebA's folders are known by their layout."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unrender.data.face_folders import aligned_faces, celeba_frame
from unrender.data.photo_groups import group_photos
from unrender.data.rgb_pictures import RgbSettings, load_rgb_pictures
from unrender.errors import ConfigurationError, DataError

SMALL = RgbSettings(size=16)


def ffhq(root: Path, in_thousands: bool) -> Path:
    """A little of the data set: two thousands, in both sizes, and the photos that the faces were cut from."""
    numbers = [*range(10), *range(1000, 1010)]
    for folder, side, level in (("images1024x1024", 64, 200), ("thumbnails128x128", 32, 100), ("in-the-wild", 48, 10)):
        for number in numbers:
            place = root / folder / (f"{number // 1000:02d}000" if in_thousands else "")
            place.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (side, side), (level, level // 2, 0)).save(place / f"{number:05d}.png")
    (root / "ffhq-dataset-v2.json").write_text("{}")
    return root


def celeba(root: Path, count: int = 20) -> Path:
    """Aligned pictures, 178x218: black, with a white square of 20 pixels in the middle of the face."""
    root.mkdir(parents=True)
    pixels = np.zeros((218, 178, 3), np.uint8)
    pixels[111:131, 79:99] = 255
    for number in range(1, count + 1):
        Image.fromarray(pixels).save(root / f"{number:06d}.jpg", quality=95)
    return root


@pytest.mark.parametrize("in_thousands", [True, False])
def test_ffhq_is_read_once_in_the_size_that_is_large_enough(tmp_path: Path, in_thousands: bool) -> None:
    root = ffhq(tmp_path, in_thousands)
    small = load_rgb_pictures(root, SMALL)
    assert len(small) == 20
    assert small.images[:, 0].unique().tolist() == [100]
    assert small.sources[0] == ("00000/00000.png" if in_thousands else "00000.png")
    assert load_rgb_pictures(root, RgbSettings(size=256)).images[:, 0].unique().tolist() == [200]
    assert len(load_rgb_pictures(root / "images1024x1024", SMALL)) == 20


def test_where_only_one_size_of_ffhq_is_there_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "thumbnails128x128").mkdir()
    assert aligned_faces(tmp_path, 1024) == tmp_path / "thumbnails128x128"
    assert aligned_faces(tmp_path / "thumbnails128x128", 64) == tmp_path / "thumbnails128x128"


def test_a_thousand_faces_of_ffhq_are_no_thing() -> None:
    sources = ("00000/00000.png", "00000/00001.png", "31000/31415.png")
    assert group_photos(sources) == sources
    assert group_photos(("00000/00000.png", "00000/31415.png", "31000/1.png")) == ("00000", "00000", "31000")


def test_celeba_is_cropped_around_the_face(tmp_path: Path) -> None:
    root = celeba(tmp_path / "Img" / "img_align_celeba").parents[1]
    (root / "Anno").mkdir()
    (root / "Anno" / "list_attr_celeba.txt").write_text("no picture")
    pictures = load_rgb_pictures(root, RgbSettings(size=128))
    assert pictures.sources[0] == "000001.jpg"
    assert pictures.sides == (128.0,) * 20
    rows, columns = (pictures.images[0, 0] > 128).nonzero().T
    assert (int(rows.min()), int(rows.max())) == (54, 73)  # 111 - (121 - 64)
    assert (int(columns.min()), int(columns.max())) == (54, 73)
    wide = load_rgb_pictures(root, RgbSettings(size=148, face_pixels=148))
    assert int((wide.images[0, 0] > 128).nonzero().T[0].min()) == 111 - 47


def test_other_pictures_of_that_size_and_folders_of_that_name_are_not_cropped(tmp_path: Path) -> None:
    for index in range(16):
        Image.new("RGB", (178, 218), "red").save(tmp_path / f"holiday_{index}.png")
    assert load_rgb_pictures(tmp_path, SMALL).sides == (178.0,) * 16
    assert load_rgb_pictures(tmp_path, RgbSettings(size=16, framing="face")).sides == (128.0,) * 16


def test_the_crop_of_faces_needs_aligned_pictures(tmp_path: Path) -> None:
    for index in range(16):
        Image.new("RGB", (200, 200), "red").save(tmp_path / f"{index}.png")
    with pytest.raises(DataError, match=r"None of the 16 images .*200x200 pixels, but CelebA's aligned .* 178x218"):
        load_rgb_pictures(tmp_path, RgbSettings(size=16, framing="face"))


def test_the_crop_stays_inside_the_picture() -> None:
    assert celeba_frame(128.0) == (25.0, 57.0, 128.0)
    assert celeba_frame(148.0) == (15.0, 47.0, 148.0)
    assert celeba_frame(178.0) == (0.0, 32.0, 178.0)
    with pytest.raises(ConfigurationError, match="crop of CelebA's faces is 200 pixels, but 16 to 178"):
        celeba_frame(200.0)
