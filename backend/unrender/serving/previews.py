# SPDX-License-Identifier: Apache-2.0
"""Small pictures of models and trainings, for the panels of clients."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from unrender.training.run_folder import RunFolder
from unrender.training.sheet_grid import grid_cells

SHEET_PIXELS = 512
_MODEL_PIXELS = 256
_CELL_PIXELS = 128
_THUMBNAIL_PIXELS = 64
_VISIBLE = 16  # of 255; sheets show objects over black
_LEAST_COVERAGE = 0.01

Picture = NDArray[np.uint8]

CURVES = ("fid", "generator_loss", "discriminator_loss", "proxy_loss")
"""What panels show of a training besides its scores, as `metrics.jsonl` calls it."""


def shrink(picture: Picture, longest: int) -> Picture:
    """The picture [H, W, C] with no side longer than so many pixels, averaged; itself where it is small enough."""
    height, width = picture.shape[:2]
    if max(height, width) <= longest:
        return picture
    scale = longest / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def run_arrays(run: RunFolder) -> dict[str, np.ndarray]:
    """The newest that a training has to show: `preview` (its sheet), `scores` and `curve_NAME`, where there are."""
    arrays: dict[str, np.ndarray] = {}
    sample = run.newest_sample()
    sheet = None if sample is None else read_picture(sample)
    if sheet is not None:
        arrays["preview"] = shrink(sheet, SHEET_PIXELS)
    scores = run_scores(run)
    if len(scores):
        arrays["scores"] = scores
    return arrays | {f"curve_{name}": curve for name, curve in run_curves(run).items()}


def run_scores(run: RunFolder) -> NDArray[np.float32]:
    """All evaluations of a training, oldest first: [N, 2] of images shown and kernel distance."""
    return _curve(_records(run), "kid")


def run_curves(run: RunFolder) -> dict[str, NDArray[np.float32]]:
    """What else was noted at the evaluations, each like `run_scores`; those of `CURVES` that there are."""
    records = _records(run)
    curves = {name: _curve(records, name) for name in CURVES}
    return {name: curve for name, curve in curves.items() if len(curve)}


def _records(run: RunFolder) -> list[dict[str, Any]]:
    try:
        return run.metrics()
    except (OSError, ValueError):
        return []  # a line that a killed process did not finish; the next evaluation will be read


def _curve(records: list[dict[str, Any]], name: str) -> NDArray[np.float32]:
    try:
        pairs = [(record["images"], record[name]) for record in records if name in record]
        curve = np.array(pairs, np.float32).reshape(-1, 2)
    except (ValueError, KeyError, TypeError):
        return np.zeros((0, 2), np.float32)
    return curve[np.isfinite(curve).all(axis=1)]


def model_picture(folder: Path, method: str = "voxel_gan") -> Picture | None:
    """A square picture of one shape: a bundled model's own, or one of a run's newest sheet.

    Of a sheet of shapes, the most ordinary one; a row of one of textured meshes shows the parts of one scene, after the
    picture of it, and the first row is as good as any.
    """
    own = read_picture(folder / "preview.png")
    if own is not None:
        return shrink(own, _MODEL_PIXELS)
    sample = RunFolder(folder).newest_sample()
    sheet = None if sample is None else read_picture(sample)
    if sheet is None:
        return None
    cell = _ordinary_cell(sheet) if method == "voxel_gan" else grid_cells(sheet)[0][0]
    return shrink(cell, _CELL_PIXELS)


def thumbnail(folder: Path, method: str = "voxel_gan") -> bytes | None:
    """That picture as a PNG of at most 64 x 64 pixels; None without one."""
    picture = model_picture(folder, method)
    if picture is None:
        return None
    stream = io.BytesIO()
    Image.fromarray(shrink(picture, _THUMBNAIL_PIXELS)).quantize(64).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def read_picture(path: Path) -> Picture | None:
    """A picture [H, W, 3] from a file; None where it is missing, damaged or only half written."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError):
        return None


def _ordinary_cell(sheet: Picture) -> Picture:
    """The sample whose size is nearest the median: neither an empty one nor a blob. A sheet's last row is real."""
    rows = grid_cells(sheet)
    cells = [cell for row in (rows[:-1] or rows) for cell in row]
    coverage = np.array([(cell.max(axis=2) > _VISIBLE).mean() for cell in cells])
    seen = np.flatnonzero(coverage > _LEAST_COVERAGE)
    if len(seen) == 0:
        return cells[0]
    return cells[seen[np.abs(coverage[seen] - np.median(coverage[seen])).argmin()]]
