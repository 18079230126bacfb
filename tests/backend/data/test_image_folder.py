# SPDX-License-Identifier: Apache-2.0
"""Folders of photographs and of renders become tensors; bad folders become one clear sentence."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from unrender.data.framing import resample_area
from unrender.data.image_cache import ImageCache
from unrender.data.image_folder import LUMINANCE, ImageSettings, load_images
from unrender.errors import DataError, UserError
from unrender.geometry.conventions import linear_to_srgb

SMALL = ImageSettings(size=32)


def photo(width: int = 60, height: int = 50, colour: tuple[int, int, int] = (200, 40, 30)) -> Image.Image:
    """An ellipse on white that takes 60% of the width and 40% of the height, above and left of the middle."""
    y, x = np.mgrid[:height, :width] + 0.5
    inside = ((x - 0.4 * width) / (0.3 * width)) ** 2 + ((y - 0.4 * height) / (0.2 * height)) ** 2 <= 1
    pixels = np.where(inside[..., None], np.array(colour), 255).astype(np.uint8)
    return Image.fromarray(pixels)


def fill(folder: Path, count: int = 16) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        photo(60 + index).save(folder / f"photo_{index:02d}.png")
    return folder


def render(size: int = 32) -> np.ndarray:
    """An RGBA render: a bright square, off centre, half covered along its left edge."""
    rgba = np.zeros((size, size, 4), np.uint8)
    rgba[4:12, 20:28] = (188, 188, 188, 255)
    rgba[4:12, 19] = (188, 188, 188, 128)
    return rgba


def test_photos_are_cropped_to_the_object_and_centred(tmp_path: Path) -> None:
    data = load_images(fill(tmp_path), ImageSettings(size=64, fill=0.8))
    assert data.images.shape == (16, 2, 64, 64)
    assert data.framed_by_object == len(data) == 16
    for alpha in data.images[:, 1] > 0.5:
        rows = torch.nonzero(alpha.any(dim=1)).flatten()
        columns = torch.nonzero(alpha.any(dim=0)).flatten()
        assert abs(int(columns[-1] - columns[0]) + 1 - 0.8 * 64) <= 2
        assert abs(float(columns[0] + columns[-1]) / 2 - 31.5) <= 1
        assert abs(float(rows[0] + rows[-1]) / 2 - 31.5) <= 1
    soft = data.images[:, 1]
    assert ((soft > 0.05) & (soft < 0.95)).any()


def test_luminance_is_rec709_in_linear_light_and_premultiplied(tmp_path: Path) -> None:
    linear = load_images(fill(tmp_path), SMALL)
    encoded = load_images(tmp_path, ImageSettings(size=32, encoding="srgb"))
    levels = np.array([200, 40, 30]) / 255
    expected = float(LUMINANCE @ np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4))
    grey, alpha = linear.images[:, 0], linear.images[:, 1]
    torch.testing.assert_close(grey, expected * alpha, atol=1e-4, rtol=0)
    torch.testing.assert_close(encoded.images[:, 0], linear_to_srgb(torch.tensor(expected)) * alpha, atol=1e-4, rtol=0)


def test_colour_channels_on_request(tmp_path: Path) -> None:
    data = load_images(fill(tmp_path), ImageSettings(size=32, channels="rgb_alpha", encoding="srgb"))
    assert data.images.shape == (16, 4, 32, 32)
    middle = data.images[:, :, 16, 16]
    torch.testing.assert_close(
        middle, torch.tensor([200 / 255, 40 / 255, 30 / 255, 1.0]).expand(16, 4), atol=0.005, rtol=0
    )


def test_renders_with_alpha_keep_their_frame_and_pixels(tmp_path: Path) -> None:
    for index in range(16):
        Image.fromarray(render()).save(tmp_path / f"{index}.png")
    data = load_images(tmp_path, ImageSettings(size=32, encoding="srgb"))
    assert data.framed_by_object == 0
    expected = torch.from_numpy(render()[..., 3].astype(np.float32) / 255)
    torch.testing.assert_close(data.images[3, 1], expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(data.images[3, 0], expected * 188 / 255, atol=1e-4, rtol=0)


def test_renders_of_another_size_are_averaged_premultiplied(tmp_path: Path) -> None:
    for index in range(16):
        Image.fromarray(render()).save(tmp_path / f"{index}.png")
    data = load_images(tmp_path, ImageSettings(size=16, encoding="linear"))
    alpha = render()[..., 3].astype(np.float32) / 255
    halves = torch.from_numpy(alpha.reshape(16, 2, 16, 2).mean(axis=(1, 3)))
    torch.testing.assert_close(data.images[0, 1], halves, atol=1e-6, rtol=0)
    white = ((188 / 255 + 0.055) / 1.055) ** 2.4
    torch.testing.assert_close(data.images[0, 0], halves * white, atol=1e-4, rtol=0)


def test_rendered_data_set_is_what_its_manifest_lists(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    lines = []
    for index in range(17):
        Image.fromarray(render()).save(tmp_path / "images" / f"{index:06d}.png")
        lines.append(json.dumps({"index": index, "file": f"images/{index:06d}.png"}))
    # A render whose object fills the frame is opaque throughout, and is a render all the same.
    Image.new("RGB", (32, 32), (90, 90, 90)).save(tmp_path / "images" / "000000.png")
    Image.new("RGB", (320, 320), "red").save(tmp_path / "contact_sheet.png")
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines[:-1]))
    data = load_images(tmp_path, SMALL)
    assert data.sources == tuple(f"images/{index:06d}.png" for index in range(16))
    assert data.framed_by_object == 0
    assert float(data.images[0, 1].min()) == 1.0


def test_broken_manifest_is_named(tmp_path: Path) -> None:
    fill(tmp_path / "images")
    (tmp_path / "manifest.jsonl").write_text('{"index": 0}\n')
    with pytest.raises(DataError, match=r"manifest\.jsonl.*names no file"):
        load_images(tmp_path)


def test_every_format_depth_and_orientation(tmp_path: Path) -> None:
    fill(tmp_path, 8)
    picture = photo()
    picture.save(tmp_path / "a.JPG", quality=95)
    picture.save(tmp_path / "b.webp", lossless=True)
    picture.save(tmp_path / "c.bmp")
    picture.save(tmp_path / "d.tiff")
    picture.quantize(8).save(tmp_path / "e.png")
    grey = np.asarray(picture.convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(tmp_path / "f.png")
    picture.convert("CMYK").save(tmp_path / "g.jpeg", quality=95)
    Image.fromarray(grey).save(tmp_path / "h.tif")
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by 90 degrees when shown
    picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "i.jpg", exif=turned, quality=95)
    data = load_images(tmp_path, SMALL)
    assert data.skipped == ()
    by_name = dict(zip(data.sources, data.images, strict=True))
    reference = by_name["photo_00.png"]
    for name in ("a.JPG", "b.webp", "c.bmp", "d.tiff", "e.png", "f.png", "g.jpeg", "h.tif", "i.jpg"):
        assert float((by_name[name][1] - reference[1]).abs().mean()) < 0.05, name
    # Grey of 16 bits is as bright as its 8-bit self.
    alpha = by_name["f.png"][1] > 0.99
    level = float(np.asarray(picture.convert("L"))[20, 24]) / 255
    expected = ((level + 0.055) / 1.055) ** 2.4
    assert float(by_name["f.png"][0][alpha].mean()) == pytest.approx(expected, abs=0.005)


def test_palette_with_transparency_is_alpha(tmp_path: Path) -> None:
    for index in range(16):
        Image.fromarray(render()).quantize(16).save(tmp_path / f"{index}.png")
    data = load_images(tmp_path, SMALL)
    assert data.framed_by_object == 0
    assert float(data.images[:, 1, 8, 24].min()) == 1.0
    assert float(data.images[:, 1, 28, 4].max()) == 0.0


def test_cut_outs_may_be_framed_by_the_object(tmp_path: Path) -> None:
    for index in range(16):
        Image.fromarray(render()).save(tmp_path / f"{index}.png")
    data = load_images(tmp_path, ImageSettings(size=32, framing="object", fill=0.5))
    inside = data.images[0, 1] > 0.5
    assert int(inside.any(dim=0).sum()) in (15, 16, 17)
    assert bool(inside[16, 16])


def test_order_is_that_of_the_paths_and_folders_are_searched(tmp_path: Path) -> None:
    fill(tmp_path / "b")
    photo().save(tmp_path / "b" / "a.png")
    fill(tmp_path / "a" / "deep", 1)
    fill(tmp_path / ".hidden", 1)
    data = load_images(tmp_path, SMALL)
    assert data.sources[:3] == ("a/deep/photo_00.png", "b/a.png", "b/photo_00.png")
    assert len(data) == 18


def test_unusable_images_are_left_out_by_name(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "text.jpg").write_text("no picture")
    whole = (tmp_path / "photo_00.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").write_bytes(b"")
    Image.new("RGB", (15, 40), "white").save(tmp_path / "tiny.png")
    Image.new("RGBA", (40, 40)).save(tmp_path / "clear.png")
    Image.new("F", (40, 40)).save(tmp_path / "float.tif")
    data = load_images(tmp_path, SMALL)
    assert len(data) == 16
    reasons = dict(data.skipped)
    assert set(reasons) == {"text.jpg", "cut.png", "empty.png", "tiny.png", "clear.png", "float.tif"}
    assert "15x40" in reasons["tiny.png"]
    assert "transparent" in reasons["clear.png"]
    assert "floating-point" in reasons["float.tif"]
    summary = data.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert (summary["images"], summary["skipped"], summary["photographs"]) == (16, 6, 16)


def missing(folder: Path) -> Path:
    return folder / "nowhere"


def a_file(folder: Path) -> Path:
    fill(folder, 1)
    return folder / "photo_00.png"


def empty(folder: Path) -> Path:
    return folder


def other_kinds(folder: Path) -> Path:
    (folder / "notes.txt").write_text("x")
    (folder / "clip.heic").write_bytes(b"x")
    return folder


def broken(folder: Path) -> Path:
    for index in range(20):
        (folder / f"{index}.png").write_bytes(b"broken")
    return folder


def tiny(folder: Path) -> Path:
    for index in range(20):
        Image.new("RGB", (8, 8), "white").save(folder / f"{index}.png")
    return folder


def too_few(folder: Path) -> Path:
    fill(folder, 15)
    (folder / "z.png").write_bytes(b"broken")
    return folder


def busy_background(folder: Path) -> Path:
    noise = np.random.default_rng(0)
    fill(folder, 9)
    for index in range(11):
        Image.fromarray(noise.integers(0, 255, (40, 40, 3)).astype(np.uint8)).save(folder / f"noise_{index}.png")
    return folder


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (missing, r"no folder .*nowhere.* Give the folder"),
        (a_file, r"photo_00\.png is a file, not a folder"),
        (empty, r"no images in .*holds no files.*PNG, JPEG, WebP, BMP or TIFF"),
        (other_kinds, r"no images in .*only 2 files of other kinds.*PNG"),
        (broken, r"None of the 20 images .*0\.png: cannot be read.*PNG"),
        (tiny, r"None of the 20 images .*8x8 pixels, smaller than 16x16"),
        (too_few, r"Only 15 images .*1 were left out: z\.png.*at least 16.*Add images"),
        (
            busy_background,
            r"11 of the 20 photos .*plain background.*noise_0\.png: the background is not plain.*evenly lit",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_bad_folders_are_one_clear_sentence(tmp_path: Path, make: object, sentence: str) -> None:
    assert callable(make)
    with pytest.raises(UserError, match=sentence):
        load_images(make(tmp_path), SMALL)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="this user may read every folder")
def test_folder_without_permission(tmp_path: Path) -> None:
    closed = fill(tmp_path / "closed")
    closed.chmod(0)
    try:
        with pytest.raises(DataError, match="cannot be read"):
            load_images(closed)
    finally:
        closed.chmod(0o755)


def test_cache_gives_the_same_and_notices_changes(tmp_path: Path) -> None:
    folder, cache = fill(tmp_path / "photos"), ImageCache(tmp_path / "cache")
    (folder / "text.jpg").write_text("no picture")
    calls: list[tuple[int, int]] = []
    first = load_images(folder, SMALL, cache, lambda done, total: calls.append((done, total)))
    assert calls == [(done, 17) for done in range(1, 18)]
    calls.clear()
    second = load_images(folder, SMALL, cache, lambda done, total: calls.append((done, total)))
    assert calls == []
    assert torch.equal(first.images, second.images)
    assert (first.sources, first.skipped, first.framed_by_object) == (
        second.sources,
        second.skipped,
        second.framed_by_object,
    )
    assert load_images(folder, ImageSettings(size=16), cache).images.shape[-1] == 16
    photo(90).save(folder / "photo_03.png")
    changed = load_images(folder, SMALL, cache)
    assert not torch.equal(changed.images[3], first.images[3])


def test_broken_or_unwritable_cache_is_as_none(tmp_path: Path) -> None:
    folder, place = fill(tmp_path / "photos"), tmp_path / "cache"
    expected = load_images(folder, SMALL).images
    load_images(folder, SMALL, ImageCache(place))
    for stored in place.iterdir():
        stored.write_bytes(stored.read_bytes()[:100])
    assert torch.equal(load_images(folder, SMALL, ImageCache(place)).images, expected)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the cache's folder would be")
    assert torch.equal(load_images(folder, SMALL, ImageCache(blocked)).images, expected)


def test_cache_forgets_the_oldest_sets_and_leaves_no_partial_files(tmp_path: Path) -> None:
    folder, cache = fill(tmp_path / "photos"), ImageCache(tmp_path / "cache", most_sets=2)
    for size in (8, 16, 24):
        load_images(folder, ImageSettings(size=size), cache)
    names = [path.name for path in cache.folder.iterdir()]
    assert len(names) == 2
    assert all(name.endswith(".safetensors") for name in names)


def test_area_resampling_is_exact_and_linear() -> None:
    image = np.random.default_rng(0).random((6, 6, 1)).astype(np.float32)
    assert np.array_equal(resample_area(image, (0.0, 0.0, 6.0), 6), image)
    halves = image.reshape(3, 2, 3, 2, 1).mean(axis=(1, 3))
    np.testing.assert_allclose(resample_area(image, (0.0, 0.0, 6.0), 3), halves, atol=1e-6)
    # A shrinking grid that does not divide the old one keeps the sum.
    np.testing.assert_allclose(resample_area(image, (0.0, 0.0, 6.0), 4).mean(), image.mean(), atol=1e-6)
    ramp = np.broadcast_to(np.arange(6.0, dtype=np.float32)[None, :, None], (6, 6, 1))
    larger = resample_area(ramp, (0.0, 0.0, 6.0), 12)[5, :, 0]
    np.testing.assert_allclose(larger[1:-1], (np.arange(12) / 2 - 0.25)[1:-1], atol=1e-5)
    outside = resample_area(np.ones((6, 6, 1), np.float32), (-6.0, 0.0, 12.0), 2)
    np.testing.assert_allclose(outside[0, :, 0], [0.0, 1.0], atol=1e-6)


def test_fruit_photos_all_have_masks(shared_data: Path) -> None:
    folder = shared_data / "fruits360_photos" / "tomato" / "tomato_cherry_red_2"
    if not folder.is_dir():
        pytest.skip("../shared/data/fruits360_photos is not beside the checkout")
    data = load_images(folder)
    assert data.skipped == ()
    coverage = data.images[:, 1].mean(dim=(1, 2))
    # An ellipse that touches its box covers .785 of it, and the box's larger side is .8 of the frame.
    assert float(coverage.max()) < 0.55
    assert float(coverage.min()) > 0.25


def test_cached_sets_are_dropped_by_number_and_by_size(tmp_path: Path) -> None:
    images = torch.zeros(1, 2, 16, 16)  # 2 KiB
    for number, cache in enumerate(
        (ImageCache(tmp_path / "a", most_sets=2), ImageCache(tmp_path / "b", most_bytes=6000))
    ):
        for key in ("first", "second", "third"):
            cache.save(key, images, {"key": key})
            os.utime(cache.folder / f"{key}.safetensors", (1000.0 + number, 1000.0 + number + len(key)))
        for place, key in enumerate(("first", "second", "third")):
            path = cache.folder / f"{key}.safetensors"
            if path.exists():
                os.utime(path, (2000.0 + place, 2000.0 + place))
        cache.save("fourth", images, {})
        assert sorted(path.stem for path in cache.folder.iterdir()) == ["fourth", "third"]
    single = ImageCache(tmp_path / "c", most_bytes=1)
    single.save("large", images, {})
    assert single.load("large") is not None  # what was made last always stays
