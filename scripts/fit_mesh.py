# SPDX-License-Identifier: Apache-2.0
"""Fit the shape and the texture of a mesh to pictures of it: the rasteriser's worked example.

python scripts/fit_mesh.py --mesh spot_triangulated.obj --out OUT

Cycles renders the mesh from 32 sides under an even sky (`OUT/views`, a data set as `unrender render-dataset` makes it).
A sphere is then bent and painted until its pictures are like 24 of them; the other 8 say how well it did. `--data
FOLDER` takes a data set that is there, in the place of `--mesh`. What comes out:

OUT/fit.glb    the mesh with its texture
OUT/fit.png    pictures that were kept back: what Cycles saw, what the fit looks like, where their outlines differ
OUT/fit.json   the outlines' IoU, the error of the colours, seconds

Shape first, from small pictures to large ones, by the gradients of `antialias` at the outlines, in the smooth
coordinates of `geometry.large_steps`; then the texture and the shape together. Ctrl-C ends it early, with what there
is.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from fit_mesh_views import Settings, Views, load_views, outline_iou, picture, render_views, to_bytes
from torch import Tensor
from torch.nn import functional

from unrender.cli.console import LongWork, long_work
from unrender.errors import CancelledError, DataError, UnrenderError
from unrender.geometry.cameras import Cameras
from unrender.geometry.conventions import linear_to_srgb
from unrender.geometry.large_steps import SmoothCoordinates
from unrender.geometry.meshes import Mesh
from unrender.geometry.octahedral_sphere import octahedral_sphere
from unrender.meshing.textured_export import export_textured_mesh
from unrender.renderers.differentiable.rasterizer import (
    antialias,
    interpolate,
    project,
    rasterize,
    texture,
    uv_footprint,
)
from unrender.training.progress import Progress

INTERRUPTED = 130


@dataclass(frozen=True)
class Stage:
    """pixels: most a side of the pictures compared; views: compared in a step; rate: of the surface, world units a step
    at most; smoothness: of its coordinates; paint: whether colours are compared too."""

    name: str
    pixels: int
    views: int
    steps: int
    rate: float
    smoothness: float
    paint: bool


STAGES = (
    Stage("outlines", 64, 12, 120, 0.02, 16.0, False),
    Stage("outlines", 128, 8, 120, 0.01, 8.0, False),
    Stage("outlines", 128, 8, 100, 0.01, 3.0, False),
    Stage("outlines", 256, 6, 70, 0.006, 2.0, False),
    Stage("texture", 256, 6, 120, 0.003, 2.0, True),
)
COARSE = 8  # texels of the finer layer of the texture for one of the coarser


class UniformAdam:
    """Adam whose second moment is the largest of all entries, so that it does not bend the direction of a smooth step
    (Nicolet et al. 2021, section 3.3)."""

    def __init__(self, parameter: Tensor) -> None:
        self._parameter = parameter
        self._mean = torch.zeros_like(parameter)
        self._square = 0.0
        self._steps = 0

    def step(self, rate: float) -> None:
        """Move along the gradient, by at most about `rate`."""
        gradient = self._parameter.grad
        assert gradient is not None
        self._steps += 1
        self._mean.lerp_(gradient, 0.1)
        self._square = 0.99 * self._square + 0.01 * float(gradient.abs().max()) ** 2
        mean_share, square_share = 1.0 - 0.9**self._steps, 1.0 - 0.99**self._steps
        length = math.sqrt(self._square / square_share) + 1e-12
        with torch.no_grad():
            self._parameter -= rate / mean_share / length * self._mean
        self._parameter.grad = None


class Surface:
    """A bent octahedral sphere with a texture in linear rgb: the sum of a coarse layer, which also fills what no
    picture shows, and a fine one."""

    def __init__(self, detail: int, radius: float, texels: int) -> None:
        self.template = octahedral_sphere(detail)
        self.faces = torch.from_numpy(self.template.faces)
        self._uv = torch.from_numpy(self.template.uv)[None]
        self._uv_faces = torch.from_numpy(self.template.uv_faces)
        self.use_smoothness(radius * torch.from_numpy(self.template.vertices), STAGES[0].smoothness)
        self._coarse = torch.full((1, 3, texels // COARSE, texels // COARSE), 0.5, requires_grad=True)
        self._fine = torch.zeros(1, 3, texels, texels, requires_grad=True)

    def use_smoothness(self, vertices: Tensor, smoothness: float) -> None:
        """Go on from these vertices in coordinates of another smoothness."""
        self._system = SmoothCoordinates(self.template.faces, len(self.template.vertices), smoothness)
        self.shape = self._system.from_vertices(vertices).requires_grad_()

    @property
    def layers(self) -> list[Tensor]:
        """Of the texture."""
        return [self._coarse, self._fine]

    def vertices(self) -> Tensor:
        """[N, 3], in the world."""
        return self._system.to_vertices(self.shape)

    def texture(self) -> Tensor:
        """[1, 3, h, w], linear."""
        size = self._fine.shape[-2:]
        return functional.interpolate(self._coarse, size, mode="bilinear", align_corners=False) + self._fine

    def render(self, cameras: Cameras, pixels: int, paint: bool) -> Tensor:
        """Linear rgb, premultiplied, and alpha [V, 4, S, S]; without `paint` alpha alone [V, 1, S, S]."""
        size = (pixels, pixels)
        screen = project(self.vertices()[None], cameras, size)
        perspective = cameras.field_of_view is not None
        fragments = rasterize(screen, self.faces, size, perspective=perspective)
        image = fragments.covered.to(screen.dtype)
        if paint:
            uv = interpolate(self._uv, fragments, self._uv_faces)
            footprint = uv_footprint(
                self._uv, screen, fragments, self.faces, uv_faces=self._uv_faces, perspective=perspective
            )
            colour = texture(uv, self.texture(), footprint=footprint, filter="mipmap")
            image = torch.cat([colour * image, image], dim=1)
        return antialias(image, screen, self.faces, fragments)

    def export(self, path: Path) -> None:
        """Write the mesh and its texture as a GLB file."""
        with torch.no_grad():
            mesh = Mesh(self.vertices().numpy(), self.template.faces)
            picture = to_bytes(linear_to_srgb(self.texture()[0]))
        export_textured_mesh(mesh, self.template.uv, self.template.uv_faces, picture, path)


def fit(surface: Surface, views: Views, seed: int, work: LongWork) -> None:
    """Bend and paint the surface until it looks like the views, or until the work is cancelled."""
    draw = torch.Generator().manual_seed(seed)
    of_layers = torch.optim.Adam(surface.layers, lr=0.02)
    total = sum(stage.steps * stage.views * stage.pixels**2 for stage in STAGES)
    steps = sum(stage.steps for stage in STAGES)
    done, began, number = 0, time.monotonic(), 0
    for stage in STAGES:
        surface.use_smoothness(surface.vertices().detach(), stage.smoothness)
        of_shape = UniformAdam(surface.shape)
        order = shuffled(len(views.cameras), stage.views, draw)
        pixels = min(stage.pixels, views.pictures.shape[-1])
        small = views.part(range(len(views.cameras)), pixels)
        for step in range(stage.steps):
            if work.cancelled():
                return
            chosen = small.part(next(order), pixels)
            image = surface.render(chosen.cameras, pixels, stage.paint)
            error = image - chosen.pictures[:, -image.shape[1] :]
            loss = error[:, -1].square().mean()
            if stage.paint:
                loss = loss + error[:, :3].abs().mean()
            loss.backward()
            left = 1.0 - 0.9 * step / stage.steps
            of_shape.step(stage.rate * left)
            if stage.paint:
                of_layers.param_groups[0]["lr"] = 0.02 * left
                of_layers.step()
                of_layers.zero_grad()
            number += 1
            done += stage.views * stage.pixels**2
            eta = (time.monotonic() - began) * (total - done) / done
            words = f"{stage.name}, {pixels} pixels, error {loss.item():.4f}"
            work.progress(Progress("fitting", number, steps, eta, words))


def shuffled(count: int, size: int, draw: torch.Generator) -> Iterator[Tensor]:
    """Batches of indices, each index once before any comes again."""
    left = torch.zeros(0, dtype=torch.long)
    while True:
        while len(left) < size:
            left = torch.cat([left, torch.randperm(count, generator=draw)])
        yield left[:size]
        left = left[size:]


def run(options: argparse.Namespace, work: LongWork) -> int:
    """The whole example; returns the exit code."""
    folder = options.data or options.out / "views"
    if options.mesh:
        count = options.views + options.held_out
        settings = Settings(count, options.size, options.samples, options.seed, options.threads)
        render_views(options.mesh, folder, settings, work)
    views = load_views(folder)
    if len(views.cameras) <= options.held_out:
        count = len(views.cameras)
        raise DataError(f"{folder} has {count} pictures; expected more than the {options.held_out} kept back.")
    split = len(views.cameras) - options.held_out
    shown, kept = (views.part(range(*ends), options.size) for ends in ((split,), (split, len(views.cameras))))
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    # A ball as large as the outlines are on average.
    radius = math.sqrt(float(shown.pictures[:, 3].mean()) / math.pi) * shown.cameras.width
    surface = Surface(options.detail, radius, options.texels)
    began = time.monotonic(), time.process_time()
    fit(surface, shown, options.seed, work)
    seconds, processor = time.monotonic() - began[0], time.process_time() - began[1]
    with torch.no_grad():
        ours = surface.render(kept.cameras, options.size, True)
    iou = outline_iou(ours[:, 3], kept.pictures[:, 3])
    surface.export(options.out / "fit.glb")
    picture(kept.pictures, ours).save(options.out / "fit.png")
    colours = linear_to_srgb(ours[:, :3]) - linear_to_srgb(kept.pictures[:, :3])
    result = {
        "iou": round(float(iou.mean()), 4),
        "lowest_iou": round(float(iou.min()), 4),
        "colour_error": round(float(colours.abs().mean()), 4),
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "faces": len(surface.faces),
        "views": split,
        "held_out": options.held_out,
        "pixels": options.size,
        "finished": not work.cancelled(),
    }
    (options.out / "fit.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))
    return INTERRUPTED if work.cancelled() else 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="fit_mesh.py", description=__doc__, formatter_class=layout)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--mesh", type=Path, help="textured mesh file that is rendered first")
    source.add_argument("--data", type=Path, help="folder that unrender render-dataset made, of one object")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--views", type=int, default=24, help="pictures to fit (24)")
    parser.add_argument("--held-out", type=int, default=8, help="pictures kept back to judge the fit (8)")
    parser.add_argument("--size", type=int, default=256, help="pixels per side of the pictures (256)")
    parser.add_argument("--samples", type=int, default=32, help="of Cycles, per pixel (32)")
    parser.add_argument("--detail", type=int, default=32, help="the sphere has 8 of its squares in faces (32)")
    parser.add_argument("--texels", type=int, default=512, help="per side of the texture (512)")
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use (2)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same views and the same fit")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with long_work() as work:
        try:
            return run(options, work)
        except CancelledError:
            return INTERRUPTED
        except UnrenderError as error:
            print(f"fit_mesh.py: {error}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
