# SPDX-License-Identifier: Apache-2.0
"""Writing films: GIF, which plays everywhere and has 256 colours, and MP4, which is sharper and smaller."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unrender.atomic_file import write_atomically
from unrender.errors import ConfigurationError

Frame = NDArray[np.uint8]

_HUNDREDTHS = 100  # of a second: what GIF counts time in
_QUALITY = "18"  # x264's constant rate factor: no difference to be seen


def check_film_path(path: Path) -> None:
    """Raises ConfigurationError where no film can be written to a file of that name."""
    if path.suffix.lower() not in FILM_FORMATS:
        raise ConfigurationError(
            f"A film cannot be written as {path.suffix or 'a file without suffix'!r}.",
            f"Name a file that ends in {' or '.join(FILM_FORMATS)}.",
        )
    if path.suffix.lower() == ".mp4":
        _load_encoder()


def write_film(frames: Iterable[Frame], frames_per_second: float, path: Path) -> None:
    """Write frames [H, W, 3], all of one size, to a .gif or .mp4 file, taking one after the other.

    A GIF plays without end, and holds each frame for a whole number of hundredths of a second; H.264 has even sides
    only, so that a last odd row or column of an MP4 is doubled. The file appears when it is whole. Raises
    ConfigurationError for another suffix, for no frame, and for MP4 without its encoder; DiskFullError.
    """
    check_film_path(path)
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise ConfigurationError(f"There is nothing to write to {path.name}: the film has no frames.")
    writer = _WRITERS[path.suffix.lower()]
    write_atomically(path, lambda temporary: writer(itertools.chain([first], rest), frames_per_second, temporary))


def _write_gif(frames: Iterator[Frame], frames_per_second: float, path: Path) -> None:
    pictures = (Image.fromarray(frame).quantize(dither=Image.Dither.NONE) for frame in frames)
    hold = max(2, round(_HUNDREDTHS / frames_per_second)) * 1000 // _HUNDREDTHS  # shorter ones are played slowly
    next(pictures).save(path, "GIF", save_all=True, append_images=pictures, duration=hold, loop=0)


def _write_mp4(frames: Iterator[Frame], frames_per_second: float, path: Path) -> None:
    av = _load_encoder()
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream: Any = None
        for frame in frames:
            height, width = frame.shape[:2]
            even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            if stream is None:
                rate = Fraction(frames_per_second).limit_denominator(1001)
                stream = container.add_stream("libx264", rate=rate, options={"crf": _QUALITY})
                stream.height, stream.width, stream.pix_fmt = *even.shape[:2], "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode())


def _load_encoder() -> Any:
    try:
        import av
    except ImportError as error:
        raise ConfigurationError(
            "Writing MP4 needs the package av, which is not installed.",
            'Install it: pip install "unrender[film]"; or name a .gif file.',
        ) from error
    return av


_WRITERS: dict[str, Callable[[Iterator[Frame], float, Path], None]] = {".gif": _write_gif, ".mp4": _write_mp4}

FILM_FORMATS: tuple[str, ...] = tuple(_WRITERS)
"""Suffixes that `write_film` writes."""
