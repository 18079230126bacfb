# SPDX-License-Identifier: Apache-2.0
"""`unrender generate`: meshes from a trained model."""

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from unrender.cli.console import long_work, print_json


class MeshFormat(StrEnum):
    """File formats that meshes are written in."""

    GLB = "glb"
    OBJ = "obj"
    PLY = "ply"
    STL = "stl"


def command(
    model: Annotated[str, typer.Option(help="Name of a model (see unrender models), or the folder of a run.")],
    out: Annotated[Path, typer.Option(help="Folder that the files are written to.", file_okay=False)],
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The same seed gives the same shapes.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many shapes: seeds SEED, SEED + 1, ...")] = 1,
    file_format: Annotated[
        MeshFormat, typer.Option("--format", help="glb is Y-up, as glTF wants it.")
    ] = MeshFormat.GLB,
    threshold: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Occupancy at the surface; higher is thinner.")
    ] = 0.5,
    variety: Annotated[
        float, typer.Option(min=0.0, max=2.0, help="Spread of the shapes: lower is more typical.")
    ] = 1.0,
    max_faces: Annotated[
        int | None, typer.Option(min=100, help="Simplify each mesh to at most this many faces.")
    ] = None,
    smooth: Annotated[bool, typer.Option(help="Smooth the steps of the voxels.")] = True,
    resolution: Annotated[
        int, typer.Option(min=1, max=2, help="Cells of the mesh per voxel along each axis: 2 is finer and rounder.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: model, files, seconds.")] = False,
) -> None:
    """Make watertight meshes with a trained model; the same seed gives the same files.

    \b
    Nine chairs, chair_0007.glb to chair_0015.glb:
      unrender generate --model chairs-32 --seed 7 --count 9 --out chairs
    From a run of your own, for a printer:
      unrender generate --model RUN --count 20 --format stl --out prints
    """
    from unrender.meshing import MeshSettings
    from unrender.meshing.export import export_mesh
    from unrender.methods.generate import generate_meshes
    from unrender.methods.models import find_model
    from unrender.serving.handlers import shape_name

    begin = time.monotonic()
    found = find_model(model)
    with long_work() as work:
        meshes = generate_meshes(
            found,
            seed,
            count,
            variety,
            MeshSettings(threshold, float(smooth), resolution, max_faces),
            progress=work.progress,
            cancelled=work.cancelled,
        )
    files = []
    for index, mesh in enumerate(meshes):
        path = out / f"{shape_name(found.name, seed + index)}.{file_format.value}"
        export_mesh(mesh, path)
        files.append(
            {"path": str(path), "seed": seed + index, "vertices": len(mesh.vertices), "faces": len(mesh.faces)}
        )
        if not as_json:
            typer.echo(path)
    if as_json:
        print_json(
            {
                "model": found.name,
                "model_hash": found.hash,
                "files": files,
                "seconds": round(time.monotonic() - begin, 3),
            }
        )
