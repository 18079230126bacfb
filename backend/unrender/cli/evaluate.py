# SPDX-License-Identifier: Apache-2.0
"""`unrender evaluate RUN`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from unrender.cli.console import LongWork, long_work, print_json

if TYPE_CHECKING:
    from unrender.methods.models import Model

_BEST: Literal["best"] = "best"


def command(
    model: Annotated[str, typer.Argument(help="Name of a model, or the folder of a run.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the pictures to compare with.")] = None,
    shapes: Annotated[
        str, typer.Option(help="Or a procedural class, or a folder of shapes, whose renders to compare with.")
    ] = "",
    metrics: Annotated[
        str, typer.Option(help="Some of those below, with commas between, or all; else those with a star.")
    ] = "",
    count: Annotated[int, typer.Option(min=16, help="Generated shapes, one view each.")] = 400,
    seed: Annotated[int, typer.Option(help="Of the shapes and views.")] = 0,
    threshold: Annotated[
        str, typer.Option(help="Occupancy above which a voxel is full, 0.5; or best: also at the best for validation.")
    ] = "",
    inception: Annotated[
        Path | None, typer.Option(help="Weights of FID's ImageNet network, instead of our own features.")
    ] = None,
    sanity: Annotated[
        bool, typer.Option("--sanity", help="Also measure real against real, visual hulls, and an untrained model.")
    ] = False,
    report: Annotated[bool, typer.Option("--report", help="Also write report.html into the run's folder.")] = False,
) -> None:
    """Measure a trained model; one line of JSON, which a run keeps in evaluations.jsonl.

    \b
    Of every model:
    fid *                Frechet distance of renders to real ones, features of our shape classifier; lower is better
    kid *                kernel distance of the same features, which few images do not bias
    precision-recall     share of the renders that look real, share of the real ones that are covered

    \b
    Of a model of voxels (method voxel_gan), which also --shapes, --threshold, --sanity and --report are for:
    grids *              full, undecided and empty shares, pieces, floaters
    visual-hull          hollows that no silhouette shows, over the volume
    fid-over-thresholds  FID with a random threshold for every shape
    coverage             shapes against held-out shapes: coverage, distance, 1-NNA, by overlap and Chamfer distance
    proxy                PSNR of the proxy's images
    band-audit           the proxy's gradient against the exact one

    \b
    Of a model of textured meshes (method textured_mesh_gan):
    monitors *           the object's share of the frame, depth over width, what a view changes, hollowness
    identity *           whether an object stays the same while it turns, and whether all face the same way
    shape                with --data of unrender render-dataset: depth and solid behind pictures, beside a sphere's

    \b
    unrender evaluate RUN
    unrender evaluate RUN --data PHOTOS --metrics kid,precision-recall
    unrender evaluate RUN --metrics all --threshold best --report
    """
    from unrender.methods.generate import makes_voxels
    from unrender.methods.models import append_evaluation, find_model

    chosen = find_model(model)
    names = tuple(name.strip() for name in metrics.split(",") if name.strip()) if metrics else None
    if not makes_voxels(chosen):
        _refuse(chosen, {"--shapes": shapes, "--threshold": threshold, "--sanity": sanity, "--report": report})
        with long_work() as work:
            record = _measure_textured(chosen, data, names, count, seed, inception, work)
        append_evaluation(chosen, record)
        print_json(record)
        return
    from unrender.methods.voxel_gan.measuring.measures import measure
    from unrender.methods.voxel_gan.measuring.metric_list import DEFAULT
    from unrender.methods.voxel_gan.measuring.sanity import measure_sanity

    wanted = DEFAULT if names is None else names
    records = []
    with long_work() as work:
        records.append(
            measure(
                chosen,
                data,
                shapes,
                wanted,
                count,
                seed,
                _threshold(threshold),
                inception,
                work.progress,
                work.cancelled,
            )
        )
        append_evaluation(chosen, records[0])
        print_json(records[0])
        if sanity:
            rows = measure_sanity(chosen, data, shapes, wanted, count, seed, inception, work.progress, work.cancelled)
            for row in rows:
                print_json(row)
            records += rows
        if report:
            from unrender.methods.voxel_gan.measuring.report import write_report

            page = write_report(chosen, data, shapes, records, seed, work.progress, work.cancelled)
            typer.echo(f"{page}", err=True)


def _measure_textured(
    model: "Model",
    data: Path | None,
    names: tuple[str, ...] | None,
    count: int,
    seed: int,
    inception: Path | None,
    work: LongWork,
) -> dict[str, Any]:
    from unrender.methods.textured_mesh_gan.measuring.measures import measure
    from unrender.methods.textured_mesh_gan.measuring.metric_list import DEFAULT

    wanted = DEFAULT if names is None else names
    return measure(model, data, wanted, count, seed, inception, work.progress, work.cancelled)


def _refuse(model: "Model", given: Mapping[str, object]) -> None:
    """Raises ConfigurationError for options that a model without voxels has no use for."""
    from unrender.errors import ConfigurationError

    for name, value in given.items():
        if value:
            raise ConfigurationError(
                f"{name} is of models of voxels, but {model.name} makes surfaces with a texture.",
                "Compare with pictures: --data FOLDER." if name == "--shapes" else "Leave it away.",
            )


def _threshold(text: str) -> float | Literal["best"]:
    from unrender.errors import ConfigurationError

    if text == _BEST:
        return _BEST
    if not text:
        return 0.5
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 < value < 1.0:
        raise ConfigurationError(
            f"The threshold is {text!r}, but an occupancy between 0 and 1, or {_BEST!r}, was expected.",
            "Leave it away for 0.5.",
        )
    return value
