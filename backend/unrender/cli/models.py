# SPDX-License-Identifier: Apache-2.0
"""`unrender models`: what there is to generate with."""

import shutil
from typing import TYPE_CHECKING, Annotated

import typer

from unrender.cli.console import print_json
from unrender.errors import UserError
from unrender.storage import data_home

if TYPE_CHECKING:
    from unrender.methods.models import Model

application = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@application.callback()
def _models() -> None:
    """List, show and remove models: those that come with Unrender, and the runs that you trained.

    \b
    unrender models list
    unrender models show chairs-32
    unrender models remove my-run
    """


@application.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: models.")] = False,
) -> None:
    """List the models by name. Any of them can be given to unrender generate --model."""
    from unrender.methods import models

    found = models.list_models()
    if as_json:
        print_json({"models": [_summary(model) for model in found]})
        return
    if not found:
        typer.echo("There are no models yet. Train one: unrender train --help.")
    width = max((len(model.name) for model in found), default=0)
    for model in found:
        typer.echo(f"{model.name:<{width}}  {model.method}  {model.hash[:8]}  {model.path}")


@application.command("show")
def show_model(
    name: Annotated[str, typer.Argument(help="Name of a model, or the folder of a run.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what is known of a model: its data, its training, its measures, its licence."""
    from unrender.methods.models import find_model

    model = find_model(name)
    if as_json:
        print_json(_summary(model))
        return
    for key, value in _summary(model).items():
        if key != "card":
            typer.echo(f"{key}: {value}")
    for key, value in model.card.items():
        typer.echo(f"{key}: {value}")


@application.command("remove")
def remove_model(
    name: Annotated[str, typer.Argument(help="Name of a run of yours.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a run of yours with all its checkpoints. Models that come with Unrender stay."""
    from unrender.methods.models import find_model

    model = find_model(name)
    runs = (data_home() / "runs").resolve()
    if model.path.resolve().parent != runs:
        raise UserError(
            f"{model.path} is not one of the runs in {runs}.",
            "Models that come with Unrender, and runs elsewhere, are kept.",
        )
    if not yes:
        typer.confirm(f"Delete {model.path} with all its checkpoints?", abort=True)
    shutil.rmtree(model.path)
    typer.echo(f"Removed {model.name}.")


def _summary(model: "Model") -> dict[str, object]:
    return {
        "name": model.name,
        "method": model.method,
        "hash": model.hash,
        "path": str(model.path),
        "card": dict(model.card),
    }
