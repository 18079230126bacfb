# SPDX-License-Identifier: Apache-2.0
"""`unrender render-dataset`: objects x cameras -> images + annotations, through headless Blenders."""

import os
import time
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from unrender.cli.console import LongWork, long_work, print_json
from unrender.errors import BlenderNotFoundError, ConfigurationError, DataError, DiskFullError, RenderError
from unrender.training.progress import Progress

_PARTLY_DONE, _CONFIGURATION, _NO_ENGINE = 3, 4, 5
_RUN = "run:"
_WARM_UP = 5  # images that would spoil the estimate


def _read_config(context: Any, path: Path | None) -> Path | None:
    """Take what a TOML file says for the flags that are not given; context is that of the command."""
    if path is None or context.resilient_parsing:
        return path
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{path} cannot be read as TOML: {error}") from error
    values = {key.replace("-", "_"): value for key, value in values.items()}
    known = {parameter.name for parameter in context.command.params} - {"config", "help"}
    unknown = sorted(set(values) - known)
    if unknown:
        raise typer.BadParameter(
            f"{path} has {', '.join(unknown)}; expected some of {', '.join(sorted(filter(None, known)))}"
        )
    joined = {key: ",".join(map(str, value)) if isinstance(value, list) else value for key, value in values.items()}
    context.default_map = {**(context.default_map or {}), **joined}
    return path


def command(
    out: Annotated[Path, typer.Option(help="Folder to write.", file_okay=False)],
    source: Annotated[
        str,
        typer.Option(
            help="Class of procedural shapes (chair, couch, bathtub, table, ...), folder of meshes or one mesh, "
            ".blend file, or run:NAME for shapes of a trained run."
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Option(help="TOML file with these flags as keys; flags given win.", is_eager=True, callback=_read_config),
    ] = None,
    collection: Annotated[str, typer.Option(help="Collection of the .blend file.")] = "",
    up: Annotated[str, typer.Option(help="Axis of mesh files that points up: auto, y or z.")] = "auto",
    count: Annotated[
        int | None, typer.Option(min=1, help="How many objects; default: 500 shapes, or all of a folder.")
    ] = None,
    views: Annotated[int, typer.Option(min=1, help="Images of each object.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same images.")] = 0,
    size: Annotated[int, typer.Option(min=8, max=4096, help="Pixels per side.")] = 64,
    samples: Annotated[
        int | None, typer.Option(min=1, max=4096, help="Samples per pixel; default: 4 for white shapes, 32 for files.")
    ] = None,
    resolution: Annotated[int, typer.Option(min=8, max=512, help="Voxels per side of procedural shapes.")] = 32,
    cameras: Annotated[
        str,
        typer.Option(
            help="iggan, above, iggan-lvp, sphere, turntable, gan-views, orbit, or the path of a cameras.json."
        ),
    ] = "iggan",
    field_of_view: Annotated[
        float, typer.Option(min=0, max=150, help="Degrees, for perspective cameras; 0 is orthographic.")
    ] = 0.0,
    width: Annotated[
        float, typer.Option(min=0.1, max=10, help="World units across the frame, at the object's middle.")
    ] = 1.1,
    lights: Annotated[
        str | None,
        typer.Option(help="iggan, headlight, three-point, or an .hdr or .exr picture; default: by the source."),
    ] = None,
    light_jitter: Annotated[
        float, typer.Option(min=0, max=180, help="Degrees that lights may move from object to object.")
    ] = 0.0,
    shadows: Annotated[bool, typer.Option("--shadows", help="White shapes cast shadows on themselves.")] = False,
    materials: Annotated[
        str, typer.Option(help="auto, keep (colours of mushrooms and cars, too), or clay for all white.")
    ] = "auto",
    background: Annotated[str, typer.Option(help="transparent, #rrggbb, or a folder of pictures.")] = "transparent",
    passes: Annotated[
        str, typer.Option(help="Some of rgb,mask,depth,normal,normal_world,index,flow, with commas.")
    ] = "rgb",
    image_format: Annotated[str, typer.Option(help="png8, png16 (both sRGB) or exr (linear).")] = "png8",
    writer: Annotated[str, typer.Option(help="Some of folder,webdataset,hdf5,coco,nerf, with commas.")] = "folder",
    engine: Annotated[
        str, typer.Option(help="cycles, eevee or workbench; another is taken where it fails.")
    ] = "cycles",
    device: Annotated[str, typer.Option(help="What Cycles renders on: cpu, auto, gpu, optix, cuda, hip, ...")] = "cpu",
    shard: Annotated[str, typer.Option(help="I/N renders every N-th object, from I = 0 on.")] = "0/1",
    images: Annotated[str, typer.Option(help="Render only these images, for example 0,17.")] = "",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Blenders at once; default: one per two cores, or all that --ray allows.")
    ] = None,
    ray: Annotated[
        str, typer.Option(help="Render on all machines of a Ray cluster: auto, or HOST:PORT of its head.")
    ] = "",
    threads: Annotated[int, typer.Option(min=1, help="Render threads of each Blender.")] = 2,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that one image may take.")] = 600.0,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a data set that was interrupted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON per image on stdout.")] = False,
) -> None:
    """Render objects with Blender into a folder of images with their cameras.

    \b
    The folder holds images/NNNNNN.png (sRGB, straight alpha), manifest.jsonl, cameras.json and contact_sheet.png.
    Train on it with: unrender train voxel_gan --data OUT
    Exit codes: 0 done, 2 wrong usage, 3 partly done (failures.jsonl says why), 4 settings, source or folder cannot be
    used, 5 no engine works.
    `blender -b -P scripts/render_dataset.py -- ...` does the same without the backend.
    """
    from unrender.data.dataset_rendering import DatasetRequest, render_dataset

    with long_work() as work:
        try:
            if source.startswith(_RUN):
                folder, is_white = _generate(source.removeprefix(_RUN), out, count or 500, seed, work)
                source = str(folder)
                if is_white:
                    lights, samples = lights or "iggan", samples or 4  # lit as those of training are
            request = DatasetRequest(
                source, count, views, seed, size, samples, resolution, cameras, lights, shadows, engine,
                collection=collection, up=up, field_of_view=field_of_view, width=width, light_jitter=light_jitter,
                materials=materials, background=background, passes=passes, image_format=image_format, writer=writer,
                device=device, shard=shard, only_images=images, timeout=timeout,
            )  # fmt: skip
            display = _Display(work, as_json)
            workers = workers or (0 if ray else max(1, (os.cpu_count() or 1) // 2))
            failed = render_dataset(
                request, out, workers, threads, resume, display.record, work.cancelled, on_note=display.note, ray=ray
            )
        except ConfigurationError as error:
            raise typer.BadParameter(str(error)) from error
        except (DataError, RenderError, DiskFullError, BlenderNotFoundError) as error:
            typer.echo(f"unrender: {error}", err=True)
            raise typer.Exit(_exit_code(error)) from error
    if not as_json:
        typer.echo(f"{display.done} images rendered into {out}" + (f", {failed} failed" if failed else ""))
    if failed:
        raise typer.Exit(_PARTLY_DONE)


def _exit_code(error: DataError | RenderError | DiskFullError | BlenderNotFoundError) -> int:
    if isinstance(error, DiskFullError):
        return _PARTLY_DONE
    return _CONFIGURATION if isinstance(error, DataError) else _NO_ENGINE


def _generate(model: str, out: Path, count: int, seed: int, work: LongWork) -> tuple[Path, bool]:
    """Shapes of a trained run as files below the data set; those that are there stay. Returns their folder, and whether
    they have no colours of their own."""
    from unrender.meshing.textured_export import export_shape
    from unrender.methods.generate import generate_shapes, makes_voxels
    from unrender.methods.models import find_model

    found = find_model(model)
    folder = out / "shapes" / found.name
    paths = [folder / f"{found.name}_{seed + index:06d}.obj" for index in range(count)]
    if not all(path.is_file() for path in paths):
        shapes = generate_shapes(found, seed, count, progress=work.progress, cancelled=work.cancelled)
        for path, shape in zip(paths, shapes, strict=True):
            export_shape(shape, path)
    return folder.parent, makes_voxels(found)


class _Display:
    """Turns the records of images into progress, or prints them as JSON."""

    def __init__(self, work: LongWork, as_json: bool) -> None:
        self.done = 0
        self._work, self._as_json = work, as_json
        self._told: set[int] = set()
        self._begin = 0.0

    def note(self, words: str) -> None:
        """Say what the user should know, such as that another engine renders."""
        typer.echo(f"unrender: {words}", err=True)

    def record(self, record: dict[str, Any]) -> None:
        """An image was rendered, or failed."""
        if self._as_json:
            print_json(record)
        message, total, eta = "", 0, None
        if "failed" in record:
            if record["object"] not in self._told and not self._as_json:
                self._told.add(record["object"])  # not once per view
                typer.echo(f"failed ({record['tag']}): {record['message']}", err=True)
            return
        self.done += 1
        total, eta = int(record["total"]), record["eta"]
        self._begin = self._begin or time.monotonic()
        if self.done > _WARM_UP:
            message = f"{(self.done - 1) / max(time.monotonic() - self._begin, 1e-6):.1f} images/s"
        if not self._as_json:
            self._work.progress(Progress("rendering", self.done, total, eta, message, None))
