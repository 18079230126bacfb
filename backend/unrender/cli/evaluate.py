# SPDX-License-Identifier: Apache-2.0
"""`unrender evaluate RUN`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from unrender.cli.console import long_work, print_json

_BEST: Literal["best"] = "best"


def command(
    model: Annotated[str, typer.Argument(help="Name of a model, or the folder of a run.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the pictures to compare with.")] = None,
    shapes: Annotated[
        str, typer.Option(help="Or a procedural class, or a folder of shapes, whose renders to compare with.")
    ] = "",
    metrics: Annotated[str, typer.Option(help="Some of those below, with commas between, or all.")] = "fid,kid,grids",
    count: Annotated[int, typer.Option(min=16, help="Generated shapes, one view each.")] = 400,
    seed: Annotated[int, typer.Option(help="Of the shapes and views.")] = 0,
    threshold: Annotated[
        str, typer.Option(help="Occupancy above which a voxel is full, or best: 0.5 and the best one for validation.")
    ] = "0.5",
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
    fid                  Frechet distance of renders to real ones, features of our shape classifier; lower is better
    kid                  kernel distance of the same features, which few images do not bias
    precision-recall     share of the renders that look real, share of the real ones that are covered
    grids                full, undecided and empty shares, pieces, floaters
    visual-hull          hollows that no silhouette shows, over the volume
    fid-over-thresholds  FID with a random threshold for every shape
    coverage             shapes against held-out shapes: coverage, distance, 1-NNA, by overlap and Chamfer distance
    proxy                PSNR of the proxy's images
    band-audit           the proxy's gradient against the exact one

    \b
    unrender evaluate RUN
    unrender evaluate RUN --data PHOTOS --metrics kid,precision-recall
    unrender evaluate RUN --metrics all --threshold best --report
    """
    from unrender.methods.models import find_model
    from unrender.methods.voxel_gan.measuring.measures import append_evaluation, measure
    from unrender.methods.voxel_gan.measuring.sanity import measure_sanity

    chosen = find_model(model)
    names = tuple(name.strip() for name in metrics.split(",") if name.strip())
    records = []
    with long_work() as work:
        records.append(
            measure(
                chosen,
                data,
                shapes,
                names,
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
            rows = measure_sanity(chosen, data, shapes, names, count, seed, inception, work.progress, work.cancelled)
            for row in rows:
                print_json(row)
            records += rows
        if report:
            from unrender.methods.voxel_gan.measuring.report import write_report

            page = write_report(chosen, data, shapes, records, seed, work.progress, work.cancelled)
            typer.echo(f"{page}", err=True)


def _threshold(text: str) -> float | Literal["best"]:
    from unrender.errors import ConfigurationError

    if text == _BEST:
        return _BEST
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
