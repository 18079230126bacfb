# SPDX-License-Identifier: Apache-2.0
"""`unrender generate`: meshes from a trained model, or a film of them."""

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unrender.cli.console import long_work, print_json

if TYPE_CHECKING:
    from unrender.meshing import MeshSettings
    from unrender.methods.models import Model


class MeshFormat(StrEnum):
    """File formats that meshes are written in."""

    GLB = "glb"
    OBJ = "obj"
    PLY = "ply"
    STL = "stl"


class Film(StrEnum):
    """What a film shows."""

    TURN = "turn"
    IDENTITY = "identity"


def command(
    model: Annotated[str, typer.Option(help="Name of a model (see unrender models), or the folder of a run.")],
    out: Annotated[Path, typer.Option(help="Folder that the files are written to; with --film, its .gif or .mp4.")],
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The same seed gives the same shapes.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many shapes: seeds SEED, SEED + 1, ...")] = 1,
    towards: Annotated[
        int | None,
        typer.Option(min=0, max=2**31 - 1, help="Instead: COUNT shapes in equal steps from SEED's to this seed's."),
    ] = None,
    file_format: Annotated[
        MeshFormat, typer.Option("--format", help="glb (Y-up, as glTF wants it) and obj carry textures.")
    ] = MeshFormat.GLB,
    variety: Annotated[
        float, typer.Option(min=0.0, max=2.0, help="Spread of the shapes: lower is more typical.")
    ] = 1.0,
    threshold: Annotated[
        float | None, typer.Option(min=0.01, max=0.99, help="Occupancy at the surface of voxels, 0.5; higher: thinner.")
    ] = None,
    max_faces: Annotated[
        int | None, typer.Option(min=100, help="Simplify each mesh of voxels to at most this many faces.")
    ] = None,
    smooth: Annotated[bool | None, typer.Option(help="Smooth the steps of the voxels, as usual.")] = None,
    resolution: Annotated[
        int | None,
        typer.Option(min=1, max=2, help="Cells of the mesh per voxel along each axis, 1; 2 is finer."),
    ] = None,
    film: Annotated[
        Film | None,
        typer.Option(help="A film in the place of files: shapes that turn, or turn into one another."),
    ] = None,
    frames: Annotated[int | None, typer.Option(min=2, max=3600, help="Of the film, which is a loop; 96.")] = None,
    rate: Annotated[float | None, typer.Option(min=1, max=50, help="How many of them a second; 25.")] = None,
    size: Annotated[int | None, typer.Option(min=16, max=2048, help="Pixels a side of its shapes; 256.")] = None,
    azimuth: Annotated[
        float | None, typer.Option(help="Where the film's camera stands, or begins: degrees to the right; 30.")
    ] = None,
    elevation: Annotated[float | None, typer.Option(min=-90, max=90, help="And degrees above the horizon; 15.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: model, files, seconds.")] = False,
) -> None:
    """Make closed meshes with a trained model, with their texture if it makes one; the same seed gives the same files.

    \b
    Nine chairs, chair_0007.glb to chair_0015.glb:
      unrender generate --model chairs-32 --seed 7 --count 9 --out chairs
    From a run of your own, for a printer:
      unrender generate --model RUN --count 20 --format stl --out prints
    Eight shapes that lead from that of seed 3 to that of seed 5:
      unrender generate --model RUN --seed 3 --towards 5 --count 8 --out between
    Four shapes side by side that turn once, and one that becomes seed 8, seed 9 and itself again before one camera:
      unrender generate --model RUN --seed 7 --count 4 --film turn --out turn.gif
      unrender generate --model RUN --seed 7 --count 3 --film identity --out seeds.mp4

    \b
    --threshold, --max-faces, --smooth and --resolution are of models of voxels (method voxel_gan).
    """
    from unrender.methods.models import find_model

    begin = time.monotonic()
    values = {"frames": frames, "size": size, "azimuth_degrees": azimuth, "elevation_degrees": elevation}
    given = {name: value for name, value in values.items() if value is not None}
    _check_out(out, film, is_film_wanted=bool(given) or rate is not None)
    found = find_model(model)
    meshing = _mesh_settings(threshold, smooth, resolution, max_faces)
    if film is None:
        files = _write_shapes(found, out, seed, count, towards, variety, meshing, file_format, not as_json)
    else:
        files = [_write_film(found, out, film, seed, count, variety, meshing, given, rate or 25.0, not as_json)]
    if as_json:
        seconds = round(time.monotonic() - begin, 3)
        print_json({"model": found.name, "model_hash": found.hash, "files": files, "seconds": seconds})


def _check_out(out: Path, film: Film | None, is_film_wanted: bool) -> None:
    if film is not None and out.is_dir():
        raise typer.BadParameter(f"{out} is a folder; name a .gif or .mp4 file for a film.")
    if film is None and is_film_wanted:
        raise typer.BadParameter("--frames, --rate, --size, --azimuth and --elevation are of a film: add --film.")
    if film is None and out.suffix.lower() in (".gif", ".mp4"):
        raise typer.BadParameter(f"{out} would be a film: add --film turn or --film identity, or name a folder.")
    if film is None and out.exists() and not out.is_dir():
        raise typer.BadParameter(f"{out} is a file; name a folder.")


def _mesh_settings(
    threshold: float | None, smooth: bool | None, resolution: int | None, max_faces: int | None
) -> "MeshSettings | None":
    """How voxels become meshes; None where nothing is said of it."""
    from unrender.meshing import MeshSettings

    smoothing = None if smooth is None else float(smooth)
    values = {"threshold": threshold, "smoothing": smoothing, "resolution": resolution, "max_faces": max_faces}
    given = {name: value for name, value in values.items() if value is not None}
    return MeshSettings(**given) if given else None  # type: ignore[arg-type]


def _write_shapes(
    model: "Model",
    folder: Path,
    seed: int,
    count: int,
    towards: int | None,
    variety: float,
    meshing: "MeshSettings | None",
    file_format: MeshFormat,
    is_talking: bool,
) -> list[dict[str, object]]:
    from unrender.geometry.textured_shape import TexturedShape
    from unrender.meshing.textured_export import TEXTURED_FORMATS, export_shape
    from unrender.methods.generate import generate_shapes
    from unrender.serving.handlers import shape_name

    with long_work() as work:
        shapes = generate_shapes(model, seed, count, variety, meshing, work.progress, work.cancelled, towards=towards)
    suffix = f".{file_format.value}"
    if isinstance(shapes[0], TexturedShape) and suffix not in TEXTURED_FORMATS:
        typer.echo(f"unrender: {suffix} carries no texture, the shapes are written without; .glb has it.", err=True)
    files: list[dict[str, object]] = []
    for index, shape in enumerate(shapes):
        path = folder / f"{shape_name(model.name, seed, index, towards)}{suffix}"
        export_shape(shape, path)
        mesh = shape.mesh if isinstance(shape, TexturedShape) else shape
        facts: dict[str, object] = {"path": str(path), "seed": seed if towards is not None else seed + index}
        facts |= {"vertices": len(mesh.vertices), "faces": len(mesh.faces)}
        if towards is not None:
            facts |= {"towards": towards, "share": index / (count - 1)}
        if isinstance(shape, TexturedShape) and suffix in TEXTURED_FORMATS:
            facts["texture"] = list(shape.texture.shape[1::-1])
        files.append(facts)
        if is_talking:
            typer.echo(path)
    return files


def _write_film(
    model: "Model",
    path: Path,
    kind: Film,
    seed: int,
    count: int,
    variety: float,
    meshing: "MeshSettings | None",
    settings: dict[str, float | int],
    rate: float,
    is_talking: bool,
) -> dict[str, object]:
    from unrender.methods.film_files import check_film_path, write_film
    from unrender.methods.films import FilmSettings, film
    from unrender.methods.generate import shape_maker

    check_film_path(path)
    chosen = FilmSettings(**settings)  # type: ignore[arg-type]
    with long_work() as work:
        frames = film(
            shape_maker(model, meshing), kind.value, seed, count, variety, chosen, work.progress, work.cancelled
        )
        write_film(frames, rate, path)
    if is_talking:
        typer.echo(path)
    return {"path": str(path), "film": kind.value, "seeds": list(range(seed, seed + count)), "frames": chosen.frames}
