# SPDX-License-Identifier: Apache-2.0
"""A folder of pictures as whole, opaque colour pictures: no masks are needed and nothing is cut out."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from unrender.data.backdrops import Backdrop
from unrender.data.face_folders import CELEBA_SIZE, aligned_faces, celeba_frame, is_celeba
from unrender.data.framing import Frame, largest_square, object_frame, resample_area, whole_frame
from unrender.data.image_cache import ImageCache
from unrender.data.image_files import DecodedImage, ImageFiles, decode_image, find_image_files, linear_light
from unrender.data.image_folder import LEAST_PIXELS, TRANSPARENT, check_usable
from unrender.data.photo_masks import MaskSettings, mask_photo
from unrender.data.training_pictures import Batch, Items, spread
from unrender.errors import DataError
from unrender.geometry.conventions import linear_to_srgb, srgb_to_linear

RgbFraming = Literal["auto", "square", "camera", "object", "face"]

FEW_PICTURES = 100
_GREY = 2.0 / 255.0  # channels that differ by no more are grey
_SAMPLE = 256  # pictures that are looked at to say what is odd


@dataclass(frozen=True, slots=True)
class RgbSettings:
    """What becomes of every picture of a folder.

    framing: "square": the largest centred square; "camera": all of it, as renders are framed; "object": the square
    around the one object on a plain background, which takes `fill` of it; "face": CelebA's, `face_pixels` around the
    face; "auto": by the picture: CelebA's faces, renders and pictures with transparency as they are, squares of others.
    background: what is behind transparency and beyond a render's edges, see `Backdrop.named`; seed: of "varied".
    most: at most so many pictures, evenly spread over the folder; 0: all.
    """

    size: int = 64  # pixels, of both sides
    framing: RgbFraming = "auto"
    background: str = "white"
    seed: int = 0
    fill: float = 0.8
    face_pixels: int = 128
    most: int = 0
    masks: MaskSettings = field(default_factory=MaskSettings)

    def __post_init__(self) -> None:
        if self.size < 8 or not 0.1 <= self.fill <= 1.0 or self.most < 0:
            raise ValueError(
                f"size must be at least 8, fill in 0.1..1 and most not negative, got {self.size}, {self.fill}, "
                f"{self.most}"
            )


@dataclass(slots=True)
class RgbPictures:
    """Opaque pictures in memory, sRGB-encoded, as `TrainingPictures`: 8 bits a channel are kept, floats are given.

    images: row 0 at the top. sources: paths relative to the folder, with forward slashes. sides: how many pixels of its
    file each picture's frame had a side. skipped: (path, reason). animated: pictures of which only the first frame is
    used. colourless: of those looked at, the share without any colour.
    """

    images: UInt8[Tensor, "N 3 S S"]
    sources: tuple[str, ...]
    sides: tuple[float, ...]
    skipped: tuple[tuple[str, str], ...]
    animated: int = 0
    waited_seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def shape(self) -> tuple[int, int, int]:
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def batch(self, items: Items, passes: Items) -> Batch:
        """The pictures of these items `[B, 3, S, S]` in [0, 1], whatever the pass."""
        return self.images[items].float() / 255.0

    def prefetch(self, items: Items, passes: Items) -> None:
        """Nothing to do: the pictures are there."""

    def examples(self, count: int) -> Batch:
        """At most `count` pictures, evenly spread over the set, `[N, 3, S, S]` in [0, 1]."""
        return self.images[spread(len(self), count)].float() / 255.0

    def close(self) -> None:
        """Nothing to stop."""

    def chosen(self, indices: list[int]) -> "RgbPictures":
        """Only the pictures with these numbers."""
        return replace(
            self,
            images=self.images[indices],
            sources=tuple(self.sources[index] for index in indices),
            sides=tuple(self.sides[index] for index in indices),
        )

    def complaints(self) -> list[str]:
        """What is odd about the pictures, as sentences for the user, most important first; empty where nothing is."""
        count, size = len(self), self.images.shape[-1]
        sentences = []
        if count < FEW_PICTURES:
            sentences.append(
                f"There are only {count} training pictures: the discriminator will soon know them by heart, and shapes "
                "will vary little. Keep the adaptive augmentation (ADA) on and add pictures; some thousands are good."
            )
        enlarged = sum(side < size for side in self.sides)
        if enlarged > count // 10:
            sentences.append(
                f"{enlarged} of {count} pictures are smaller than {size} pixels and are enlarged: the discriminator "
                "will expect blurred renders. Give larger pictures, or use a preset of smaller images."
            )
        if self._are_grey():
            sentences.append(
                "The pictures have no colours: textures will be grey. Were they meant for another method, or scanned "
                "in black and white?"
            )
        if self.animated:
            sentences.append(f"{self.animated} of {count} pictures are animations; only their first frames are used.")
        if self.skipped:
            examples = "; ".join(f"{path}: {reason}" for path, reason in self.skipped[:3])
            sentences.append(f"{len(self.skipped)} pictures are left out: {examples}.")
        return sentences

    def summary(self) -> dict[str, object]:
        """What was loaded, as values that JSON can hold."""
        return {
            "images": len(self),
            "size": self.images.shape[-1],
            "channels": 3,
            "encoding": "srgb",
            "mean": round(float(self.examples(_SAMPLE).mean()), 4),
            "enlarged": sum(side < self.images.shape[-1] for side in self.sides),
            "animated": self.animated,
            "skipped": len(self.skipped),
            "skipped_examples": [f"{path}: {reason}" for path, reason in self.skipped[:10]],
        }

    def _are_grey(self) -> bool:
        some = self.examples(_SAMPLE)
        return bool((some.amax(dim=1) - some.amin(dim=1)).max() <= _GREY)


def load_rgb_pictures(
    folder: Path | str,
    settings: RgbSettings | None = None,
    cache: ImageCache | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RgbPictures:
    """Load all pictures under a folder, `[N, 3, size, size]`, in the order of their paths.

    PNG, JPEG, WebP, BMP and TIFF of any depth and size, with their EXIF orientation; FFHQ's and CelebA's folders as
    they are (see `face_folders`). Resampled and put on their background in linear light. A picture that cannot be used
    is left out and named in `skipped`. With a cache, a folder that has not changed is decoded once. `progress(done,
    total)` is called once a picture. Raises DataError where nothing useful is left: no folder, no pictures, fewer than
    16 that can be used; ConfigurationError for a background that is none.
    """
    settings = settings or RgbSettings()
    backdrop = Backdrop.named(settings.background, settings.seed)
    folder = aligned_faces(Path(folder).expanduser(), settings.size)
    files = find_image_files(folder)
    if settings.most:
        files = replace(files, paths=tuple(files.paths[k] for k in spread(len(files.paths), settings.most).tolist()))
    key = cache.key(folder, files.paths, {"channels": "rgb", **asdict(settings)}) if cache is not None else ""
    stored = cache.load(key) if cache is not None else None
    if stored is not None:
        images, facts = stored
        skipped = tuple((path, reason) for path, reason in facts["skipped"])
        return RgbPictures(images, tuple(facts["sources"]), tuple(facts["sides"]), skipped, facts["animated"])
    loaded = _load_files(folder, files, settings, backdrop, progress)
    if cache is not None:
        facts = {name: getattr(loaded, name) for name in ("sources", "sides", "skipped", "animated")}
        cache.save(key, loaded.images, facts)
    return loaded


def _load_files(
    folder: Path,
    files: ImageFiles,
    settings: RgbSettings,
    backdrop: Backdrop,
    progress: Callable[[int, int], None] | None,
) -> RgbPictures:
    images: list[UInt8[np.ndarray, "3 S S"]] = []
    sources: list[str] = []
    sides: list[float] = []
    skipped: list[tuple[str, str]] = []
    animated = 0
    for done, path in enumerate(files.paths):
        name = path.relative_to(folder).as_posix()
        try:
            decoded = decode_image(path)
            frame, behind = _framed(path, decoded, settings, path in files.rendered)
        except DataError as error:
            skipped.append((name, error.message))
        else:
            if behind is None:
                behind = backdrop.behind(name, settings.size)
            images.append(_picture(decoded, frame, settings.size, behind))
            sources.append(name)
            sides.append(frame[2])
            animated += decoded.frames > 1
        if progress is not None:
            progress(done + 1, len(files.paths))
    check_usable(folder, len(images), skipped)
    return RgbPictures(torch.from_numpy(np.stack(images)), tuple(sources), tuple(sides), tuple(skipped), animated)


def _framed(
    path: Path, decoded: DecodedImage, settings: RgbSettings, rendered: bool
) -> tuple[Frame, Float[np.ndarray, "S S 3"] | None]:
    """The picture's frame, and what is beyond its edges where that is not the backdrop; raises DataError with the
    reason where the picture is no use."""
    height, width = decoded.rgb.shape[:2]
    if min(height, width) < LEAST_PIXELS:
        raise DataError(f"{width}x{height} pixels, smaller than {LEAST_PIXELS}x{LEAST_PIXELS}")
    if decoded.alpha is not None and not (decoded.alpha > 127).any():
        raise DataError(TRANSPARENT)
    framing = settings.framing
    if framing == "auto":
        as_it_is = rendered or decoded.alpha is not None
        framing = "camera" if as_it_is else "face" if is_celeba(path, width, height) else "square"
    if framing == "face":
        if (width, height) != CELEBA_SIZE:
            raise DataError(
                f"{width}x{height} pixels, but CelebA's aligned faces have {CELEBA_SIZE[0]}x{CELEBA_SIZE[1]}"
            )
        return celeba_frame(float(settings.face_pixels)), None
    if framing == "camera":
        return whole_frame(width, height), None
    if framing == "square":
        return largest_square(width, height), None
    if decoded.alpha is not None:
        return object_frame(decoded.alpha.astype(np.float32) / 255.0, settings.fill), None
    found = mask_photo(decoded.rgb, settings.masks)
    if found.fault:
        raise DataError(found.fault)
    paper = np.array(found.background, np.float32) / 255.0  # goes on beyond the photo's edges
    behind = np.broadcast_to(paper, (settings.size, settings.size, 3)).copy()
    return object_frame(found.mask.astype(np.float32), settings.fill), behind


def _picture(
    decoded: DecodedImage, frame: Frame, size: int, behind: Float[np.ndarray, "S S 3"]
) -> UInt8[np.ndarray, "3 S S"]:
    """The frame of a picture over an sRGB-encoded background, averaged and composed in linear light."""
    height, width = decoded.rgb.shape[:2]
    alpha = np.ones((height, width), np.float32)
    if decoded.alpha is not None:
        alpha = decoded.alpha.astype(np.float32) / 255.0
    layers = np.concatenate([linear_light(decoded.rgb) * alpha[..., None], alpha[..., None]], axis=2)
    resampled = resample_area(layers, frame, size)
    left, top, side = frame
    is_inside = left >= 0.0 and top >= 0.0 and left + side <= width and top + side <= height
    if is_inside and side < size:
        # An enlarged picture mixes the pixels at its edge with what is beyond, and of that nothing may come in.
        resampled = resampled / resample_area(np.ones((height, width, 1), np.float32), frame, size)
    coverage = np.clip(resampled[..., 3:], 0.0, 1.0)
    linear = torch.from_numpy(resampled[..., :3]) + torch.from_numpy(1.0 - coverage) * srgb_to_linear(
        torch.from_numpy(behind)
    )
    encoded = np.rint(linear_to_srgb(linear).numpy() * 255.0).astype(np.uint8)
    return np.ascontiguousarray(encoded.transpose(2, 0, 1))
