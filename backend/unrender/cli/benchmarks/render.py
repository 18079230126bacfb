# SPDX-License-Identifier: Apache-2.0
"""`unrender bench render`: images per second of one Blender worker, beside Cycles alone in the same run.

Pool and bare rounds alternate, so that other load on the machine meets both alike.
"""

import time
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
import typer

from unrender.cli.console import print_json

_MESHES = 16


@dataclass(frozen=True, slots=True)
class RenderCase:
    """Chairs of `resolution`^3 voxels at `size` pixels; `target` is the rate asked for on two idle cores."""

    name: str
    resolution: int
    size: int
    samples: int
    target: float


CASES = (
    RenderCase("64^3 voxels, 128 px, 1 sample", 64, 128, 1, 25.0),
    RenderCase("32^3 voxels, 64 px, 4 samples", 32, 64, 4, 50.0),
)


@dataclass(frozen=True, slots=True)
class RenderRates:
    """images_per_second: arrays in, images out, through pool, codec and mesh upload; bare: only Cycles' render calls on
    meshes that are inside Blender already; overhead: what the first costs on top of the second."""

    case: str
    faces: int
    images: int
    images_per_second: float
    bare_images_per_second: float
    overhead: float
    target: float
    engine: str
    blender: str
    workers: int
    threads: int


def measure_render(
    case: RenderCase, threads: int = 2, rounds: int = 5, batches_per_round: int = 6, engine: str = "cycles"
) -> RenderRates:
    """Measure one worker. Raises BlenderNotFoundError or RenderError."""
    from unrender.data.procedural import make_shape
    from unrender.geometry.lighting import IGGAN_LIGHTING
    from unrender.geometry.marching_cubes import marching_cubes, smooth_binary_field
    from unrender.geometry.meshes import Mesh
    from unrender.renderers.off_the_shelf.blender_renderer import pack_views, render_settings
    from unrender.renderers.off_the_shelf.worker_pool import WorkerPool

    grids = [make_shape("chair", seed, case.resolution) for seed in range(_MESHES)]
    meshes = [Mesh(*marching_cubes(smooth_binary_field(grid))) for grid in grids]
    arrays = pack_views(meshes, _views())
    settings = render_settings(case.size, case.samples, engine, threads, (), 1.1, None, IGGAN_LIGHTING)
    images = _MESHES * batches_per_round
    with WorkerPool(1, threads) as pool:
        pool.submit(settings, arrays, _MESHES).result()  # starts Blender and warms it up
        pool_seconds, bare_seconds = [], []
        for _ in range(rounds):
            started = time.perf_counter()
            for pending in [pool.submit(settings, arrays, _MESHES) for _ in range(batches_per_round)]:
                pending.result()
            pool_seconds.append(time.perf_counter() - started)
            bare = pool.submit(settings | {"bare_repeats": batches_per_round}, arrays, images).result()
            bare_seconds.append(bare.seconds)
        version = pool.blender.version
    rate, bare_rate = images / float(np.median(pool_seconds)), images / float(np.median(bare_seconds))
    return RenderRates(
        case=case.name,
        faces=round(float(np.mean([len(mesh.faces) for mesh in meshes]))),
        images=images * rounds,
        images_per_second=round(rate, 1),
        bare_images_per_second=round(bare_rate, 1),
        overhead=round(bare_rate / rate - 1.0, 3),
        target=case.target,
        engine=engine,
        blender=version,
        workers=1,
        threads=threads,
    )


def _views() -> np.ndarray:
    """Rotations of fixed, varied cameras, float32 [16, 3, 3]."""
    import torch

    from unrender.geometry.cameras import ViewLaw

    cameras = ViewLaw().sample(_MESHES, torch.Generator().manual_seed(0))
    return cameras.axes().numpy().astype(np.float32)


def command(
    threads: Annotated[int, typer.Option(min=1, help="Render threads of the worker.")] = 2,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each kind; the median counts.")] = 5,
    engine: Annotated[str, typer.Option(help="cycles, eevee or workbench.")] = "cycles",
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON per case.")] = False,
) -> None:
    """Images per second of one Blender worker, and of Cycles alone in the same run, on an otherwise idle machine."""
    for case in CASES:
        rates = measure_render(case, threads, rounds, engine=engine)
        if as_json:
            print_json(asdict(rates))
        else:
            typer.echo(_sentence(rates))


def _sentence(rates: RenderRates) -> str:
    facts: dict[str, Any] = asdict(rates)
    return (
        "{case} ({faces} faces): {images_per_second} images/s; Cycles alone {bare_images_per_second}; "
        "pool, codec and upload cost {cost:.0f}% on top (target {target:g} images/s, at most 20%)"
    ).format(cost=100 * rates.overhead, **facts)
