# SPDX-License-Identifier: Apache-2.0
"""A folder of pictures as one tensor: photographs on a plain background, or renders with an alpha channel.

Photographs are masked (`photo_masks`), cropped to the object and scaled to one size. Images with transparency keep
their framing, for there the frame is the camera's.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from unrender.data.framing import object_frame, resample_area, whole_frame
from unrender.data.image_cache import ImageCache
from unrender.data.image_files import FORMAT_NAMES, ImageFiles, decode_image, find_image_files, linear_light
from unrender.data.photo_masks import FAULTS, MaskSettings, mask_photo
from unrender.errors import DataError
from unrender.geometry.conventions import linear_to_srgb

Channels = Literal["grey_alpha", "rgb_alpha"]
Encoding = Literal["linear", "srgb"]
Framing = Literal["auto", "camera", "object"]

LEAST_IMAGES = 16
LEAST_PIXELS = 16
TRANSPARENT = "transparent throughout"
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Rec. 709, of linear light


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """What becomes of every image of a folder."""

    size: int = 64  # pixels, of both sides
    channels: Channels = "grey_alpha"  # luminance and alpha, or rgb and alpha
    encoding: Encoding = "linear"  # of the colour channels; alpha is coverage in either case
    framing: Framing = "auto"  # "camera": as it is; "object": centred and scaled; "auto": camera where there is alpha
    fill: float = 0.8  # share of the frame that the larger side of the object's box takes, where framed by the object
    masks: MaskSettings = field(default_factory=MaskSettings)

    def __post_init__(self) -> None:
        if self.size < 8 or not 0.1 <= self.fill <= 1.0:
            raise ValueError(f"size must be at least 8 and fill in 0.1..1, got {self.size} and {self.fill}")


@dataclass(frozen=True, slots=True)
class ImageSet:
    """The images of a folder, premultiplied by alpha, which is the last channel; black outside the objects."""

    images: Float[Tensor, "N C H W"]
    sources: tuple[str, ...]  # paths relative to the folder, with forward slashes
    encoding: Encoding
    cropped: tuple[bool, ...]  # which images were framed by their object, as photographs are that were masked
    sides: tuple[float, ...]  # how many pixels of its file each image's frame had a side
    skipped: tuple[tuple[str, str], ...]  # (path, reason)

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def framed_by_object(self) -> int:
        """How many images were cropped to their object."""
        return sum(self.cropped)

    @property
    def enlarged(self) -> int:
        """How many images had fewer pixels than they have now."""
        return sum(side < self.images.shape[-1] for side in self.sides)

    def chosen(self, indices: list[int]) -> "ImageSet":
        """Only the images with these numbers."""
        return ImageSet(
            self.images[indices],
            tuple(self.sources[index] for index in indices),
            self.encoding,
            tuple(self.cropped[index] for index in indices),
            tuple(self.sides[index] for index in indices),
            self.skipped,
        )

    def summary(self) -> dict[str, object]:
        """What was loaded, as values that JSON can hold."""
        alpha = self.images[:, -1:]
        colour = self.images[:, :-1]
        return {
            "images": len(self.sources),
            "size": self.images.shape[-1],
            "channels": self.images.shape[1],
            "encoding": self.encoding,
            "photographs": self.framed_by_object,
            "with_alpha": len(self.sources) - self.framed_by_object,
            "mean_inside": round(float(colour.sum() / alpha.sum() / colour.shape[1]), 4),
            "enlarged": self.enlarged,
            "mean_coverage": round(float(alpha.mean()), 4),
            "skipped": len(self.skipped),
            "skipped_examples": [f"{path}: {reason}" for path, reason in self.skipped[:10]],
        }


def load_images(
    folder: Path | str,
    settings: ImageSettings | None = None,
    cache: ImageCache | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ImageSet:
    """Load all images under a folder, `[N, C, size, size]`, in the order of their paths.

    PNG, JPEG, WebP, BMP and TIFF of any depth, with their EXIF orientation. An image that cannot be used is left out
    and named in `skipped`. With a cache, a folder that has not changed is decoded once. `progress(done, total)` is
    called once an image. Raises DataError where nothing useful is left: no folder, no images, fewer than 16 that can
    be used, or photographs whose background is not plain.
    """
    folder = Path(folder).expanduser()
    settings = settings or ImageSettings()
    files = find_image_files(folder)
    key = cache.key(folder, files.paths, asdict(settings)) if cache is not None else ""
    stored = cache.load(key) if cache is not None else None
    if stored is not None:
        images, facts = stored
        skipped = tuple((path, reason) for path, reason in facts["skipped"])
        sources, cropped, sides = (tuple(facts[name]) for name in ("sources", "cropped", "sides"))
        return ImageSet(images, sources, settings.encoding, cropped, sides, skipped)
    loaded = _load_files(folder, files, settings, progress)
    if cache is not None:
        facts = {name: getattr(loaded, name) for name in ("sources", "skipped", "cropped", "sides")}
        cache.save(key, loaded.images, facts)
    return loaded


def _load_files(
    folder: Path, files: ImageFiles, settings: ImageSettings, progress: Callable[[int, int], None] | None
) -> ImageSet:
    images: list[NDArray[np.float32]] = []
    sources: list[str] = []
    skipped: list[tuple[str, str]] = []
    cropped: list[bool] = []
    sides: list[float] = []
    for done, path in enumerate(files.paths):
        name = path.relative_to(folder).as_posix()
        try:
            image, framed_by_object, side = _load_file(path, settings, path in files.rendered)
        except DataError as error:
            skipped.append((name, error.message))
        else:
            images.append(image)
            sources.append(name)
            cropped.append(framed_by_object)
            sides.append(side)
        if progress is not None:
            progress(done + 1, len(files.paths))
    check_usable(folder, len(images), skipped)
    stacked = torch.from_numpy(np.stack(images))
    return ImageSet(stacked, tuple(sources), settings.encoding, tuple(cropped), tuple(sides), tuple(skipped))


def _load_file(path: Path, settings: ImageSettings, rendered: bool) -> tuple[Float[np.ndarray, "C S S"], bool, float]:
    """One image, whether it was framed by its object, and how many pixels its frame had a side; raises DataError with
    the reason where it is no use."""
    decoded = decode_image(path)
    height, width = decoded.rgb.shape[:2]
    if min(height, width) < LEAST_PIXELS:
        raise DataError(f"{width}x{height} pixels, smaller than {LEAST_PIXELS}x{LEAST_PIXELS}")
    photograph = decoded.alpha is None and not rendered
    if photograph:
        found = mask_photo(decoded.rgb, settings.masks)
        if found.fault:
            raise DataError(found.fault)
        alpha = found.mask.astype(np.float32)
    elif decoded.alpha is None:
        alpha = np.ones((height, width), np.float32)
    else:
        alpha = decoded.alpha.astype(np.float32) / 255.0
        if not (alpha > 0.5).any():
            raise DataError(TRANSPARENT)
    by_object = photograph if settings.framing == "auto" else settings.framing == "object"
    frame = object_frame(alpha, settings.fill) if by_object else whole_frame(width, height)
    linear = np.concatenate([linear_light(decoded.rgb) * alpha[..., None], alpha[..., None]], axis=2)  # premultiplied
    return _finish(resample_area(linear, frame, settings.size), settings), by_object, frame[2]


def _finish(linear: Float[np.ndarray, "S S 4"], settings: ImageSettings) -> Float[np.ndarray, "C S S"]:
    """The channels asked for, encoded as asked, of premultiplied linear rgb and alpha."""
    alpha = np.clip(linear[..., 3:], 0.0, 1.0)
    colour = linear[..., :3]
    if settings.channels == "grey_alpha":
        colour = (colour @ LUMINANCE)[..., None]
    if settings.encoding == "srgb":
        straight = torch.from_numpy(colour / np.maximum(alpha, 1e-4))
        colour = linear_to_srgb(straight).numpy() * alpha
    return np.ascontiguousarray(np.concatenate([colour, alpha], axis=2).transpose(2, 0, 1), dtype=np.float32)


def check_usable(folder: Path, loaded: int, skipped: list[tuple[str, str]]) -> None:
    """Raise DataError, with what to do, where too little of the folder can be used.

    loaded: how many images can be. skipped: (path, reason) of those that cannot."""
    total = loaded + len(skipped)
    masks_failed = sum(reason in FAULTS for _, reason in skipped)
    examples = "; ".join(f"{path}: {reason}" for path, reason in skipped[:3])
    if masks_failed > total // 2:
        raise DataError(
            f"{masks_failed} of the {total} photos in {folder} do not show one object on a plain background "
            f"({examples}).",
            "Photograph one object on evenly lit paper with space around it, or give images with transparency.",
        )
    if loaded == 0 and all(reason == TRANSPARENT for _, reason in skipped):
        raise DataError(
            f"All {total} images in {folder} are transparent throughout: their masks are black and show no object.",
            "Keep the object's pixels opaque when cutting it out, or give the photos without an alpha channel.",
        )
    if loaded == 0:
        raise DataError(
            f"None of the {total} images in {folder} can be used ({examples}).",
            f"Give {FORMAT_NAMES} files of at least {LEAST_PIXELS}x{LEAST_PIXELS} pixels.",
        )
    if loaded < LEAST_IMAGES:
        left_out = f" ({len(skipped)} were left out: {examples})" if skipped else ""
        raise DataError(
            f"Only {loaded} images in {folder} can be used{left_out}, and training needs at least {LEAST_IMAGES}.",
            "Add images: some hundreds or more make good shapes.",
        )
