# SPDX-License-Identifier: Apache-2.0
"""`unrender train METHOD`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from unrender.cli.console import long_work, print_json


def command(
    method: Annotated[str, typer.Argument(help="The system to train: voxel_gan or textured_mesh_gan.")],
    data: Annotated[Path | None, typer.Option(help="Folder of pictures: photographs, or renders with alpha.")] = None,
    shapes: Annotated[
        str, typer.Option(help="Instead: a procedural class (chair, ...), or a folder of shapes, which are rendered.")
    ] = "",
    out: Annotated[Path, typer.Option(help="Folder of the run: config, checkpoints, metrics, samples, log.")] = Path(
        "run"
    ),
    config: Annotated[
        str, typer.Option(help="Name of a preset, or a .toml file; else iggan-32, or textured-photos-64.")
    ] = "",
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="Override a setting, key=value; may be repeated.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in --out exactly where it stopped.")
    ] = False,
    devices: Annotated[int, typer.Option(min=1, help="Processes on this machine: one for each GPU to use.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines that train together; torchrun and srun say it too.")] = 1,
    json_output: Annotated[bool, typer.Option("--json", help="Print the last evaluation as JSON.")] = False,
) -> None:
    """Train a model from a folder of pictures, or from renders of shapes.

    \b
    voxel_gan          IG-GAN and its baselines: white shapes of voxels, with hollows and holes, through a real renderer
    textured_mesh_gan  closed shapes with their colours and a background, from whole photographs as they are

    \b
    Photographs on a plain background, Blender's Cycles in the loop, 32^3 voxels, on a CPU:
      unrender train voxel_gan --config iggan-photos-32 --data PHOTOS --out RUN
    Photographs of one kind of thing from all around; and of things that all face the camera:
      unrender train textured_mesh_gan --data PHOTOS --out RUN
      unrender train textured_mesh_gan --data FACES --out RUN --set views.azimuth_degrees=[-30,30]
    Renders with an alpha channel, such as those of `unrender render-dataset`:
      unrender train voxel_gan --config iggan-32 --data RENDERS --out RUN
    Procedural chairs, or shapes from files, each seen once (data.set=unlimited: from ever new views):
      unrender train voxel_gan --shapes chair --set data.set=500 --out RUN
      unrender train voxel_gan --shapes MODELS --set data.objects=300 --out RUN
    A shorter run, and one with other views:
      ... --set total_images=20000 --set views.elevation_degrees=[15,60]
    A baseline of the same game, an ablation, another black box; another layer of soft outlines:
      ... --set route=visual_hull    ... --set proxy.joint=false    ... --set renderer.engine=eevee
      ... --set renderer.silhouette=antialias
    Four GPUs; and two machines of eight, this command on both, the run and the pictures on a disk that both see:
      unrender train voxel_gan --config iggan-64 --data RENDERS --out RUN --devices 4
      torchrun --nnodes 2 --nproc-per-node 8 --rdzv-endpoint FIRST:29500 --no-python unrender train voxel_gan ...

    \b
    Presets of voxel_gan: iggan-16 (for studies), iggan-32 and iggan-paper-32 for a CPU, iggan-64-cpu for a night on
    one; iggan-photos-32 for photographs; iggan-64-best, -slim and iggan-64, the paper's scale, for a GPU.
    Presets of textured_mesh_gan: textured-photos-64 for a CPU, textured-photos-128 for a GPU; textured-mushrooms-64
    and textured-cars-64 for renders of those; textured-16, which takes seconds.
    Any setting in RUN/config.toml can be given to --set.

    \b
    Ctrl-C saves a checkpoint and stops; the same command with --resume continues. Watch RUN/samples/*.png; evaluations
    stand in RUN/metrics.jsonl, the settings in RUN/config.toml. The run is a model: unrender generate --model RUN.
    """
    from unrender.errors import ConfigurationError
    from unrender.methods import train
    from unrender.training.launch import Layout, reports_to_user

    if shapes and method == "textured_mesh_gan":
        raise ConfigurationError(
            f"{method} is trained on folders of pictures, but --shapes {shapes} was given.",
            "Render the shapes first, with unrender render-dataset --source, and name that folder with --data.",
        )
    overrides = (*((f"data.shapes={json.dumps(shapes)}",) if shapes else ()), *(assignments or ()))
    with long_work() as work:
        run = train(method, config, data, out, overrides, resume, work.progress, work.cancelled, devices, nodes)
    if not reports_to_user(Layout(devices, nodes)):
        return
    last = run.metrics()[-1]
    if json_output:
        print_json({"run": str(run.path), **last})
    else:
        typer.echo(f"{run.path}: {last['images']} images in {last['seconds'] / 60:.1f} minutes, KID {last['kid']:.4g}")
        typer.echo(f"Samples: {run.newest_sample()}")
        typer.echo(f"Next: unrender generate --model {run.path} --count 9 --out meshes")
