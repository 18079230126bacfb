# SPDX-License-Identifier: Apache-2.0
"""FFHQ and CelebA as their owners have them on disk, recognised by their layout.

FFHQ (Karras et al. 2019): `images1024x1024/` and `thumbnails128x128/`, each flat or in folders of a thousand
(`31000/31415.png`), beside `in-the-wild-images/`. CelebA (Liu et al. 2015): `img_align_celeba/000001.jpg`, 178x218.
"""

import re
from pathlib import Path, PurePosixPath

from unrender.data.framing import Frame
from unrender.errors import ConfigurationError

CELEBA_SIZE = (178, 218)  # width, height
CELEBA_FACE = (89.0, 121.0)  # the middle of the face, in pixels from the left and from the top
_CELEBA_SIDES = (16, 178)
_CELEBA_NAME = re.compile(r"\d{6}")
_THOUSAND = re.compile(r"\d{2}000")
_FFHQ_NAME = re.compile(r"\d{5}")
_FFHQ_SIDES = {"thumbnails128x128": 128, "images1024x1024": 1024}
_CELEBA_ALIGNED = ("img_align_celeba", "Img/img_align_celeba")


def aligned_faces(folder: Path, size: int) -> Path:
    """Where under the folder of FFHQ or CelebA the aligned faces are that pictures of `size` pixels are made of; the
    folder itself where it is none of them.

    Of FFHQ's two sizes the smaller one that is large enough: its thumbnails are read many times faster.
    """
    there = [name for name in _FFHQ_SIDES if (folder / name).is_dir()]
    if there:
        return folder / next((name for name in there if _FFHQ_SIDES[name] >= size), there[-1])
    return next((folder / name for name in _CELEBA_ALIGNED if (folder / name).is_dir()), folder)


def is_celeba(path: Path, width: int, height: int) -> bool:
    """Whether a picture is one of CelebA's aligned ones, by its size and its name."""
    return (width, height) == CELEBA_SIZE and _CELEBA_NAME.fullmatch(path.stem) is not None


def celeba_frame(side: float) -> Frame:
    """The square of `side` pixels around the face of an aligned picture of CelebA.

    128 shows the face alone, as in most papers; from 148 on hair and chin. A square that would leave the picture is
    moved inside. Raises ConfigurationError.
    """
    low, high = _CELEBA_SIDES
    if not low <= side <= high:
        raise ConfigurationError(f"The crop of CelebA's faces is {side:g} pixels, but {low} to {high} was expected.")
    left, top = (
        min(max(middle - side / 2.0, 0.0), extent - side)
        for middle, extent in zip(CELEBA_FACE, CELEBA_SIZE, strict=True)
    )
    return left, top, side


def is_thousands(sources: tuple[str, ...]) -> bool:
    """Whether the pictures lie in folders of a thousand by their numbers, as FFHQ's do: a folder is no thing then."""
    for source in sources:
        path = PurePosixPath(source)
        folder, name = path.parent.name, path.stem
        if not (_THOUSAND.fullmatch(folder) and _FFHQ_NAME.fullmatch(name) and name[:2] == folder[:2]):
            return False
    return bool(sources)
