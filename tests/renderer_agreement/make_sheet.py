# SPDX-License-Identifier: Apache-2.0
"""One sheet of all renderers side by side, to look at: `python -m tests.renderer_agreement.make_sheet OUT.png`.

A row per shape, a column per renderer: its shading, and beside it the camera-frame normals as colours, or the depth
where it has no normals. The first column is the exact picture.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from tests.renderer_agreement import real_shapes
from tests.renderer_agreement.closed_forms import Shape, closed_forms
from tests.renderer_agreement.contestants import GRID, Contestant, contestants
from tests.renderer_agreement.rays import Reference
from tests.renderer_agreement.views import PERSPECTIVE, SIZE, Views
from unrender.geometry.conventions import linear_to_srgb
from unrender.geometry.lighting import IGGAN_LIGHTING

CHECKOUT = Path(__file__).resolve().parents[2]
VIEW = Views(((0.6, 0.45),), PERSPECTIVE)
GAP, HEADING = 4, 16
BACKGROUND = 0.5  # of the pictures, as it is displayed


def main(arguments: Sequence[str]) -> int:
    """Render everything and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, help="the PNG that is written")
    parser.add_argument("--python", type=Path, default=CHECKOUT / ".venv-blender/bin/python", help="has bpy 5.0")
    parser.add_argument("--data", type=Path, default=CHECKOUT.parent / "shared" / "data", help="has Spot and the chair")
    given = parser.parse_args(arguments)
    shapes = closed_forms()
    if given.data.is_dir():
        shapes += [real_shapes.spot(given.data), real_shapes.chair(given.data)]
    columns = {"exact": [exact(shape) for shape in shapes]}
    for contestant in contestants(given.python).values():
        columns[contestant.name] = rendered(contestant, shapes)
    lay_out(columns).save(given.out)
    return 0


def exact(shape: Shape) -> np.ndarray:
    """The picture of the reference, [H, 2 W, 3]."""
    wanted: Reference = shape.cast(VIEW.viewpoint(0))
    shade = IGGAN_LIGHTING.shade(torch.from_numpy(wanted.normal).float().permute(2, 0, 1)[None])[0, 0].numpy()
    alpha = wanted.silhouette.astype(np.float32)[..., None]
    return picture(np.repeat((shade * wanted.silhouette)[..., None], 3, -1), alpha, wanted.depth, wanted.normal)


def rendered(contestant: Contestant, shapes: list[Shape]) -> list[np.ndarray]:
    """One picture [H, 2 W, 3] per shape; empty where the renderer takes grids and there is none."""
    renderer = contestant.open()
    pictures = []
    try:
        for shape in shapes:
            if contestant.takes_grids and shape.inside is None:
                pictures.append(np.ones((SIZE, 2 * SIZE, 3)))
                continue
            taken = torch.from_numpy(shape.voxelise(GRID))[None, None] if contestant.takes_grids else [shape.mesh]
            images = renderer.render(taken, VIEW.cameras(), IGGAN_LIGHTING)
            assert images.depth is not None
            normal = None if images.normal is None else images.normal[0].permute(1, 2, 0).numpy()
            rgb, alpha = (stack[0].permute(1, 2, 0).numpy() for stack in (images.rgb, images.alpha))
            pictures.append(picture(rgb, alpha, images.depth[0, 0].numpy(), normal))
    finally:
        renderer.close()
    return pictures


def picture(rgb: np.ndarray, alpha: np.ndarray, depth: np.ndarray, normal: np.ndarray | None) -> np.ndarray:
    """As displayed, [H, 2 W, 3] in [0, 1]. rgb [H, W, 3] premultiplied, alpha [H, W, 1], depth [H, W]."""
    straight = torch.from_numpy(np.asarray(rgb, np.float32) / np.maximum(alpha, 1e-4))
    shown = linear_to_srgb(straight).numpy() * alpha + BACKGROUND * (1.0 - alpha)
    if normal is not None:
        return np.concatenate([shown, 0.5 + 0.5 * normal], axis=1)
    near = np.where(depth > 0, (VIEW.cameras().distance - depth) + 0.5, 0.0)
    return np.concatenate([shown, np.repeat(near[..., None], 3, -1)], axis=1)


def lay_out(columns: dict[str, list[np.ndarray]]) -> Image.Image:
    """Headings above, one column per renderer."""
    rows = len(next(iter(columns.values())))
    width, height = 2 * SIZE + GAP, SIZE + GAP
    sheet = Image.new("RGB", (width * len(columns) - GAP, HEADING + height * rows - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for column, (name, pictures) in enumerate(columns.items()):
        draw.text((column * width + 2, 2), name, fill="black")
        for row, image in enumerate(pictures):
            bytes_ = (np.clip(image, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)
            sheet.paste(Image.fromarray(bytes_), (column * width, HEADING + row * height))
    return sheet


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
