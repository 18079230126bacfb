# SPDX-License-Identifier: Apache-2.0
"""Pictures that come with a job, and the folder that they are trained from.

They come as the encoded files that they are, which loses nothing and is small, all in one array, because a message
holds few arrays and a photo folder many files; or as pixels.

| array | | |
|---|---|---|
| `files` | uint8 [bytes] | the files' contents, one after the other |
| `file_sizes` | int64 [N] | how many bytes each has |
| `file_names` | uint8 [bytes] | their names, UTF-8, one a line; for messages only |
| `images` | uint8 [N, H, W, 3 or 4] | instead of the three above |
"""

import re
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unrender.atomic_file import write_atomically
from unrender.data.image_files import FORMAT_NAMES, FORMATS
from unrender.errors import DataError

Arrays = Mapping[str, NDArray]

_HINT = "Send the job again; if that does not help, add-on and server do not fit together: update the older one."
_LONGEST_STEM = 60


def save_pictures(arrays: Arrays, folder: Path) -> int:
    """Write the pictures of a job's request to a new folder, wholly or not at all; returns how many there are.

    What is in the files is not looked at here: whoever loads the folder leaves out what is no picture.
    Raises DataError where the arrays are not as they should be, DiskFullError.
    """
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # of an attempt that was killed
    unfinished.mkdir(parents=True)
    count = _save_files(arrays, unfinished) if "files" in arrays else _save_images(arrays, unfinished)
    unfinished.rename(folder)
    return count


def _save_files(arrays: Arrays, folder: Path) -> int:
    contents = _array(arrays, "files", np.uint8)
    sizes = _array(arrays, "file_sizes", np.int64)
    names = _array(arrays, "file_names", np.uint8).tobytes().decode("utf-8", errors="replace").split("\n")
    if len(sizes) != len(names) or len(sizes) == 0:
        raise DataError(f"{len(sizes)} pictures came with {len(names)} names.", _HINT)
    if sizes.min() < 0 or sizes.max() > len(contents) or int(sizes.sum()) != len(contents):
        raise DataError(f"The pictures' sizes do not add up to the {len(contents)} bytes that came.", _HINT)
    ends = np.cumsum(sizes)
    for index, (name, end, size) in enumerate(zip(names, ends, sizes, strict=True)):
        content = contents[end - size : end].tobytes()
        write_atomically(folder / file_name(index, name), partial(_write_bytes, content=content))
    return len(names)


def file_name(index: int, name: str) -> str:
    """What a picture is called on the server's disk: its number, and what is harmless of the name that it came with.

    Raises DataError if the name is not one of a picture.
    """
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise DataError(f"{name!r:.80} is no picture.", f"Pictures are {FORMAT_NAMES} files.")
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", path.stem)[:_LONGEST_STEM].strip("-")
    return f"{index:06d}-{stem}{suffix}" if stem else f"{index:06d}{suffix}"


def _save_images(arrays: Arrays, folder: Path) -> int:
    images = arrays.get("images")
    if (
        images is None
        or images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[3] not in (3, 4)
        or images.size == 0
    ):
        came = "none" if images is None else f"{images.dtype} {list(images.shape)}"
        raise DataError(f"The pictures to train on came as {came}, but uint8 [N, H, W, 3 or 4] was expected.", _HINT)
    for index, image in enumerate(images):
        write_atomically(folder / f"{index:06d}.png", partial(Image.fromarray(image).save, format="PNG"))
    return len(images)


def _array(arrays: Arrays, name: str, dtype: type) -> NDArray:
    array = arrays.get(name)
    if array is None or array.dtype != dtype or array.ndim != 1:
        came = "not at all" if array is None else f"as {array.dtype} {list(array.shape)}"
        raise DataError(f"The array {name!r} came {came}, but {np.dtype(dtype)} [N] was expected.", _HINT)
    return array


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
