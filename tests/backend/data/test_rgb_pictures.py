# SPDX-License-Identifier: Apache-2.0
"""Whole colour pictures for training: framing, backgrounds, odd files, and one clear sentence for bad folders."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unrender.data.image_cache import ImageCache
from unrender.data.rgb_pictures import RgbPictures, RgbSettings, load_rgb_pictures
from unrender.data.training_pictures import TrainingPictures
from unrender.errors import ConfigurationError, DataError, UserError

SMALL = RgbSettings(size=16)


def ramp(width: int = 40, height: int = 24) -> Image.Image:
    """Red grows to the right, green downwards; no mask could be found in it."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width).round()[None, :]
    pixels[..., 1] = np.linspace(0, 255, height).round()[:, None]
    pixels[..., 2] = 90
    return Image.fromarray(pixels)


def fill(folder: Path, count: int = 16) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        ramp(40 + index, 24 + index).save(folder / f"photo_{index:03d}.png")
    return folder


def cut_out(size: int = 16) -> Image.Image:
    """A square of sRGB 200, 100, 50, whose left edge is half covered, on nothing."""
    rgba = np.zeros((size, size, 4), np.uint8)
    rgba[4:12, 4:12] = (200, 100, 50, 255)
    rgba[4:12, 3] = (200, 100, 50, 128)
    return Image.fromarray(rgba)


def linear(level: float) -> float:
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def display(light: float) -> float:
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


def all_of(pictures: RgbPictures) -> torch.Tensor:
    return pictures.examples(len(pictures))


def test_photos_need_no_mask_and_become_their_largest_centred_square(tmp_path: Path) -> None:
    for index in range(16):
        ramp(48, 24).save(tmp_path / f"{index}.png")
    pictures = load_rgb_pictures(tmp_path, RgbSettings(size=24))
    expected = torch.from_numpy(np.asarray(ramp(48, 24))[:, 12:36].transpose(2, 0, 1) / 255.0).float()
    assert pictures.shape == (3, 24, 24)
    assert pictures.sides == (24.0,) * 16
    torch.testing.assert_close(all_of(pictures)[5], expected, atol=1e-6, rtol=0)
    assert isinstance(pictures, TrainingPictures)
    torch.testing.assert_close(pictures.batch(torch.tensor([3, 3]), torch.tensor([0, 9]))[1], expected)


def test_pictures_are_averaged_in_linear_light(tmp_path: Path) -> None:
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = 255
    for index in range(16):
        Image.fromarray(stripes).save(tmp_path / f"{index}.png")
    assert float(all_of(load_rgb_pictures(tmp_path, SMALL)).mean()) == pytest.approx(display(0.5), abs=0.003)


def test_sizes_may_be_mixed(tmp_path: Path) -> None:
    pictures = load_rgb_pictures(fill(tmp_path, 30), SMALL)
    assert pictures.images.shape == (30, 3, 16, 16)
    assert (all_of(pictures).mean(dim=(2, 3)) - all_of(pictures)[0].mean(dim=(1, 2))).abs().max() < 0.05


def test_enlarged_pictures_keep_their_colour_up_to_the_edge(tmp_path: Path) -> None:
    for index in range(16):
        Image.new("RGB", (20, 20), (10, 20, 200)).save(tmp_path / f"{index}.png")
    pictures = load_rgb_pictures(tmp_path, RgbSettings(size=64))
    assert (
        pictures.images.amin(dim=(2, 3)).tolist() == pictures.images.amax(dim=(2, 3)).tolist() == [[10, 20, 200]] * 16
    )
    assert "16 of 16 pictures are smaller than 64 pixels" in " ".join(pictures.complaints())


@pytest.mark.parametrize(
    ("background", "colour"), [("white", (255, 255, 255)), ("#0a141e", (10, 20, 30)), ("grey", (128, 128, 128))]
)
def test_pictures_with_alpha_are_put_on_a_plain_background(
    tmp_path: Path, background: str, colour: tuple[int, int, int]
) -> None:
    for index in range(16):
        cut_out().save(tmp_path / f"{index}.png")
    picture = load_rgb_pictures(tmp_path, RgbSettings(size=16, background=background)).images[7]
    assert picture[:, 0, 0].tolist() == list(colour)
    assert picture[:, 8, 8].tolist() == [200, 100, 50]
    share = 128 / 255
    mixed = [
        255 * display(share * linear(object_ / 255) + (1 - share) * linear(behind / 255))
        for object_, behind in zip((200, 100, 50), colour, strict=True)
    ]
    np.testing.assert_allclose(picture[:, 8, 3].numpy(), mixed, atol=1.0)


def test_varied_backgrounds_differ_by_picture_and_never_by_chance(tmp_path: Path) -> None:
    for index in range(20):
        cut_out().save(tmp_path / f"{index:02d}.png")
    varied = RgbSettings(size=16, background="varied")
    first = load_rgb_pictures(tmp_path, varied)
    corners = {tuple(picture[:, 0, 0].tolist()) for picture in first.images}
    assert len(corners) > 15
    assert first.images[:, :, 8, 8].tolist() == [[200, 100, 50]] * 20
    outside = first.images[:, :, :, 13:].float()
    assert float((outside[..., 1:] - outside[..., :-1]).abs().max()) < 40  # smooth
    (tmp_path / "00.png").unlink()
    again = load_rgb_pictures(tmp_path, varied)
    assert torch.equal(again.images, first.images[1:])  # whatever else is in the folder
    other = load_rgb_pictures(tmp_path, RgbSettings(size=16, background="varied", seed=1))
    assert not torch.equal(other.images, again.images)


def test_renders_keep_their_frame(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    lines = []
    for index in range(16):
        picture = ramp(40, 20) if index == 0 else cut_out()  # an opaque one is a render all the same
        picture.save(tmp_path / "images" / f"{index:06d}.png")
        lines.append(json.dumps({"index": index, "file": f"images/{index:06d}.png"}))
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines))
    pictures = load_rgb_pictures(tmp_path, SMALL)
    assert pictures.sides == (40.0, *[16.0] * 15)
    assert pictures.images[0, :, 0, 8].tolist() == [255, 255, 255]  # above the wide picture


def test_photos_may_be_framed_by_their_object_and_their_paper_goes_on(tmp_path: Path) -> None:
    y, x = np.mgrid[:60, :60]
    for index in range(16):
        disc = (x - 18) ** 2 + (y - 24) ** 2 <= 15**2
        pixels = np.where(disc[..., None], (180, 30, 40), (230, 232, 240)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    pictures = load_rgb_pictures(tmp_path, RgbSettings(size=32, framing="object", fill=0.5))
    picture = pictures.images[0].float()
    red = torch.nonzero(picture[1] < 100)
    assert (red.float().mean(dim=0) - 15.5).abs().max() < 0.6
    assert 14 <= int(red[:, 1].max() - red[:, 1].min()) + 1 <= 18
    paper = picture[:, :, 0]  # left of the photo's own edge
    assert float((paper - torch.tensor([230.0, 232.0, 240.0])[:, None]).abs().max()) <= 1.0


def test_every_format_depth_and_orientation(tmp_path: Path) -> None:
    fill(tmp_path, 16)
    picture = ramp(40, 24)
    picture.save(tmp_path / "a.JPG", quality=95)
    picture.save(tmp_path / "b.webp", lossless=True)
    picture.save(tmp_path / "c.bmp")
    picture.save(tmp_path / "d.tiff")
    picture.quantize(256).save(tmp_path / "e.png")
    picture.convert("CMYK").save(tmp_path / "f.jpeg", quality=95)
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by 90 degrees when shown
    picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "g.jpg", exif=turned, quality=95)
    pictures = load_rgb_pictures(tmp_path, SMALL)
    assert pictures.skipped == ()
    by_name = dict(zip(pictures.sources, all_of(pictures), strict=True))
    for name in ("a.JPG", "b.webp", "c.bmp", "d.tiff", "e.png", "f.jpeg", "g.jpg"):
        assert float((by_name[name] - by_name["photo_000.png"]).abs().mean()) < 0.03, name


def test_grey_pictures_of_8_and_16_bits_are_grey_and_said_to_be(tmp_path: Path) -> None:
    grey = np.asarray(ramp().convert("L"))
    for index in range(8):
        Image.fromarray(grey).save(tmp_path / f"{index}.png")
        Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / f"deep_{index}.png")
    pictures = load_rgb_pictures(tmp_path, SMALL)
    assert (pictures.images.amax(dim=1) == pictures.images.amin(dim=1)).all()
    assert torch.equal(pictures.images[0], pictures.images[-1])
    assert any("have no colours" in sentence for sentence in pictures.complaints())
    assert not any("have no colours" in one for one in load_rgb_pictures(fill(tmp_path / "c"), SMALL).complaints())


def test_palettes_with_transparency_are_put_on_the_background(tmp_path: Path) -> None:
    for index in range(16):
        cut_out().quantize(8).save(tmp_path / f"{index}.png")
    picture = load_rgb_pictures(tmp_path, SMALL).images[0]
    assert picture[:, 0, 0].tolist() == [255, 255, 255]
    assert (picture[:, 8, 8] - torch.tensor([200, 100, 50])).abs().max() <= 4


def test_of_animations_the_first_frame_is_used_and_that_is_said(tmp_path: Path) -> None:
    fill(tmp_path, 14)
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "z.png", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "z.webp", save_all=True, append_images=frames[1:], lossless=True)
    pictures = load_rgb_pictures(tmp_path, SMALL)
    assert pictures.images[14:].amax(dim=(2, 3)).tolist() == [[255, 0, 0], [255, 0, 0]]
    assert any("2 of 16 pictures are animations" in sentence for sentence in pictures.complaints())


def test_few_pictures_are_a_warning_that_says_what_to_do(tmp_path: Path) -> None:
    sentences = load_rgb_pictures(fill(tmp_path, 99), SMALL).complaints()
    assert len(sentences) == 1
    assert "only 99 training pictures" in sentences[0]
    assert "by heart" in sentences[0]
    assert "ADA" in sentences[0]
    ramp().save(tmp_path / "one_more.png")
    assert load_rgb_pictures(tmp_path, SMALL).complaints() == []


def test_broken_files_are_left_out_by_name(tmp_path: Path) -> None:
    whole = (fill(tmp_path) / "photo_000.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("no picture")
    Image.new("RGB", (15, 40), "white").save(tmp_path / "tiny.png")
    Image.new("RGBA", (40, 40)).save(tmp_path / "clear.png")
    Image.new("F", (40, 40)).save(tmp_path / "float.tif")
    pictures = load_rgb_pictures(tmp_path, SMALL)
    assert len(pictures) == 16
    reasons = dict(pictures.skipped)
    assert set(reasons) == {"cut.png", "empty.png", "text.jpg", "tiny.png", "clear.png", "float.tif"}
    assert any("6 pictures are left out: clear.png: transparent" in sentence for sentence in pictures.complaints())
    summary = pictures.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert (summary["images"], summary["skipped"]) == (16, 6)


def only_animations(folder: Path) -> Path:
    Image.new("RGB", (32, 32)).save(folder / "a.gif")
    return folder


def broken(folder: Path) -> Path:
    for index in range(20):
        (folder / f"{index}.png").write_bytes(b"broken")
    return folder


def too_few(folder: Path) -> Path:
    (fill(folder, 15) / "z.png").write_bytes(b"broken")
    return folder


def transparent(folder: Path) -> Path:
    for index in range(20):
        Image.new("RGBA", (32, 32)).save(folder / f"{index}.png")
    return folder


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: folder / "nowhere", r"no folder .*nowhere.* Give the folder"),
        (only_animations, r"no images in .*only 1 files of other kinds.*PNG, JPEG, WebP, BMP or TIFF"),
        (broken, r"None of the 20 images .*0\.png: cannot be read.*PNG"),
        (transparent, r"All 20 images .* transparent throughout"),
        (too_few, r"Only 15 images .*1 were left out: z\.png.*at least 16.*Add images"),
    ],
)
def test_bad_folders_are_one_clear_sentence(tmp_path: Path, make: object, sentence: str) -> None:
    assert callable(make)
    with pytest.raises(UserError, match=sentence):
        load_rgb_pictures(make(tmp_path), SMALL)


def test_photos_without_masks_cannot_be_framed_by_their_object(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    for index in range(20):
        Image.fromarray(noise.integers(0, 255, (40, 40, 3)).astype(np.uint8)).save(tmp_path / f"{index}.png")
    assert len(load_rgb_pictures(tmp_path, SMALL)) == 20
    with pytest.raises(DataError, match=r"20 of the 20 photos .*plain background"):
        load_rgb_pictures(tmp_path, RgbSettings(size=16, framing="object"))


def test_a_background_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"'cloudy'.*#rrggbb or varied.*white"):
        load_rgb_pictures(fill(tmp_path), RgbSettings(size=16, background="cloudy"))


def test_of_a_large_folder_a_part_may_be_taken(tmp_path: Path) -> None:
    pictures = load_rgb_pictures(fill(tmp_path, 40), RgbSettings(size=16, most=20))
    assert len(pictures) == 20
    assert (pictures.sources[0], pictures.sources[-1]) == ("photo_000.png", "photo_039.png")
    some = pictures.chosen([0, 19])
    assert some.sources == ("photo_000.png", "photo_039.png")
    assert torch.equal(some.images[1], pictures.images[19])


def test_cache_gives_the_same_and_depends_on_the_settings(tmp_path: Path) -> None:
    folder, cache = fill(tmp_path / "photos"), ImageCache(tmp_path / "cache")
    (folder / "text.jpg").write_text("no picture")
    calls: list[int] = []
    first = load_rgb_pictures(folder, SMALL, cache, lambda done, total: calls.append(total))
    second = load_rgb_pictures(folder, SMALL, cache, lambda done, total: calls.append(total))
    assert calls == [17] * 17
    assert torch.equal(first.images, second.images)
    assert (first.sources, first.sides, first.skipped) == (second.sources, second.sides, second.skipped)
    assert load_rgb_pictures(folder, RgbSettings(size=24), cache).shape == (3, 24, 24)
    framed = load_rgb_pictures(folder, RgbSettings(size=16, framing="camera"), cache)
    assert not torch.equal(framed.images, first.images)
