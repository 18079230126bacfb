# SPDX-License-Identifier: GPL-3.0-or-later
"""From what the engine delivers to the files of one image: `images/`, and a folder for each further pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .backgrounds import Backgrounds
from .cameras import View
from .exr_writer import write_exr
from .plan import DatasetPlan
from .png import straight_srgb, write_png

FOLDERS = {"rgb": "images", **{name: name for name in ("mask", "depth", "normal", "normal_world", "index", "flow")}}
_SUFFIXES = {"mask": ".png", "depth": ".exr", "normal": ".exr", "normal_world": ".exr", "index": ".png", "flow": ".exr"}


class Outputs:
    """Writes the passes of a plan below a folder.

    mask: 8-bit coverage; depth: world units along the viewing axis, 0 for the background; normal: unit vectors, camera
    frame (x right, y up, z towards the camera) or world; index: 16-bit number of the part, 0 for the background; flow:
    pixels right and down to where the point lies in the object's next view (hidden there or not), 0 for the background.
    """

    def __init__(self, plan: DatasetPlan, out: Path) -> None:
        self._plan, self._out = plan, out
        self._backgrounds = Backgrounds(plan.background, plan.size, plan.seed)

    def paths(self, image: int) -> dict[str, str]:
        """Files of an image by pass, relative to the folder."""
        colour = ".exr" if self._plan.image_format == "exr" else ".png"
        return {name: f"{FOLDERS[name]}/{image:06d}{_SUFFIXES.get(name, colour)}" for name in self._plan.passes}

    def with_background(self, image: int, rendered: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The same and `colour`, on its background; in Blender's main thread, which reads the pictures. Raises
        DatasetError."""
        return rendered | {"colour": self._backgrounds.behind(rendered["rgba"], image)}

    def write(self, image: int, rendered: dict[str, np.ndarray], view: View, next_view: View) -> None:
        """Write the files of an image, each in one step. Raises OSError."""
        for name, path in self.paths(image).items():
            if name == "rgb":
                self._write_colour(self._out / path, rendered["colour"])
            elif name == "mask":
                coverage = np.clip(rendered["rgba"][..., 3:], 0.0, 1.0)
                write_png(self._out / path, np.round(coverage * 255).astype(np.uint8))
            elif name == "depth":
                write_exr(self._out / path, rendered["depth"][..., None], "Z")
            elif name == "normal":
                write_exr(self._out / path, unit(rendered["normal"]), "RGB")
            elif name == "normal_world":
                write_exr(self._out / path, unit(rendered["normal"]) @ view.rotation, "RGB")
            elif name == "index":
                write_png(self._out / path, np.round(rendered["index"][..., None]).astype(np.uint16))
            elif name == "flow":
                write_exr(self._out / path, flow(rendered["depth"], view, next_view), "RG")

    def _write_colour(self, path: Path, rgba: np.ndarray) -> None:
        channels = 4 if self._backgrounds.is_transparent else 3
        if self._plan.image_format == "exr":  # linear and premultiplied, as EXR has it
            write_exr(path, rgba[..., :channels], "RGBA"[:channels])
        else:
            write_png(path, straight_srgb(rgba, 16 if self._plan.image_format == "png16" else 8)[..., :channels])


def unit(normals: np.ndarray) -> np.ndarray:
    """Mean normals [H, W, 3] of the samples to unit length, 0 where nothing was hit."""
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.where(length > 1e-3, normals / np.maximum(length, 1e-3), 0.0)


def flow(depth: np.ndarray, view: View, next_view: View) -> np.ndarray:
    """Motion in pixels (right, down) of each point that is seen, from this view to the next, float [H, W, 2].

    Exact for a still object: every point is found from its depth and projected again, which every engine that knows
    depths allows.
    """
    seen = depth > 0
    rows, columns = np.nonzero(seen)
    z = depth[seen].astype(np.float64)
    scale = view.lens.scale(z)
    across = (columns + 0.5 - view.lens.centre[0]) / scale
    down = (rows + 0.5 - view.lens.centre[1]) / scale
    points = np.stack([across, -down, -z, np.ones_like(z)], axis=1)
    moved = points @ np.linalg.inv(view.pose).T @ next_view.pose.T
    scale = next_view.lens.scale(np.maximum(-moved[:, 2], 1e-6))
    motion = np.zeros((*depth.shape, 2))
    motion[seen, 0] = moved[:, 0] * scale + next_view.lens.centre[0] - (columns + 0.5)
    motion[seen, 1] = -moved[:, 1] * scale + next_view.lens.centre[1] - (rows + 0.5)
    return motion
