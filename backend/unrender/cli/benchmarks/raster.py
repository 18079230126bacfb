# SPDX-License-Identifier: Apache-2.0
"""`unrender bench raster`: how fast meshes are rasterised, beside other rasterisers in the same run."""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unrender.cli.benchmarks.comparison import Comparison, Question, compare
from unrender.cli.console import print_json

if TYPE_CHECKING:
    import torch

    from unrender.cli.benchmarks.raster_workload import Scene

KINDS = ("rasterize", "soft-1", "soft-10", "reference", "bound", "nvdiffrast", "scaling")
_AT_LEAST_CPU = {"rasterize": 300.0, "soft-1": 50.0, "soft-10": 120.0}
_AT_LEAST_CUDA = 5.0
_OF_BOUND = 1.0 / 1.5


def command(
    only: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(KINDS)}; may be given more than once.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each comparison; the median counts.")] = 1,
    pixels: Annotated[list[int] | None, typer.Option(help="Sides of the images (128, 256).")] = None,
    batch: Annotated[list[int] | None, typer.Option(help="Images at once (1, 8).")] = None,
    voxels: Annotated[int, typer.Option(min=4, help="Of the grid that the mesh comes from; 53: 14.7k faces.")] = 53,
    largest: Annotated[int, typer.Option(min=64, help="Most pixels per side in the scaling table.")] = 2048,
    most_faces: Annotated[int, typer.Option(min=1000, help="Most faces in the scaling table.")] = 1_000_000,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="Processor cores; 0 for all.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON per row.")] = False,
) -> None:
    """How fast meshes are rasterised, as ratios of ways that are measured in alternation on an otherwise idle machine.

    \b
    rasterize    visible faces, over PyTorch3D (where it is installed)
    soft-1, -10  forward and backward with outlines, shading and texture, over the soft silhouette alone of PyTorch3D
                 with the nearest face, and with the nearest 10, of each pixel
    reference    visible faces, over our reference in plain PyTorch
    bound        visible faces, over the least time in which a GPU could move the bytes (CUDA only)
    nvdiffrast   visible faces, and outlines and texture forward and backward (CUDA only, where it is installed)
    scaling      times and memory from 1k to 1M faces and from 64 to 2048 pixels a side

    Rates of the CPU are images per second of processor time, so that other programs do not count; `wall` has those of
    the clock.
    """
    unknown = sorted(set(only or ()) - set(KINDS))
    if unknown:
        raise typer.BadParameter(f"There is no row {', '.join(unknown)}; expected some of {', '.join(KINDS)}.")
    import torch

    name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    if name not in ("cpu", "cuda") or (name == "cuda" and not torch.cuda.is_available()):
        raise typer.BadParameter(
            f"device came as {device!r}; expected auto, cpu, or cuda where there is such a device."
        )
    torch.set_num_threads(threads or os.cpu_count() or 1)
    place, kinds = torch.device(name), tuple(only or KINDS)
    chosen = (tuple(pixels or (128, 256)), tuple(batch or (1, 8)))
    for row in _rows(kinds, rounds, *chosen, voxels, place):
        _show(asdict(row), row.sentence(), as_json)
    if "scaling" in kinds:
        from unrender.cli.benchmarks.raster_scaling import scaling

        for size in scaling(place, largest, most_faces):
            _show(size, ", ".join(f"{name} {value}" for name, value in size.items()), as_json)


def _show(row: dict[str, Any], sentence: str, as_json: bool) -> None:
    load = {} if not hasattr(os, "getloadavg") else {"load": round(os.getloadavg()[0], 2)}
    if as_json:
        print_json(row | load)
    else:
        typer.echo(sentence)


def _rows(
    kinds: tuple[str, ...],
    rounds: int,
    pixels: tuple[int, ...],
    batches: tuple[int, ...],
    voxels: int,
    device: "torch.device",
) -> Iterator[Comparison]:
    from unrender.cli.benchmarks.raster_workload import Scene, wavy_ball

    mesh = wavy_ball(voxels)
    for count in batches:
        for side in pixels:
            scene = Scene(mesh, side, count, device)
            for kind in kinds:
                if kind == "reference" and (side, count) != (min(pixels), min(batches)):
                    continue  # it takes minutes, and says no more on larger images
                yield from _compared(kind, scene, rounds)


def _compared(kind: str, scene: "Scene", rounds: int) -> Iterator[Comparison]:
    """The rows of a kind; none where it cannot be measured here."""
    from unrender.cli.benchmarks import raster_peers as peers
    from unrender.cli.benchmarks.raster_workload import Scene, copy_bandwidth, moved_bytes

    is_cuda = scene.device.type == "cuda"
    at_least = _AT_LEAST_CUDA if is_cuda else _AT_LEAST_CPU.get(kind, 1.0)
    if kind == "rasterize" and peers.has_pytorch3d():
        peer = peers.PyTorch3D(scene)
        yield _row(kind, "visible faces over PyTorch3D", at_least, scene.rasterise, peer.rasterise, scene, rounds)
    elif kind.startswith("soft-") and peers.has_pytorch3d():
        nearest, soft = int(kind.removeprefix("soft-")), peers.PyTorch3D(scene)
        what = f"forward and backward over PyTorch3D's soft silhouette of {nearest} faces a pixel"
        yield _row(kind, what, at_least, scene.learn, lambda: soft.learn_silhouette(nearest), scene, rounds)
    elif kind == "reference":
        mesh = (scene.mesh.vertices.detach().cpu().numpy(), scene.mesh.faces.cpu().numpy())
        slow = Scene(mesh, scene.size[0], scene.batch, scene.device, backend="reference")
        yield _row(kind, "visible faces over our reference", 1.0, scene.rasterise, slow.rasterise, scene, rounds)
    elif kind == "bound" and is_cuda:
        seconds = moved_bytes(scene, scene.rasterise()) / copy_bandwidth(scene.device)
        yield _row(kind, "visible faces over the memory's bound", _OF_BOUND, scene.rasterise, seconds, scene, rounds)
    elif kind == "nvdiffrast" and is_cuda and peers.has_nvdiffrast():
        other = peers.Nvdiffrast(scene)
        yield _row(kind, "visible faces over nvdiffrast", 0.0, scene.rasterise, other.rasterise, scene, rounds)
        yield _row(kind, "forward and backward over nvdiffrast", 0.0, scene.learn, other.learn, scene, rounds)


def _row(
    kind: str,
    what: str,
    at_least: float,
    ours: Callable[[], object],
    other: Callable[[], object] | float,
    scene: "Scene",
    rounds: int,
) -> Comparison:
    """other: what to call, or the seconds that it takes."""
    from unrender.cli.benchmarks.raster_workload import Timing, timed

    timings: dict[str, list[Timing]] = {"ours": [], "other": []}

    def rate(name: str, work: Callable[[], object] | float) -> float:
        timing = Timing(work, work) if isinstance(work, float) else timed(work, scene.device)
        timings[name].append(timing)
        return scene.batch / timing.processor

    ours()  # compiles
    question = Question(f"{kind}-{scene.size[0]}-{scene.batch}", what, "images/s", at_least)
    settings = scene.describe()
    result = compare(question, lambda: rate("ours", ours), lambda: rate("other", other), rounds, settings)
    best = {name: min(timing.wall for timing in each) for name, each in timings.items()}
    wall = {f"{name}_milliseconds": round(1e3 * seconds, 3) for name, seconds in best.items()}
    settings["wall"] = wall | {"ratio": round(best["other"] / best["ours"], 2)}
    return result
