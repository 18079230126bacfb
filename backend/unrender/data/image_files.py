# SPDX-License-Identifier: Apache-2.0
"""Image files of a folder, and their pixels: whatever the format, upright 8-bit sRGB with straight alpha."""

import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from unrender.errors import DataError

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WebP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
FORMAT_NAMES = "PNG, JPEG, WebP, BMP or TIFF"
_IGNORED_FOLDERS = {"__MACOSX", "__pycache__"}


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """Pixels as they are to be seen: orientation applied, 8 bits, sRGB-encoded."""

    rgb: NDArray[np.uint8]  # [H, W, 3]
    alpha: NDArray[np.uint8] | None  # [H, W], straight; None where the file has no transparency or is opaque throughout
    frames: int = 1  # pictures in the file, of an animation or of several pages; these are the first one's pixels


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The images under a folder, in an order that is the same on every machine (by their path's parts)."""

    paths: tuple[Path, ...]
    rendered: frozenset[Path]  # those that a manifest of `unrender render-dataset` lists


def find_image_files(folder: Path) -> ImageFiles:
    """All image files under the folder; of a rendered data set in it, those that its manifest lists.

    Hidden files and folders are left out, and links to folders are not followed. Raises DataError, with what to do,
    where the folder is missing, is a file, cannot be read, or holds no image.
    """
    if not folder.exists():
        raise DataError(f"There is no folder {folder}.", "Give the folder that holds the images.")
    if not folder.is_dir():
        raise DataError(f"{folder} is a file, not a folder.", "Give the folder that holds the images, not one of them.")
    found: list[Path] = []
    manifests: list[Path] = []
    others = 0

    def fail(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise DataError(
                f"The folder {folder} cannot be read: {error.strerror}.", "Check its permissions."
            ) from error

    for parent, folders, names in os.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _IGNORED_FOLDERS]
        for name in names:
            if name.startswith("."):
                continue
            if Path(name).suffix.lower() in FORMATS:
                found.append(Path(parent, name))
            else:
                others += 1
                if name.startswith("manifest") and name.endswith(".jsonl"):
                    manifests.append(Path(parent, name))
    rendered = frozenset(path for manifest in manifests for path in _listed_images(manifest))
    # A data set's contact sheet and passes lie beside its images.
    roots = {manifest.parent for manifest in manifests}
    found = [path for path in found if path in rendered or not roots.intersection(path.parents)]
    if not found:
        holds = f"only {others} files of other kinds" if others else "no files"
        raise DataError(
            f"There are no images in {folder} (it holds {holds}).",
            f"Images are {FORMAT_NAMES} files; sub-folders count.",
        )
    return ImageFiles(tuple(sorted(found, key=lambda path: path.relative_to(folder).parts)), rendered)


def _listed_images(manifest: Path) -> list[Path]:
    """The files that a manifest lists, one JSON record a line."""
    files = []
    for line in manifest.read_text(encoding="utf-8").splitlines():
        try:
            name = json.loads(line)["file"]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{manifest} is not a data set's manifest: a line of it names no file.",
                "Render the data set again, or move the manifest away to use all images of the folder.",
            ) from error
        files.append(manifest.parent / str(name))
    return files


def decode_image(path: Path, most_pixels: int = 2048) -> DecodedImage:
    """Read one file. Opaque photos whose larger side is beyond twice `most_pixels` are reduced by a whole factor.

    Raises DataError where the file is not an image that can be shown: broken, cut off, empty, or in floating point.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of large photos, and of odd metadata that does not change the pixels.
            warnings.simplefilter("ignore")
            # By what is in the file, whatever its name; but Pillow knows formats that start other programs.
            with Image.open(path, formats=tuple(FORMATS.values())) as opened:
                if opened.mode == "F":
                    raise DataError("floating-point pixels have no defined white")
                frames = int(getattr(opened, "n_frames", 1))
                image = _to_8_bits(ImageOps.exif_transpose(opened))
    except DataError:
        raise
    except UnidentifiedImageError as error:  # its own message names the whole path, which the caller does already
        raise DataError(f"cannot be read (it holds no {FORMAT_NAMES})") from error
    # Pillow's plugins raise nearly anything on a broken file, and a bad photo must not end the run.
    except Exception as error:
        raise DataError(f"cannot be read ({error})") from error
    if image.mode == "RGBA":
        alpha = np.array(image.getchannel("A"))
        rgb = np.array(image.convert("RGB"))
        return DecodedImage(rgb, None if alpha.min() == 255 else alpha, frames)
    factor = max(image.size) // most_pixels
    return DecodedImage(np.array(image.reduce(factor) if factor > 1 else image), None, frames)


def _to_8_bits(image: Image.Image) -> Image.Image:
    """RGB or RGBA with 8 bits a channel."""
    if image.mode.startswith("I"):
        # Grey of 16 bits; Pillow also opens it as 32-bit integers. convert() would clip it at 255.
        levels = np.asarray(image).astype(np.float64)
        return Image.fromarray(np.clip(levels / 257.0 + 0.5, 0, 255).astype(np.uint8)).convert("RGB")
    transparent = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    return image.convert("RGBA" if transparent else "RGB")


def linear_light(encoded: UInt8[np.ndarray, "*shape"]) -> NDArray[np.float32]:
    """Decode 8-bit sRGB values to linear light in [0, 1], by table."""
    levels = np.arange(256) / 255.0
    table = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return table.astype(np.float32)[encoded]
