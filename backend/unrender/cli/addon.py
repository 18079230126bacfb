# SPDX-License-Identifier: Apache-2.0
"""`unrender addon`: the zips that Blender installs."""

import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from unrender.cli.console import print_json
from unrender.cli.self_record import record_self
from unrender.errors import PackagingError
from unrender.packaging import installation
from unrender.packaging.build import BuiltPackage, PackageKind, build_packages

_DONE, _FAILED, _PARTLY_DONE = 0, 1, 3

application = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@application.callback()
def _addon() -> None:
    """Build the add-on for Blender, and install it.

    \b
    unrender addon install
    unrender addon build --out zips
    unrender addon uninstall
    """
    # Downloads and Blenders take seconds each: what is being done goes to stderr.
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    record_self()


@application.command("build")
def build(
    out: Annotated[Path, typer.Option(help="Folder for the zips; it is made.")],
    only: Annotated[
        PackageKind | None, typer.Option(help="Only one zip: extension (Blender 4.2 and newer) or legacy (3.4 to 4.1).")
    ] = None,
    wheels: Annotated[
        Path | None, typer.Option(help="Folder with the wheels, for a computer without a network.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: packages.")] = False,
) -> None:
    """Build the two zips: the extension for Blender 4.2 and newer, the add-on for Blender 3.4 to 4.1.

    Neither needs a Blender. Their libraries (pyzmq, msgpack) are downloaded once by pip, and kept in the data home.
    """
    built = build_packages(out, only, wheels)
    if as_json:
        print_json({"packages": [_summary(package) for package in built]})
        return
    for package in built:
        typer.echo(f"{package.path}  {package.bytes / 1e6:.1f} MB  sha256 {package.sha256[:16]}")


Blenders = Annotated[
    list[str] | None,
    typer.Option(
        help="A Blender executable, its folder, or a Python with bpy; can be given again. [default: all that are found]"
    ),
]


@application.command("install")
def install(
    blender: Blenders = None,
    package: Annotated[
        Path | None, typer.Option("--zip", help="A zip that was built before. [default: the right one is built]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: blenders.")] = False,
) -> None:
    """Install the add-on into the Blenders of this computer and enable it there, as its preferences would.

    Close Blender before, or start it again afterwards: a Blender that runs keeps the add-on that it has loaded, and
    may write its preferences over the new ones when it ends.

    \b
    unrender addon install
    unrender addon install --blender /opt/blender-4.5/blender
    """
    _tell(installation.install(_chosen(blender), package), as_json)


@application.command("uninstall")
def uninstall(
    blender: Blenders = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object: blenders.")] = False,
) -> None:
    """Disable the add-on and remove it from the Blenders of this computer. Models and runs stay."""
    _tell(installation.uninstall(_chosen(blender)), as_json)


def _chosen(named: list[str] | None) -> list[str]:
    from unrender.renderers.off_the_shelf.discovery import find_executables

    blenders = named or find_executables()
    if not blenders:
        raise PackagingError(
            "No Blender was found on the PATH or in the usual places.",
            "Name it: unrender addon install --blender PATH; or build the zips (unrender addon build --out DIR) and "
            "install one of them in Blender's preferences.",
        )
    return blenders


def _tell(outcomes: list[installation.Outcome], as_json: bool) -> None:
    """Print a line for each Blender; exits with 1 where none went well, with 3 where only some did."""
    if as_json:
        print_json({"blenders": [asdict(outcome) for outcome in outcomes]})
    else:
        for outcome in outcomes:
            typer.echo(str(outcome))
    done = [outcome.ok for outcome in outcomes]
    raise typer.Exit(_DONE if all(done) else _PARTLY_DONE if any(done) else _FAILED)


def _summary(package: BuiltPackage) -> dict[str, object]:
    return {
        "kind": package.kind.value,
        "path": str(package.path),
        "version": package.version,
        "bytes": package.bytes,
        "sha256": package.sha256,
    }
