# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of photos as it is sent to the generator: the encoded files themselves, which loses nothing.

Which of them are of use, the generator finds out: it decodes them, and names what it leaves out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .problems import Problem
from .uploads import Report, UploadError

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
IGNORED_FOLDERS = frozenset({"__MACOSX", "__pycache__"})
MOST_BYTES = 512 * 1024**2  # in one array of a message
MEGABYTE = 1e6


def find_photos(folder: Path) -> list[Path]:
    """All picture files under a folder, sorted, without hidden ones; of a rendered data set its images only.

    Raises:
        UploadError: there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise UploadError(Problem("no_folder", f"There is no folder {folder}.", "Choose the folder with your photos."))
    if (folder / "manifest.jsonl").is_file() and (folder / "images").is_dir():
        folder = folder / "images"
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in IGNORED_FOLDERS]
        found += [
            Path(parent, name) for name in names if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES
        ]
    if not found:
        raise UploadError(
            Problem(
                "no_photos",
                f"There are no photos in {folder}.",
                "Choose a folder with PNG, JPEG, WebP, BMP or TIFF files.",
            )
        )
    return sorted(found)


def read_photos(
    folder: Path, report: Report, stopped: Callable[[], bool], most_bytes: int = MOST_BYTES
) -> dict[str, np.ndarray]:
    """The arrays of a `train` job: `files` uint8 [bytes], `file_sizes` int64 [N], `file_names` uint8 [bytes].

    Args:
        folder: is searched with all below it.
        report: called with the number of files read, and of all.
        stopped: asked between files; the result is of no use once it says yes.
        most_bytes: that all files together may have.

    Raises:
        UploadError: nothing to read, not readable, or too much.
    """
    import numpy as np

    paths = find_photos(folder)
    try:
        sizes = [path.stat().st_size for path in paths]
        if sum(sizes) > most_bytes:
            raise UploadError(_too_large(sum(sizes), most_bytes))
        files = np.empty(sum(sizes), np.uint8)
        end = 0
        for index, (path, size) in enumerate(zip(paths, sizes, strict=True)):
            if stopped():
                break
            content = path.read_bytes()
            if len(content) != size:
                raise UploadError(_changed(path))
            files[end : end + size] = np.frombuffer(content, np.uint8)
            end += size
            report(index + 1, len(paths))
    except OSError as error:
        raise UploadError(
            Problem("not_read", f"{error.filename} cannot be read: {error.strerror}.", "Check the file, or remove it.")
        ) from error
    names = "\n".join(path.name.replace("\n", " ") for path in paths)
    return {
        "files": files,
        "file_sizes": np.array(sizes, np.int64),
        "file_names": np.frombuffer(names.encode("utf-8", errors="replace"), np.uint8),
    }


def _too_large(size: int, limit: int) -> Problem:
    return Problem(
        "photos_too_large",
        f"The photos have {size / MEGABYTE:.0f} MB, and {limit / MEGABYTE:.0f} MB can be sent.",
        "Make them smaller (1000 pixels are plenty), or take fewer.",
    )


def _changed(path: Path) -> Problem:
    return Problem("not_read", f"{path.name} changed while it was read.", "Wait until the folder is complete.")
