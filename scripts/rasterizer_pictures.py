# SPDX-License-Identifier: Apache-2.0
"""The pictures of docs/rasterizer.md: `python scripts/rasterizer_pictures.py docs/pictures`.

silhouettes.png: a ring in a coarse image, by every silhouette mode. Above, alpha; below, what each pixel says when the
ring moves to the right: the gradient of its alpha (red: it grows, blue: it shrinks).
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from unrender.renderers.differentiable.rasterizer import (
    antialias,
    composite_skirt,
    dibr_mask,
    edge_gradients,
    rasterize,
    soft_rasterize,
    soft_skirt,
)

SIDE, ZOOM, TITLE = 24, 9, 18  # pixels of an image, of one of its pixels, of its title
SIZE = (SIDE, SIDE)


def ring(rings: int = 24, sides: int = 12) -> tuple[Tensor, Tensor]:
    """A torus seen from above and a little aside: screen vertices [1, N, 3] and faces [F, 3]."""
    around, across = (torch.arange(count) * (2.0 * torch.pi / count) for count in (rings, sides))
    out = 0.31 + 0.12 * across.cos()[None]
    x, y = out * around.cos()[:, None], out * around.sin()[:, None]
    z = (0.12 * across.sin())[None].expand(rings, sides)
    points = torch.stack([0.5 + x, 0.5 + 0.75 * y - 0.66 * z, 2.0 - 0.66 * y - 0.75 * z], dim=-1).reshape(1, -1, 3)
    i, j = (index.ravel() for index in torch.meshgrid(torch.arange(rings), torch.arange(sides), indexing="ij"))
    a, b = i * sides + j, (i + 1) % rings * sides + j
    c, d = (i + 1) % rings * sides + (j + 1) % sides, i * sides + (j + 1) % sides
    faces = torch.cat([torch.stack([a, b, c], dim=1), torch.stack([a, c, d], dim=1)])
    return points * torch.tensor([SIDE, SIDE, 1.0]), faces


def modes(faces: Tensor) -> dict[str, Callable[[Tensor], Tensor]]:
    """Alpha [1, 1, H, W] of screen vertices, by the name of the mode."""

    def none(screen: Tensor) -> Tensor:
        return rasterize(screen, faces, SIZE, perspective=False).covered.float() + 0.0 * screen.sum()

    def blended(screen: Tensor) -> Tensor:
        fragments = rasterize(screen, faces, SIZE, perspective=False)
        return antialias(fragments.covered.float(), screen, faces, fragments)

    def edges(screen: Tensor) -> Tensor:
        fragments = rasterize(screen, faces, SIZE, perspective=False)
        return edge_gradients(fragments.covered.float(), screen, faces, fragments, perspective=False)

    def skirt(screen: Tensor) -> Tensor:
        fragments = rasterize(screen, faces, SIZE, perspective=False)
        layer = soft_skirt(screen, faces, fragments, perspective=False)
        covered = fragments.covered.float()
        return composite_skirt(layer, torch.ones_like(covered), covered)

    def soft(screen: Tensor) -> Tensor:
        nothing = screen.new_zeros(1, screen.shape[1], 0)
        return soft_rasterize(screen, faces, nothing, SIZE, perspective=False).alpha

    return {
        "none": none,
        "antialias": blended,
        "edge_gradients": edges,
        "soft_skirt": skirt,
        "dibr": lambda screen: dibr_mask(screen, faces, SIZE),
        "soft_rasterize": soft,
    }


def change_to_the_right(mode: Callable[[Tensor], Tensor], screen: Tensor) -> Tensor:
    """The gradient of each pixel's alpha with respect to a shift of everything by a pixel to the right, [H, W]."""
    shift = torch.zeros((), requires_grad=True)
    alpha = mode(screen + shift * torch.tensor([1.0, 0.0, 0.0]))
    change = torch.zeros(SIZE)
    for row in range(SIDE):
        for column in range(SIDE):
            (change[row, column],) = torch.autograd.grad(alpha[0, 0, row, column], shift, retain_graph=True)
    return change


def panel(image: Tensor) -> Image.Image:
    """[H, W] in [0, 1] or [H, W, 3], each pixel as a square."""
    values = (image if image.ndim == 3 else image.unsqueeze(-1).expand(-1, -1, 3)).clamp(0.0, 1.0)
    pixels = Image.fromarray((255.0 * values).round().byte().numpy().astype(np.uint8))
    return pixels.resize((SIDE * ZOOM, SIDE * ZOOM), Image.Resampling.NEAREST)


def signed(change: Tensor) -> Tensor:
    """White for 0, red for +1, blue for -1."""
    return torch.stack([1.0 + change.clamp(max=0.0), 1.0 - change.abs(), 1.0 - change.clamp(min=0.0)], dim=-1)


def silhouettes() -> Image.Image:
    """All modes side by side."""
    screen, faces = ring()
    each = modes(faces)
    step = SIDE * ZOOM + 6
    sheet = Image.new("RGB", (step * len(each) - 6, TITLE + 2 * step - 6), "white")
    for number, (name, mode) in enumerate(each.items()):
        ImageDraw.Draw(sheet).text((number * step + 3, 3), name, fill="black")
        sheet.paste(panel(mode(screen).detach()[0, 0]), (number * step, TITLE))
        sheet.paste(panel(signed(change_to_the_right(mode, screen))), (number * step, TITLE + step))
    return sheet


def main(arguments: Sequence[str]) -> int:
    """Write the pictures into a folder."""
    folder = Path(arguments[0]) if arguments else Path("docs/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    silhouettes().save(folder / "silhouettes.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
