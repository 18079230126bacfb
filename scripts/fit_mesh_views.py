# SPDX-License-Identifier: Apache-2.0
"""The pictures that `fit_mesh.py` fits: rendered by Cycles, read with their cameras, and shown beside the fit."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from unrender.cli.console import LongWork
from unrender.data.dataset_rendering import DatasetRequest, render_dataset
from unrender.errors import DataError
from unrender.geometry.cameras import Cameras
from unrender.geometry.conventions import linear_to_srgb, srgb_to_linear
from unrender.training.progress import Progress


@dataclass(frozen=True)
class Settings:
    """Of the rendering. count: pictures; size: pixels a side; samples: of Cycles per pixel; threads: of Cycles."""

    count: int
    size: int
    samples: int
    seed: int
    threads: int


@dataclass(frozen=True)
class Views:
    """pictures: linear rgb, premultiplied, and alpha, [V, 4, S, S]; cameras: one for each."""

    pictures: Tensor
    cameras: Cameras

    def part(self, chosen: Sequence[int] | Tensor, pixels: int) -> "Views":
        """Some of the views, made smaller by averaging."""
        index = torch.as_tensor(chosen)
        pictures = functional.interpolate(self.pictures[index], (pixels, pixels), mode="area")
        return Views(pictures, self.cameras[index])


def render_views(mesh: Path, folder: Path, settings: Settings, work: LongWork) -> None:
    """Photograph the mesh from all sides under an even white sky; what has been rendered before is kept."""
    sky = folder.parent / "sky.png"
    sky.parent.mkdir(parents=True, exist_ok=True)
    if not sky.is_file():
        Image.new("RGB", (16, 8), "white").save(sky)
    source, lights, count = str(mesh.resolve()), str(sky.resolve()), settings.count
    request = DatasetRequest(
        source, 1, count, settings.seed, settings.size, settings.samples, cameras="sphere", lights=lights
    )

    def on_record(record: dict[str, Any]) -> None:
        if "failed" in record:
            raise DataError(f"A picture of {mesh.name} could not be rendered: {record['message']}")
        work.progress(Progress("rendering", int(record["index"]) + 1, count, record["eta"]))

    is_begun = (folder / "dataset.json").is_file()
    render_dataset(request, folder, 1, settings.threads, is_begun, on_record, work.cancelled)


def load_views(folder: Path) -> Views:
    """The pictures of a data set and their cameras; raises DataError where there are none to be used."""
    try:
        record = json.loads((folder / "cameras.json").read_text(encoding="utf-8"))
        views = record["views"]
        pictures = [np.asarray(Image.open(folder / view["file"]).convert("RGBA")) for view in views]
        width, angles = float(record["width"]), [(view["azimuth"], view["elevation"]) for view in views]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{folder} is no data set of pictures with cameras: {error!r}.") from error
    if record["projection"] != "orthographic":
        raise DataError(f"{folder} was rendered with a {record['projection']} camera; expected an orthographic one.")
    encoded = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255.0
    rgb, alpha = srgb_to_linear(encoded[:, :3]), encoded[:, 3:]
    azimuth, elevation = torch.tensor(angles, dtype=torch.float32).T
    return Views(torch.cat([rgb * alpha, alpha], dim=1), Cameras(azimuth, elevation, width))


def outline_iou(ours: Tensor, theirs: Tensor) -> Tensor:
    """[V]: pixels that both cover by at least half over those that either does."""
    a, b = ours >= 0.5, theirs >= 0.5
    return (a & b).flatten(1).sum(1) / (a | b).flatten(1).sum(1).clamp(min=1)


def to_bytes(image: Tensor) -> np.ndarray:
    """[3, H, W] in [0, 1] to uint8 [H, W, 3]."""
    return (image.clamp(0.0, 1.0) * 255.0).round().byte().permute(1, 2, 0).contiguous().numpy()


def picture(theirs: Tensor, ours: Tensor) -> Image.Image:
    """Rows: what was seen, the fit, the difference of the alphas (red: missing, blue: too much); on grey."""

    def on_grey(rgba: Tensor) -> Tensor:
        return linear_to_srgb(rgba[:, :3].clamp(0.0, 1.0) + (1.0 - rgba[:, 3:]) * 0.03)

    missing = theirs[:, 3:] - ours[:, 3:]
    shown = torch.cat([missing.clamp(min=0.0), 0.0 * missing, (-missing).clamp(min=0.0)], dim=1) + 0.1
    rows = [torch.cat(list(row), dim=2) for row in (on_grey(theirs), on_grey(ours), shown)]
    return Image.fromarray(to_bytes(torch.cat(rows, dim=1)))
