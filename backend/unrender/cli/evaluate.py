# SPDX-License-Identifier: Apache-2.0
"""`unrender evaluate RUN`."""

from pathlib import Path
from typing import Annotated

import typer

from unrender.cli.console import long_work, print_json


def command(
    model: Annotated[str, typer.Argument(help="Name of a model, or the folder of a run.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the pictures to compare with.")] = None,
    count: Annotated[int, typer.Option(min=16, help="Generated shapes, one view each.")] = 400,
    seed: Annotated[int, typer.Option(help="Of the shapes and views.")] = 0,
    threshold: Annotated[float, typer.Option(min=0.01, max=0.99, help="Occupancy above which a voxel is full.")] = 0.5,
) -> None:
    """Measure a trained model; one line of JSON.

    \b
    kid            kernel distance of renders to the pictures, features of our shape classifier; lower is better
    full_share     voxels above the threshold
    grey_share     voxels between 0.1 and 0.9
    pieces         connected pieces per shape, on average
    empty_share    shapes without any voxel above the threshold

    \b
    unrender evaluate RUN --data PHOTOS
    """
    from unrender.errors import ConfigurationError
    from unrender.methods.models import find_model
    from unrender.methods.voxel_gan.measures import measure

    if data is None:
        raise ConfigurationError("No pictures were named.", "Add --data FOLDER, the pictures to compare with.")
    with long_work() as work:
        print_json(measure(find_model(model), data, count, seed, threshold, work.progress, work.cancelled))
